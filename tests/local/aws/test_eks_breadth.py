"""The rest of EKS: Fargate, encryption, identity providers, insights, rollback, capabilities; and the table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from eksprov.local.aws import operations
from eksprov.local.aws.eks import addon_catalog, addon_schemas
from eksprov.local.aws.eks.response import OPERATIONS
from eksprov.local.contract import AddonSpec
from eksprov.local.node.addons import Place, objects

DOCS = Path(__file__).parents[3] / "docs" / "local-aws-operations.md"
DEMO = {"clusterName": "demo"}
FARGATE = "eks-fargate-pods.amazonaws.com"
CAPABILITIES = "capabilities.eks.amazonaws.com"


def refused(call: Any, **params: Any) -> str:
    """The code of the refusal."""
    with pytest.raises(ClientError) as error:
        call(**params)
    return str(error.value.response["Error"]["Code"])


def profile(scene: Any, name: str = "jobs", **more: Any) -> dict[str, Any]:
    role = more.pop("role", None) or scene.aws.role(f"fargate-{name}", FARGATE)
    selectors = more.pop("selectors", [{"namespace": "jobs"}])
    return {**DEMO, "fargateProfileName": name, "podExecutionRoleArn": role, "selectors": selectors, **more}


def test_the_table_in_the_docs_is_what_the_code_answers() -> None:
    assert DOCS.read_text("utf-8") == operations.table().rstrip("\n") + "\n", (
        "make it anew: python -m eksprov.local.aws.operations > docs/local-aws-operations.md"
    )


def test_fifty_and_more_operations_of_eks_are_there_and_all_of_them_exist() -> None:
    known = set(operations.operations_of("eks").values())
    assert set(OPERATIONS) <= known
    assert len(OPERATIONS) >= 50


def test_everything_that_eksprov_calls_is_found_in_its_source_and_answered() -> None:
    called = operations.called()
    assert {"CreateVpc", "DescribeSubnets", "CreateNatGateway"} <= called["ec2"]
    assert {"CreateRole", "ListRoles", "PutRolePolicy"} <= called["iam"]
    assert {"CreateAddon", "DescribeAddonVersions", "DescribeAddonConfiguration"} <= called["eks"]
    assert called["eks"] <= set(OPERATIONS)
    absent = [(s, n) for s, names in called.items() if s != "eks" for n in names]
    assert [each for each in absent if operations.answered_by(*each) == operations.ABSENT] == []
    assert operations.answered_by("ec2", "DescribeNatGateways") == operations.OURS
    assert operations.answered_by("ec2", "DescribeVpcs") == operations.MOTO
    assert operations.answered_by("ec2", "CreateNothing") == operations.ABSENT


def test_a_fargate_profile_lives_in_private_subnets_one_change_at_a_time(scene: Any) -> None:
    cluster = scene.active_cluster()
    eks = scene.aws.eks
    made = eks.create_fargate_profile(**profile(scene, tags={"a": "b"}))["fargateProfile"]
    assert (made["status"], made["subnets"]) == ("CREATING", cluster["resourcesVpcConfig"]["subnetIds"])
    assert refused(eks.create_fargate_profile, **profile(scene, "more")) == "ResourceInUseException"
    scene.clock.advance(61)
    known = {**DEMO, "fargateProfileName": "jobs"}
    assert eks.describe_fargate_profile(**known)["fargateProfile"]["status"] == "ACTIVE"
    entry = eks.describe_access_entry(**DEMO, principalArn=made["podExecutionRoleArn"])["accessEntry"]
    assert entry["type"] == "FARGATE_LINUX"
    assert eks.list_tags_for_resource(resourceArn=made["fargateProfileArn"])["tags"] == {"a": "b"}
    again = profile(scene, role=made["podExecutionRoleArn"])
    assert refused(eks.create_fargate_profile, **again) == "ResourceInUseException"
    assert refused(eks.delete_cluster, name="demo") == "ResourceInUseException"
    assert eks.delete_fargate_profile(**known)["fargateProfile"]["status"] == "DELETING"
    scene.clock.advance(61)
    assert eks.list_fargate_profiles(**DEMO)["fargateProfileNames"] == []
    assert refused(eks.describe_fargate_profile, **known) == "ResourceNotFoundException"
    assert eks.list_access_entries(**DEMO)["accessEntries"] == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"selectors": []}, "at least one selector"),
        ({"selectors": [{"namespace": f"n{n}"} for n in range(6)]}, "no more than 5 selectors"),
        ({"selectors": [{"labels": {"a": "b"}}]}, "at least one namespace value"),
        ({"selectors": [{"namespace": "a", "labels": {str(n): "x" for n in range(6)}}]}, "more than 5 Label pairs"),
        ({"role": "arn:aws:iam::123456789012:role/nobody"}, "Misconfigured PodExecutionRole Trust Policy"),
    ],
)
def test_create_fargate_profile_refuses_what_aws_refuses(scene: Any, change: dict[str, Any], message: str) -> None:
    scene.active_cluster()
    with pytest.raises(scene.aws.eks.exceptions.InvalidParameterException, match=message):
        scene.aws.eks.create_fargate_profile(**profile(scene, **change))


def test_fargate_takes_no_public_subnet(scene: Any) -> None:
    cluster = scene.active_cluster()
    vpc = cluster["resourcesVpcConfig"]
    ec2 = scene.aws.ec2
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc["vpcId"])
    table = ec2.create_route_table(VpcId=vpc["vpcId"])["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    ec2.associate_route_table(RouteTableId=table, SubnetId=vpc["subnetIds"][0])
    request = profile(scene, subnets=[vpc["subnetIds"][0]])
    assert refused(scene.aws.eks.create_fargate_profile, **request) == "InvalidParameterException"
    made = scene.aws.eks.create_fargate_profile(**request | {"subnets": [vpc["subnetIds"][1]]})["fargateProfile"]
    assert made["subnets"] == [vpc["subnetIds"][1]]


def test_an_encryption_key_is_associated_once_and_for_ever(scene: Any, session: Any) -> None:
    scene.active_cluster()
    kms, eks = session.client("kms"), scene.aws.eks
    key = kms.create_key()["KeyMetadata"]["Arn"]
    other = kms.create_key()["KeyMetadata"]["Arn"]
    document = {"Effect": "Allow", "Action": "kms:*", "Resource": key}
    text = json.dumps({"Version": "2012-10-17", "Statement": [document]})
    scene.aws.iam.put_role_policy(RoleName="demo-cluster", PolicyName="key", PolicyDocument=text)

    def wanted(arn: str) -> dict[str, Any]:
        return {**DEMO, "encryptionConfig": [{"resources": ["secrets"], "provider": {"keyArn": arn}}]}

    missing = "arn:aws:kms:us-west-2:123456789012:key/00000000-0000-0000-0000-000000000000"
    for wrong in (missing, other):
        assert refused(eks.associate_encryption_config, **wanted(wrong)) == "InvalidParameterException"
    update = eks.associate_encryption_config(**wanted(key))["update"]
    assert (update["status"], update["type"]) == ("InProgress", "AssociateEncryptionConfig")
    change = {"name": "demo", "deletionProtection": True}
    assert refused(eks.update_cluster_config, **change) == "ResourceInUseException"
    scene.clock.advance(601)
    assert eks.describe_update(name="demo", updateId=update["id"])["update"]["status"] == "Successful"
    shape = eks.describe_cluster(name="demo")["cluster"]
    assert (shape["status"], shape["encryptionConfig"]) == ("ACTIVE", wanted(key)["encryptionConfig"])
    assert refused(eks.associate_encryption_config, **wanted(key)) == "InvalidParameterException"


def test_one_identity_provider_a_cluster_comes_and_goes_slowly(scene: Any) -> None:
    scene.active_cluster()
    eks = scene.aws.eks
    oidc = {"identityProviderConfigName": "corp", "issuerUrl": "https://id.example.com", "clientId": "kube"}
    for change in ({"issuerUrl": "http://id.example.com"}, {"groupsPrefix": "system:x"}):
        code = refused(eks.associate_identity_provider_config, **DEMO, oidc=oidc | change)
        assert code == "InvalidParameterException"
    eks.associate_identity_provider_config(**DEMO, oidc=oidc, tags={"a": "b"})
    known = {**DEMO, "identityProviderConfig": {"type": "oidc", "name": "corp"}}
    found = eks.describe_identity_provider_config(**known)["identityProviderConfig"]["oidc"]
    assert (found["status"], found["tags"]) == ("CREATING", {"a": "b"})
    assert refused(eks.associate_identity_provider_config, **DEMO, oidc=oidc) == "ResourceInUseException"
    scene.clock.advance(1291)
    found = eks.describe_identity_provider_config(**known)["identityProviderConfig"]["oidc"]
    assert found["status"] == "ACTIVE"
    assert eks.list_identity_provider_configs(**DEMO)["identityProviderConfigs"] == [{"type": "oidc", "name": "corp"}]
    update = eks.disassociate_identity_provider_config(**known)["update"]
    assert update["type"] == "DisassociateIdentityProviderConfig"
    scene.clock.advance(1291)
    assert eks.list_identity_provider_configs(**DEMO)["identityProviderConfigs"] == []
    assert refused(eks.describe_identity_provider_config, **known) == "ResourceNotFoundException"


def test_insights_see_lagging_addons_and_a_refresh_tells_when_it_is_done(scene: Any) -> None:
    scene.active_cluster(version="1.35")
    eks = scene.aws.eks
    assert refused(eks.describe_insights_refresh, **DEMO) == "ResourceNotFoundException"
    eks.create_addon(**DEMO, addonName="kube-proxy")
    scene.clock.advance(21)
    assert eks.start_insights_refresh(**DEMO)["status"] == "IN_PROGRESS"
    assert refused(eks.start_insights_refresh, **DEMO) == "InvalidRequestException"
    scene.clock.advance(61)
    assert eks.describe_insights_refresh(**DEMO)["status"] == "COMPLETED"
    listed = eks.get_paginator("list_insights").paginate(**DEMO, PaginationConfig={"PageSize": 2})
    found = {each["name"]: each for page in listed for each in page["insights"]}
    assert found["Kubelet version skew"]["insightStatus"]["status"] == "PASSING"
    assert found["Deprecated APIs removed in Kubernetes v1.36"]["insightStatus"]["status"] == "UNKNOWN"
    (warned,) = eks.list_insights(**DEMO, filter={"statuses": ["WARNING"]})["insights"]
    detail = eks.describe_insight(**DEMO, id=warned["id"])["insight"]
    (addon,) = detail["categorySpecificSummary"]["addonCompatibilityDetails"]
    assert addon["name"] == "kube-proxy"
    assert all(version.startswith("v1.36") for version in addon["compatibleVersions"])
    assert (
        refused(eks.describe_insight, **DEMO, id="00000000-0000-0000-0000-000000000000") == "ResourceNotFoundException"
    )


def test_an_error_of_an_insight_stands_against_the_upgrade_unless_forced(scene: Any) -> None:
    scene.active_cluster(version="1.35")
    cluster = scene.world.region("us-west-2").clusters["demo"]
    cluster.shape["health"] = {"issues": [{"code": "Ec2SubnetNotFound", "message": "gone", "resourceIds": []}]}
    scene.aws.eks.start_insights_refresh(**DEMO)
    scene.clock.advance(61)
    scene.world.tick()
    wanted = {"name": "demo", "version": "1.36"}
    with pytest.raises(scene.aws.eks.exceptions.InvalidStateException, match="Cluster health issues"):
        scene.aws.eks.update_cluster_version(**wanted)
    scene.aws.eks.update_cluster_version(**wanted, force=True)


def test_an_upgrade_is_rolled_back_within_seven_days_and_not_after(scene: Any) -> None:
    scene.active_cluster(version="1.35")
    eks, back = scene.aws.eks, {"name": "demo", "version": "1.35"}
    assert refused(eks.update_cluster_version, name="demo", version="1.34") == "InvalidParameterException"
    for late in (False, True):
        eks.update_cluster_version(name="demo", version="1.36")
        scene.clock.advance(601)
        scene.world.tick()
        short = {"rollbackConfig": {"timeoutMinutes": 5}}
        assert refused(eks.update_cluster_version, **back, **short) == "InvalidParameterException"
        if late:
            scene.clock.advance(7 * 86400 + 1)
            assert refused(eks.update_cluster_version, **back) == "InvalidParameterException"
            return
        update = eks.update_cluster_version(**back)["update"]
        assert update["type"] == "VersionRollback"
        assert refused(eks.cancel_update, name="demo", updateId=update["id"]) == "InvalidRequestException"
        scene.clock.advance(601)
        assert eks.describe_cluster(name="demo")["cluster"]["version"] == "1.35"
        assert refused(eks.update_cluster_version, name="demo", version="1.34") == "InvalidParameterException"


def test_only_a_running_rollback_of_auto_mode_can_be_cancelled(scene: Any) -> None:
    scene.active_cluster(version="1.35")
    scene.world.region("us-west-2").clusters["demo"].shape["computeConfig"] = {"enabled": True}
    eks = scene.aws.eks
    assert refused(eks.cancel_update, name="demo", updateId="none") == "ResourceNotFoundException"
    upgrade = eks.update_cluster_version(name="demo", version="1.36")["update"]
    scene.clock.advance(601)
    scene.world.tick()
    assert refused(eks.cancel_update, name="demo", updateId=upgrade["id"]) == "InvalidRequestException"
    rollback = eks.update_cluster_version(name="demo", version="1.35")["update"]
    cancelled = eks.cancel_update(name="demo", updateId=rollback["id"])["update"]
    assert (cancelled["status"], cancelled["cancellation"]["status"]) == ("Cancelled", "Successful")
    scene.clock.advance(601)
    assert eks.describe_cluster(name="demo")["cluster"]["version"] == "1.36"
    assert refused(eks.cancel_update, name="demo", updateId=rollback["id"]) == "InvalidStateException"


def test_one_capability_of_each_type_and_it_keeps_the_cluster(scene: Any) -> None:
    scene.active_cluster()
    eks, role = scene.aws.eks, scene.aws.role("ack", CAPABILITIES)
    ask = {**DEMO, "capabilityName": "ack", "type": "ACK", "roleArn": role, "deletePropagationPolicy": "RETAIN"}
    wrong = scene.aws.role("wrong", "ec2.amazonaws.com")
    assert refused(eks.create_capability, **ask | {"roleArn": wrong}) == "InvalidParameterException"
    argo = {"type": "ARGOCD", "capabilityName": "argo"}
    assert refused(eks.create_capability, **ask | argo) == "InvalidParameterException"
    made = eks.create_capability(**ask, tags={"a": "b"})["capability"]
    assert made["status"] == "CREATING"
    assert refused(eks.create_capability, **ask | {"capabilityName": "two"}) == "ResourceInUseException"
    scene.clock.advance(121)
    (listed,) = eks.list_capabilities(**DEMO)["capabilities"]
    assert listed["status"] == "ACTIVE"
    known = {**DEMO, "capabilityName": "ack"}
    change = {"ack": {"enableCrossNamespace": True}}
    update = eks.update_capability(**known, configuration=change)["update"]
    assert refused(eks.update_capability, **known, configuration=change) == "ResourceInUseException"
    scene.clock.advance(61)
    named = {"name": "demo", "capabilityName": "ack"}
    assert eks.describe_update(**named, updateId=update["id"])["update"]["status"] == "Successful"
    assert eks.list_updates(**named)["updateIds"] == [update["id"]]
    assert eks.describe_capability(**known)["capability"]["configuration"] == change
    assert refused(eks.delete_cluster, name="demo") == "ResourceInUseException"
    eks.delete_capability(**known)
    scene.clock.advance(121)
    assert refused(eks.describe_capability, **known) == "ResourceNotFoundException"


def test_addon_versions_are_filtered_and_their_schemas_hold_what_is_configured(scene: Any) -> None:
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
    scene: Any, mode: str | None, status: str
) -> None:
    scene.active_cluster(bootstrapSelfManagedAddons=True)
    more = {"resolveConflicts": mode} if mode else {}
    made = scene.aws.eks.create_addon(**DEMO, addonName="vpc-cni", **more)["addon"]
    assert made["status"] == status
    codes = [issue["code"] for issue in made["health"]["issues"]]
    assert codes == (["ConfigurationConflict"] if status == "CREATE_FAILED" else [])


def test_every_catalogued_addon_has_a_schema_a_stand_in_and_a_version(scene: Any) -> None:
    for name, kind in addon_catalog.CATALOG.items():
        assert name in addon_schemas.SCHEMAS
        spec = AddonSpec(name, next(iter(kind.versions.values()))[0])
        assert objects(spec, Place("us-west-2", "172.20.0.10"))
        known = scene.aws.eks.describe_addon_versions(addonName=name, kubernetesVersion="1.36")["addons"]
        assert known[0]["addonVersions"]
