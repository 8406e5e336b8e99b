"""Clusters: what is refused, what takes time, what stands behind them."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from support.aws_fakes import Scene
from support.requests_held import wrong_on_purpose

from eksprov.local.contract import ClusterStatus


def code_of(call: Any, /, **request: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**request)
    return str(refused.value.response["Error"]["Code"])


def test_a_cluster_is_active_when_time_has_passed_and_kubernetes_is_ready(scene: Scene) -> None:
    scene.kubernetes.status = ClusterStatus("starting", message="building")
    request = scene.aws.cluster_request(tags={"owner": "me"})
    made = scene.aws.eks.create_cluster(**request)["cluster"]
    assert made["status"] == "CREATING"
    assert "endpoint" not in made
    assert made["tags"] == {"owner": "me"}
    assert made["accessConfig"] == {"authenticationMode": "API"}
    assert made["upgradePolicy"] == {"supportType": "EXTENDED"}
    assert made["deletionProtection"] is False
    assert made["resourcesVpcConfig"]["vpcId"].startswith("vpc-")
    scene.clock.advance(460)
    assert scene.aws.eks.describe_cluster(name="demo")["cluster"]["status"] == "CREATING"
    scene.kubernetes.status = ClusterStatus("ready", "https://127.0.0.1:1", "Q0E=")
    active = scene.aws.eks.describe_cluster(name="demo")["cluster"]
    assert (active["status"], active["endpoint"]) == ("ACTIVE", "https://127.0.0.1:1")
    assert active["certificateAuthority"]["data"] == "Q0E="
    assert scene.kubernetes.access["eks-access-policy:AmazonEKSClusterAdminPolicy"] == "cluster-admin"


def test_a_cluster_is_not_active_before_its_time(scene: Scene) -> None:
    scene.aws.eks.create_cluster(**scene.aws.cluster_request())
    scene.clock.advance(449)
    assert scene.aws.eks.describe_cluster(name="demo")["cluster"]["status"] == "CREATING"


def test_a_cluster_fails_with_what_kubernetes_says(scene: Scene) -> None:
    scene.kubernetes.status = ClusterStatus("failed", message="no Go here")
    scene.aws.eks.create_cluster(**scene.aws.cluster_request())
    found = scene.aws.eks.describe_cluster(name="demo")["cluster"]
    assert found["status"] == "FAILED"
    assert found["health"]["issues"][0]["message"] == "no Go here"


def test_two_clusters_have_issuers_of_their_own(scene: Scene) -> None:
    first = scene.active_cluster("one")
    second = scene.active_cluster("two")
    assert first["identity"]["oidc"]["issuer"] != second["identity"]["oidc"]["issuer"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "a.b"}, "cluster name"),
        ({"name": "-a"}, "cluster name"),
        ({"version": "9.99"}, "unsupported Kubernetes version"),
        ({"roleArn": "arn:aws:iam::123456789012:role/nobody"}, "does not exist"),
        ({"resourcesVpcConfig": {"subnetIds": ["subnet-1", "subnet-2"]}}, "does not exist"),
        ({"kubernetesNetworkConfig": {"serviceIpv4Cidr": "8.8.0.0/16"}}, "must be private"),
        ({"kubernetesNetworkConfig": {"serviceIpv4Cidr": "10.0.0.0/16"}}, "overlaps"),
        ({"zonalShiftConfig": {"enabled": True}}, "does not emulate zonalShiftConfig"),
    ],
)
def test_create_cluster_refuses_what_aws_refuses(scene: Scene, change: dict[str, Any], message: str) -> None:
    request = scene.aws.cluster_request() | change
    refused = scene.aws.eks.exceptions.InvalidParameterException
    with wrong_on_purpose(), pytest.raises(refused, match=message):
        scene.aws.eks.create_cluster(**request)
    assert scene.aws.eks.list_clusters()["clusters"] == []


def test_one_subnet_or_one_zone_is_not_enough(scene: Scene) -> None:
    request = scene.aws.cluster_request()
    first = request["resourcesVpcConfig"]["subnetIds"][0]
    vpc = scene.aws.ec2.describe_subnets(SubnetIds=[first])["Subnets"][0]["VpcId"]
    other = scene.aws.ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.9.0/24", AvailabilityZone="us-west-2a")
    for subnets in ([first], [first, other["Subnet"]["SubnetId"]]):
        request["resourcesVpcConfig"] = {"subnetIds": subnets}
        with pytest.raises(scene.aws.eks.exceptions.InvalidParameterException, match="different AZs"):
            scene.aws.eks.create_cluster(**request)


def test_a_role_must_trust_eks_and_have_its_policy(scene: Scene) -> None:
    request = scene.aws.cluster_request()
    request["roleArn"] = scene.aws.role("ec2-only", "ec2.amazonaws.com", "AmazonEKSClusterPolicy")
    with pytest.raises(scene.aws.eks.exceptions.InvalidParameterException, match="trusted entity is not correct"):
        scene.aws.eks.create_cluster(**request)
    request["roleArn"] = scene.aws.role("bare", "eks.amazonaws.com")
    with pytest.raises(scene.aws.eks.exceptions.InvalidParameterException, match="Managed Policies"):
        scene.aws.eks.create_cluster(**request)


def test_zones_without_a_control_plane_are_named_with_valid_ones(scene: Scene, session: boto3.Session) -> None:
    ec2, eks = session.client("ec2", region_name="us-east-1"), session.client("eks", region_name="us-east-1")
    zones = {z["ZoneId"]: z["ZoneName"] for z in ec2.describe_availability_zones()["AvailabilityZones"]}
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=zones[zone])
        for number, zone in enumerate(("use1-az3", "use1-az1"))
    ]
    request = scene.aws.cluster_request()
    request["resourcesVpcConfig"] = {"subnetIds": [each["Subnet"]["SubnetId"] for each in subnets]}
    with pytest.raises(eks.exceptions.UnsupportedAvailabilityZoneException) as refused:
        eks.create_cluster(**request)
    answer: Any = refused.value.response  # with members of the error's own
    valid = answer["validZones"]
    assert zones["use1-az3"] not in valid
    assert zones["use1-az1"] in valid


def test_the_same_token_gives_the_first_answer_and_other_parameters_are_refused(scene: Scene) -> None:
    request = scene.aws.cluster_request(clientRequestToken="t-1")
    first = scene.aws.eks.create_cluster(**request)["cluster"]
    scene.clock.advance(500)
    assert scene.aws.eks.create_cluster(**request)["cluster"] == first
    assert code_of(scene.aws.eks.create_cluster, **request | {"version": "1.35"}) == "InvalidParameterException"
    assert code_of(scene.aws.eks.create_cluster, **request | {"clientRequestToken": "t-2"}) == "ResourceInUseException"


def test_a_cluster_holds_its_subnets_its_group_and_its_vpc(scene: Scene) -> None:
    cluster = scene.active_cluster()
    vpc = cluster["resourcesVpcConfig"]
    group = scene.aws.ec2.describe_security_groups(GroupIds=[vpc["clusterSecurityGroupId"]])["SecurityGroups"][0]
    assert group["GroupName"].startswith("eks-cluster-sg-demo-")
    assert {"Key": "kubernetes.io/cluster/demo", "Value": "owned"} in group["Tags"]
    assert code_of(scene.aws.ec2.delete_subnet, SubnetId=vpc["subnetIds"][0]) == "DependencyViolation"
    assert code_of(scene.aws.ec2.delete_security_group, GroupId=group["GroupId"]) == "DependencyViolation"
    scene.aws.eks.delete_cluster(name="demo")
    assert scene.aws.eks.describe_cluster(name="demo")["cluster"]["status"] == "DELETING"
    assert code_of(scene.aws.ec2.delete_subnet, SubnetId=vpc["subnetIds"][0]) == "DependencyViolation"
    scene.clock.advance(121)
    assert code_of(scene.aws.eks.describe_cluster, name="demo") == "ResourceNotFoundException"
    for subnet in vpc["subnetIds"]:
        scene.aws.ec2.delete_subnet(SubnetId=subnet)
    scene.aws.ec2.delete_vpc(VpcId=vpc["vpcId"])
    assert scene.aws.ec2.describe_network_interfaces()["NetworkInterfaces"] == []


def test_a_cluster_is_gone_only_when_kubernetes_has_stopped(scene: Scene) -> None:
    scene.active_cluster()
    scene.kubernetes.stops = False
    scene.aws.eks.delete_cluster(name="demo")
    scene.clock.advance(200)
    assert scene.aws.eks.describe_cluster(name="demo")["cluster"]["status"] == "DELETING"
    scene.kubernetes.clusters.clear()
    assert code_of(scene.aws.eks.describe_cluster, name="demo") == "ResourceNotFoundException"


def test_deletion_protection_and_node_groups_keep_a_cluster(scene: Scene) -> None:
    scene.active_cluster(deletionProtection=True)
    assert code_of(scene.aws.eks.delete_cluster, name="demo") == "InvalidRequestException"
    scene.aws.eks.update_cluster_config(name="demo", deletionProtection=False)
    scene.clock.advance(21)
    scene.aws.eks.create_nodegroup(**scene.aws.nodegroup_request())
    assert code_of(scene.aws.eks.delete_cluster, name="demo") == "ResourceInUseException"


def test_one_kind_of_update_a_call_and_one_update_at_a_time(scene: Scene) -> None:
    scene.active_cluster()
    logs = {"clusterLogging": [{"types": ["api", "audit"], "enabled": True}]}
    both = {"name": "demo", "logging": logs, "upgradePolicy": {"supportType": "STANDARD"}}
    with pytest.raises(ClientError, match="Only one type of update"):
        scene.aws.eks.update_cluster_config(**both)
    update = scene.aws.eks.update_cluster_config(name="demo", logging=logs)["update"]
    assert (update["status"], update["type"]) == ("InProgress", "LoggingUpdate")
    assert scene.aws.eks.describe_cluster(name="demo")["cluster"]["status"] == "UPDATING"
    upgrade = {"name": "demo", "upgradePolicy": {"supportType": "STANDARD"}}
    assert code_of(scene.aws.eks.update_cluster_config, **upgrade) == "ResourceInUseException"
    scene.clock.advance(46)
    done = scene.aws.eks.describe_update(name="demo", updateId=update["id"])["update"]
    assert done["status"] == "Successful"
    cluster = scene.aws.eks.describe_cluster(name="demo")["cluster"]
    assert cluster["status"] == "ACTIVE"
    assert cluster["logging"]["clusterLogging"][0] == {"types": ["api", "audit"], "enabled": True}
    scene.aws.eks.update_cluster_config(**upgrade)
    scene.clock.advance(21)
    assert scene.aws.eks.describe_cluster(name="demo")["cluster"]["upgradePolicy"] == {"supportType": "STANDARD"}


def test_an_update_to_what_is_already_so_is_refused(scene: Scene) -> None:
    scene.active_cluster()
    logging = {"clusterLogging": [{"types": ["api"], "enabled": False}]}
    with pytest.raises(ClientError, match="No changes needed"):
        scene.aws.eks.update_cluster_config(name="demo", logging=logging)
    vpc = {"endpointPublicAccess": True}
    assert code_of(scene.aws.eks.update_cluster_config, name="demo", resourcesVpcConfig=vpc) == (
        "InvalidParameterException"
    )


def test_authentication_modes_only_move_forward(scene: Scene) -> None:
    scene.active_cluster(accessConfig={"authenticationMode": "CONFIG_MAP"})
    change = {"name": "demo", "accessConfig": {"authenticationMode": "API"}}
    assert code_of(scene.aws.eks.update_cluster_config, **change) == "InvalidParameterException"
    for mode in ("API_AND_CONFIG_MAP", "API"):
        scene.aws.eks.update_cluster_config(name="demo", accessConfig={"authenticationMode": mode})
        scene.clock.advance(21)
    back = {"name": "demo", "accessConfig": {"authenticationMode": "CONFIG_MAP"}}
    assert code_of(scene.aws.eks.update_cluster_config, **back) == "InvalidParameterException"


def test_versions_go_up_one_minor_at_a_time(scene: Scene) -> None:
    scene.active_cluster(version="1.34")
    assert code_of(scene.aws.eks.update_cluster_version, name="demo", version="1.36") == "InvalidParameterException"
    assert code_of(scene.aws.eks.update_cluster_version, name="demo", version="1.34") == "InvalidParameterException"
    scene.aws.eks.update_cluster_version(name="demo", version="1.35")
    scene.clock.advance(601)
    assert scene.aws.eks.describe_cluster(name="demo")["cluster"]["version"] == "1.35"


def test_clusters_are_listed_in_pages(scene: Scene) -> None:
    request = scene.aws.cluster_request()
    for number in range(5):
        scene.aws.eks.create_cluster(**request | {"name": f"c{number}"})
    page = scene.aws.eks.list_clusters(maxResults=2)
    assert page["clusters"] == ["c0", "c1"]
    pages = scene.aws.eks.get_paginator("list_clusters").paginate(PaginationConfig={"PageSize": 2})
    assert [name for each in pages for name in each["clusters"]] == [f"c{number}" for number in range(5)]
    assert code_of(scene.aws.eks.list_clusters, nextToken="nonsense") == "InvalidParameterException"


def test_a_log_group_comes_back_while_the_cluster_lives(scene: Scene) -> None:
    scene.active_cluster(logging={"clusterLogging": [{"types": ["api"], "enabled": True}]})
    name = "/aws/eks/demo/cluster"
    scene.aws.logs.delete_log_group(logGroupName=name)
    scene.world.tick()
    assert [group["logGroupName"] for group in scene.aws.logs.describe_log_groups()["logGroups"]] == [name]


def test_tags_change_on_any_arn(scene: Scene) -> None:
    arn = scene.active_cluster()["arn"]
    entry = {"clusterName": "demo", "principalArn": "arn:aws:iam::123456789012:user/local-admin"}
    entry_arn = scene.aws.eks.create_access_entry(**entry)["accessEntry"]["accessEntryArn"]
    for each in (arn, entry_arn):
        scene.aws.eks.tag_resource(resourceArn=each, tags={"a": "1", "b": "2", "c": "3"})
        scene.aws.eks.untag_resource(resourceArn=each, tagKeys=["a", "b"])
        assert scene.aws.eks.list_tags_for_resource(resourceArn=each)["tags"] == {"c": "3"}
    missing = "arn:aws:eks:us-west-2:123456789012:cluster/none"
    assert code_of(scene.aws.eks.list_tags_for_resource, resourceArn=missing) == "ResourceNotFoundException"


def test_cluster_versions_say_which_is_the_default(scene: Scene) -> None:
    found = scene.aws.eks.describe_cluster_versions()["clusterVersions"]
    assert [each["clusterVersion"] for each in found] == ["1.36", "1.35", "1.34", "1.33"]
    assert [each["clusterVersion"] for each in found if each["defaultVersion"]] == ["1.36"]
    assert "endOfStandardSupportDate" not in found[0]
    assert found[3]["endOfStandardSupportDate"].date().isoformat() == "2026-07-29"


def test_the_creator_is_made_admin_unless_told_otherwise(scene: Scene) -> None:
    scene.active_cluster("mine", accessConfig={"authenticationMode": "API"})
    scene.active_cluster("other")
    mine = scene.aws.eks.list_access_entries(clusterName="mine")["accessEntries"]
    assert mine == ["arn:aws:iam::123456789012:user/local-admin"]
    assert scene.aws.eks.list_access_entries(clusterName="other")["accessEntries"] == []


def test_a_new_role_is_unknown_to_eks_for_a_while(session: boto3.Session) -> None:
    from support.aws_fakes import Account, Clock, FakeKubernetes

    from eksprov.local.aws.inprocess import emulated_aws

    clock = Clock()
    with emulated_aws(FakeKubernetes(), clock, role_lag=True):
        aws = Account(session)
        request = aws.cluster_request()
        assert code_of(aws.eks.create_cluster, **request) == "InvalidParameterException"
        clock.advance(9)
        aws.eks.create_cluster(**request)


def test_what_is_not_emulated_says_so(scene: Scene) -> None:
    with pytest.raises(ClientError, match="does not emulate eks:ListCertificateAuthorities") as refused:
        scene.aws.eks.list_certificate_authorities(clusterName="demo")
    assert refused.value.response["Error"]["Code"] == "NotEmulatedException"
