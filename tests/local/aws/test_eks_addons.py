"""Add-ons, access entries and pod identity associations."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.aws_fakes import DEMO, Scene

from eksprov.local.aws.eks.addons import catalog, schemas
from eksprov.local.contract import AddonSpec
from eksprov.local.node.addons import Place, objects

ADMIN = "arn:aws:iam::123456789012:user/local-admin"
CLUSTER_ADMIN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
CNI = {**DEMO, "addonName": "vpc-cni"}


def status(scene: Scene, name: str) -> str:
    return str(scene.aws.eks.describe_addon(clusterName="demo", addonName=name)["addon"]["status"])


def test_an_addon_turns_active_when_its_workloads_are_there(scene: Scene) -> None:
    scene.active_cluster()
    values = json.dumps({"enableNetworkPolicy": "true"})
    made = scene.aws.eks.create_addon(**CNI, configurationValues=values, tags={"owner": "me"})["addon"]
    assert (made["status"], made["addonVersion"], made["tags"]) == ("CREATING", "v1.22.3-eksbuild.1", {"owner": "me"})
    assert scene.kubernetes.addons["vpc-cni"].configuration == {"enableNetworkPolicy": "true"}
    scene.clock.advance(19)
    assert status(scene, "vpc-cni") == "CREATING"
    scene.clock.advance(2)
    assert status(scene, "vpc-cni") == "ACTIVE"


@pytest.mark.parametrize("name", ["coredns", "metrics-server"])
def test_replicas_without_nodes_stay_creating_then_degraded_until_nodes_come(scene: Scene, name: str) -> None:
    scene.active_cluster()
    scene.aws.eks.create_addon(clusterName="demo", addonName=name)
    scene.clock.advance(1199)
    assert status(scene, name) == "CREATING"
    scene.clock.advance(2)
    found = scene.aws.eks.describe_addon(clusterName="demo", addonName=name)["addon"]
    assert found["status"] == "DEGRADED"
    assert found["health"]["issues"][0]["code"] == "InsufficientNumberOfReplicas"
    scene.active_nodegroup()
    found = scene.aws.eks.describe_addon(clusterName="demo", addonName=name)["addon"]
    assert (found["status"], found["health"]["issues"]) == ("ACTIVE", [])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"addonName": "nonsense"}, "not supported"),
        ({"addonVersion": "v0.0.1-eksbuild.1"}, "Addon version specified is not supported"),
        ({"configurationValues": "{"}, "not in valid JSON"),
        ({"configurationValues": '{"nonsense": 1}'}, "Json schema"),
        (
            {
                "podIdentityAssociations": [
                    {"serviceAccount": "aws-node", "roleArn": "arn:aws:iam::123456789012:role/x"}
                ]
            },
            "does not exist",
        ),
    ],
)
def test_create_addon_refuses_what_aws_refuses(scene: Scene, change: dict[str, Any], message: str) -> None:
    scene.active_cluster()
    with pytest.raises(scene.aws.eks.exceptions.InvalidParameterException, match=message):
        scene.aws.eks.create_addon(**CNI | change)
    assert scene.aws.eks.list_addons(clusterName="demo")["addons"] == []


def test_an_addon_owns_its_pod_identities(scene: Scene) -> None:
    scene.active_cluster()
    role = scene.aws.role("cni", "pods.eks.amazonaws.com", "AmazonEKS_CNI_Policy")
    identity = {"serviceAccount": "aws-node", "roleArn": role}
    made = scene.aws.eks.create_addon(**CNI, podIdentityAssociations=[identity])["addon"]
    (found,) = scene.aws.eks.list_pod_identity_associations(clusterName="demo")["associations"]
    assert made["podIdentityAssociations"] == [found["associationArn"]]
    assert (found["ownerArn"], found["namespace"]) == (made["addonArn"], "kube-system")
    scene.clock.advance(21)
    update = scene.aws.eks.update_addon(**CNI, podIdentityAssociations=[])["update"]
    assert scene.aws.eks.list_pod_identity_associations(clusterName="demo")["associations"] == []
    assert status(scene, "vpc-cni") == "UPDATING"
    scene.clock.advance(21)
    assert status(scene, "vpc-cni") == "ACTIVE"
    found = scene.aws.eks.describe_update(name="demo", addonName="vpc-cni", updateId=update["id"])["update"]
    assert found["status"] == "Successful"


def test_a_deleted_addon_goes_with_its_workloads_unless_preserved(scene: Scene) -> None:
    scene.active_cluster()
    for preserve in (True, False):
        scene.aws.eks.create_addon(**CNI)
        assert scene.aws.eks.delete_addon(**CNI, preserve=preserve)["addon"]["status"] == "DELETING"
        assert ("vpc-cni" in scene.kubernetes.addons) is preserve
        scene.clock.advance(11)
        with pytest.raises(scene.aws.eks.exceptions.ResourceNotFoundException, match="No addon: vpc-cni"):
            scene.aws.eks.describe_addon(**CNI)


def test_addon_versions_fit_the_cluster_version(scene: Scene) -> None:
    for version in ("1.33", "1.34", "1.35", "1.36"):
        found = scene.aws.eks.describe_addon_versions(kubernetesVersion=version)["addons"]
        assert {"vpc-cni", "kube-proxy", "coredns", "eks-pod-identity-agent", "metrics-server"} <= {
            each["addonName"] for each in found
        }
        for each in found:
            defaults = [v for v in each["addonVersions"] if v["compatibilities"][0]["defaultVersion"]]
            assert len(defaults) == 1
            assert {c["clusterVersion"] for v in each["addonVersions"] for c in v["compatibilities"]} == {version}
    schema = scene.aws.eks.describe_addon_configuration(addonName="vpc-cni", addonVersion="v1.22.3-eksbuild.1")
    assert "enableNetworkPolicy" in json.loads(schema["configurationSchema"])["definitions"]["VpcCni"]["properties"]


def test_addon_versions_are_filtered_and_their_schemas_hold_what_is_configured(scene: Scene) -> None:
    scene.active_cluster()
    eks = scene.aws.eks
    for key, value in (("types", ["storage"]), ("publishers", ["somebody"]), ("owners", ["aws-marketplace"])):
        names = {each["addonName"] for each in eks.describe_addon_versions(**{key: value})["addons"]}
        assert ("aws-ebs-csi-driver" in names) is (key == "types")
        assert "coredns" not in names
    shown = eks.describe_addon_configuration(addonName="coredns", addonVersion="v1.14.3-eksbuild.3")
    schema = json.loads(shown["configurationSchema"])
    assert schema["$ref"] == "#/definitions/Coredns"
    coredns = {**DEMO, "addonName": "coredns"}
    words = r"\[\$\.replicas: is not defined in the schema and the schema does not allow additional properties\]"
    with pytest.raises(eks.exceptions.InvalidParameterException, match=words):
        eks.create_addon(**coredns, configurationValues='{"replicas": 2}')
    eks.create_addon(**coredns, configurationValues="replicaCount: 2\n")


@pytest.mark.parametrize(
    ("mode", "status"), [(None, "CREATE_FAILED"), ("NONE", "CREATE_FAILED"), ("OVERWRITE", "CREATING")]
)
def test_an_addon_over_self_managed_software_conflicts_unless_told_to_overwrite(
    scene: Scene, mode: str | None, status: str
) -> None:
    scene.active_cluster(bootstrapSelfManagedAddons=True)
    more = {"resolveConflicts": mode} if mode else {}
    made = scene.aws.eks.create_addon(**DEMO, addonName="vpc-cni", **more)["addon"]
    assert made["status"] == status
    codes = [issue["code"] for issue in made["health"]["issues"]]
    assert codes == (["ConfigurationConflict"] if status == "CREATE_FAILED" else [])


def test_every_catalogued_addon_has_a_schema_a_stand_in_and_a_version(scene: Scene) -> None:
    for name, kind in catalog.CATALOG.items():
        assert name in schemas.SCHEMAS
        spec = AddonSpec(name, next(iter(kind.versions.values()))[0])
        assert objects(spec, Place("us-west-2", "172.20.0.10"))
        known = scene.aws.eks.describe_addon_versions(addonName=name, kubernetesVersion="1.36")["addons"]
        assert known[0]["addonVersions"]


def test_access_entries_live_with_their_policies(scene: Scene) -> None:
    scene.active_cluster()
    entry = {"clusterName": "demo", "principalArn": ADMIN}
    made = scene.aws.eks.create_access_entry(**entry, tags={"owner": "me"})["accessEntry"]
    assert (made["type"], made["username"], made["tags"]) == ("STANDARD", ADMIN, {"owner": "me"})
    with pytest.raises(scene.aws.eks.exceptions.ResourceInUseException):
        scene.aws.eks.create_access_entry(**entry)
    scope = {"type": "cluster"}
    scene.aws.eks.associate_access_policy(**entry, policyArn=CLUSTER_ADMIN, accessScope=scope)
    (found,) = scene.aws.eks.list_associated_access_policies(**entry)["associatedAccessPolicies"]
    assert (found["policyArn"], found["accessScope"]["type"]) == (CLUSTER_ADMIN, "cluster")
    scene.aws.eks.disassociate_access_policy(**entry, policyArn=CLUSTER_ADMIN)
    assert scene.aws.eks.list_associated_access_policies(**entry)["associatedAccessPolicies"] == []
    scene.aws.eks.update_access_entry(**entry, kubernetesGroups=["ops"])
    assert scene.aws.eks.describe_access_entry(**entry)["accessEntry"]["kubernetesGroups"] == ["ops"]
    scene.aws.eks.delete_access_entry(**entry)
    assert scene.aws.eks.list_access_entries(clusterName="demo")["accessEntries"] == []


def test_a_role_with_a_path_is_named_without_it_in_the_user(scene: Scene) -> None:
    scene.active_cluster()
    made = scene.aws.iam.create_role(
        RoleName="dev",
        Path="/team/",
        AssumeRolePolicyDocument=json.dumps(
            {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
        ),
    )
    entry = {"clusterName": "demo", "principalArn": made["Role"]["Arn"]}
    made = scene.aws.eks.create_access_entry(**entry)["accessEntry"]
    assert made["username"] == "arn:aws:sts::123456789012:assumed-role/dev/{{SessionName}}"
    assert scene.aws.eks.describe_access_entry(**entry)["accessEntry"] == made


@pytest.mark.parametrize(
    "change",
    [
        {"principalArn": "arn:aws:iam::123456789012:role/nobody"},
        {"principalArn": "arn:aws:sts::123456789012:assumed-role/a/b"},
        {"type": "NONSENSE"},
        {"type": "EC2_LINUX", "kubernetesGroups": ["a"]},
        {"kubernetesGroups": ["system:masters"]},
    ],
)
def test_create_access_entry_refuses_what_aws_refuses(scene: Scene, change: dict[str, Any]) -> None:
    scene.active_cluster()
    with pytest.raises(scene.aws.eks.exceptions.InvalidParameterException):
        scene.aws.eks.create_access_entry(**{"clusterName": "demo", "principalArn": ADMIN} | change)


def test_an_unknown_access_policy_is_refused(scene: Scene) -> None:
    scene.active_cluster()
    entry = {"clusterName": "demo", "principalArn": ADMIN}
    scene.aws.eks.create_access_entry(**entry)
    for request in (
        {"policyArn": "arn:aws:iam::aws:policy/AdministratorAccess", "accessScope": {"type": "cluster"}},
        {"policyArn": CLUSTER_ADMIN, "accessScope": {"type": "namespace"}},
    ):
        with pytest.raises(scene.aws.eks.exceptions.InvalidParameterException):
            scene.aws.eks.associate_access_policy(**entry, **request)


def test_pod_identity_needs_a_role_that_pods_may_assume_and_is_one_an_account(scene: Scene) -> None:
    scene.active_cluster()
    place = {"clusterName": "demo", "namespace": "models", "serviceAccount": "digits"}
    wrong = scene.aws.role("wrong", "ec2.amazonaws.com")
    for arn, message in ((wrong, "Trust policy"), ("arn:aws:iam::123456789012:role/nobody", "does not exist")):
        with pytest.raises(scene.aws.eks.exceptions.InvalidParameterException, match=message):
            scene.aws.eks.create_pod_identity_association(**place, roleArn=arn)
    role = scene.aws.role("digits", "pods.eks.amazonaws.com")
    made = scene.aws.eks.create_pod_identity_association(**place, roleArn=role, tags={"a": "b"})["association"]
    with pytest.raises(scene.aws.eks.exceptions.ResourceInUseException, match=made["associationId"]):
        scene.aws.eks.create_pod_identity_association(**place, roleArn=role)
    other = scene.aws.role("other", "pods.eks.amazonaws.com")
    known = {"clusterName": "demo", "associationId": made["associationId"]}
    scene.aws.eks.update_pod_identity_association(**known, roleArn=other)
    found = scene.aws.eks.describe_pod_identity_association(**known)["association"]
    assert (found["roleArn"], found["tags"]) == (other, {"a": "b"})
    assert scene.aws.eks.list_pod_identity_associations(clusterName="demo", namespace="else")["associations"] == []
    scene.aws.eks.delete_pod_identity_association(**known)
    with pytest.raises(scene.aws.eks.exceptions.ResourceNotFoundException):
        scene.aws.eks.describe_pod_identity_association(**known)


@pytest.mark.parametrize("member", [{"policy": "{}"}, {"disableSessionTags": True}])
def test_what_nobody_asks_of_an_association_is_refused(scene: Scene, member: dict[str, Any]) -> None:
    scene.active_cluster()
    role = scene.aws.role("digits", "pods.eks.amazonaws.com")
    place = {"clusterName": "demo", "namespace": "models", "serviceAccount": "digits", "roleArn": role}
    with pytest.raises(ClientError, match=f"does not emulate {next(iter(member))}"):
        scene.aws.eks.create_pod_identity_association(**place, **member)
