"""Fargate profiles: private subnets, one change at a time, the refusals of AWS."""

from __future__ import annotations

from typing import Any

import pytest
from aws_fakes import DEMO, refused

FARGATE = "eks-fargate-pods.amazonaws.com"


def profile(scene: Any, name: str = "jobs", **more: Any) -> dict[str, Any]:
    role = more.pop("role", None) or scene.aws.role(f"fargate-{name}", FARGATE)
    selectors = more.pop("selectors", [{"namespace": "jobs"}])
    return {**DEMO, "fargateProfileName": name, "podExecutionRoleArn": role, "selectors": selectors, **more}


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
