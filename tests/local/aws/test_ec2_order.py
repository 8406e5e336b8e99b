"""EC2, IAM and S3: the order of deletions, gateways that take time, and what moto forgets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.aws_fakes import Scene


def code_of(call: Any, /, **request: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**request)
    return str(refused.value.response["Error"]["Code"])


@dataclass
class Net:
    vpc: str
    subnets: list[str]
    gateway: str
    allocation: str


@pytest.fixture
def net(scene: Scene) -> Net:
    vpc, subnets = scene.aws.network()
    gateway = scene.aws.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    scene.aws.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    return Net(vpc, subnets, gateway, scene.aws.ec2.allocate_address(Domain="vpc")["AllocationId"])


def make_nat(scene: Scene, net: Net, **more: Any) -> Any:
    request = {"SubnetId": net.subnets[0], "AllocationId": net.allocation, **more}
    return scene.aws.ec2.create_nat_gateway(**request)["NatGateway"]


def state(scene: Scene, gateway: str) -> str:
    (found,) = scene.aws.ec2.describe_nat_gateways(NatGatewayIds=[gateway])["NatGateways"]
    return str(found["State"])


def test_a_nat_gateway_takes_its_time_and_leaves_nothing(scene: Scene, net: Net) -> None:
    made = make_nat(scene, net)
    assert made["State"] == "pending"
    scene.clock.advance(97)
    assert state(scene, made["NatGatewayId"]) == "pending"
    scene.clock.advance(2)
    assert state(scene, made["NatGatewayId"]) == "available"
    scene.aws.ec2.delete_nat_gateway(NatGatewayId=made["NatGatewayId"])
    assert state(scene, made["NatGatewayId"]) == "deleting"
    scene.clock.advance(54)
    assert code_of(scene.aws.ec2.release_address, AllocationId=net.allocation) == "AuthFailure"
    scene.clock.advance(2)
    assert state(scene, made["NatGatewayId"]) == "deleted"
    assert scene.aws.ec2.describe_network_interfaces()["NetworkInterfaces"] == []
    scene.aws.ec2.release_address(AllocationId=net.allocation)
    scene.clock.advance(3601)
    assert scene.aws.ec2.describe_nat_gateways()["NatGateways"] == []


def test_what_a_nat_gateway_uses_cannot_go(scene: Scene, net: Net) -> None:
    make_nat(scene, net)
    ec2 = scene.aws.ec2
    assert code_of(ec2.delete_subnet, SubnetId=net.subnets[0]) == "DependencyViolation"
    assert code_of(ec2.release_address, AllocationId=net.allocation) == "AuthFailure"
    detach = {"InternetGatewayId": net.gateway, "VpcId": net.vpc}
    assert code_of(ec2.detach_internet_gateway, **detach) == "DependencyViolation"
    (interface,) = ec2.describe_network_interfaces()["NetworkInterfaces"]
    assert code_of(ec2.delete_network_interface, NetworkInterfaceId=interface["NetworkInterfaceId"]) == (
        "InvalidParameterValue"
    )


def test_a_repeated_client_token_gives_the_same_gateway(scene: Scene, net: Net) -> None:
    first = make_nat(scene, net, ClientToken="t")
    again = make_nat(scene, net, ClientToken="t")
    assert again["NatGatewayId"] == first["NatGatewayId"]
    other = {"SubnetId": net.subnets[1], "AllocationId": net.allocation, "ClientToken": "t"}
    assert code_of(scene.aws.ec2.create_nat_gateway, **other) == "IdempotentParameterMismatch"
    assert code_of(make_nat, scene=scene, net=net) == "Resource.AlreadyAssociated"


def test_a_nat_gateway_without_internet_gateway_fails(scene: Scene) -> None:
    _, subnets = scene.aws.network()
    allocation = scene.aws.ec2.allocate_address(Domain="vpc")["AllocationId"]
    made = scene.aws.ec2.create_nat_gateway(SubnetId=subnets[0], AllocationId=allocation)["NatGateway"]
    scene.clock.advance(99)
    (found,) = scene.aws.ec2.describe_nat_gateways(NatGatewayIds=[made["NatGatewayId"]])["NatGateways"]
    assert (found["State"], found["FailureCode"]) == ("failed", "Gateway.NotAttached")


def test_nat_gateways_are_found_by_tag(scene: Scene, net: Net) -> None:
    tags = [{"ResourceType": "natgateway", "Tags": [{"Key": "owner", "Value": "me"}]}]
    made = make_nat(scene, net, TagSpecifications=tags)
    for value, found in (("me", [made["NatGatewayId"]]), ("you", [])):
        answer = scene.aws.ec2.describe_nat_gateways(Filters=[{"Name": "tag:owner", "Values": [value]}])
        assert [each["NatGatewayId"] for each in answer["NatGateways"]] == found


def test_a_vpc_goes_last(scene: Scene, net: Net) -> None:
    ec2 = scene.aws.ec2
    group = ec2.create_security_group(GroupName="g", Description="g", VpcId=net.vpc)["GroupId"]
    for subnet in net.subnets:
        ec2.delete_subnet(SubnetId=subnet)
    assert code_of(ec2.delete_vpc, VpcId=net.vpc) == "DependencyViolation"
    ec2.detach_internet_gateway(InternetGatewayId=net.gateway, VpcId=net.vpc)
    assert code_of(ec2.delete_vpc, VpcId=net.vpc) == "DependencyViolation"
    ec2.delete_security_group(GroupId=group)
    ec2.delete_vpc(VpcId=net.vpc)


def test_a_security_group_that_another_names_stays(scene: Scene, net: Net) -> None:
    ec2 = scene.aws.ec2
    first, second = (
        ec2.create_security_group(GroupName=name, Description=name, VpcId=net.vpc)["GroupId"] for name in "ab"
    )
    rule = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": first}]}]
    ec2.authorize_security_group_ingress(GroupId=second, IpPermissions=rule)
    assert code_of(ec2.delete_security_group, GroupId=first) == "DependencyViolation"
    ec2.revoke_security_group_ingress(GroupId=second, IpPermissions=rule)
    ec2.delete_security_group(GroupId=first)


def test_a_security_group_needs_a_vpc_that_is_there(scene: Scene) -> None:
    group = {"GroupName": "g", "Description": "g", "VpcId": "vpc-00000000000000000"}
    assert code_of(scene.aws.ec2.create_security_group, **group) == "InvalidVpcID.NotFound"


def test_an_instance_keeps_its_subnet_until_it_is_terminated(scene: Scene, net: Net) -> None:
    ec2 = scene.aws.ec2
    run = {"ImageId": "ami-1", "MinCount": 1, "MaxCount": 1, "SubnetId": net.subnets[0]}
    instance = ec2.run_instances(**run)["Instances"][0]["InstanceId"]
    assert code_of(ec2.delete_subnet, SubnetId=net.subnets[0]) == "DependencyViolation"
    ec2.associate_address(AllocationId=net.allocation, InstanceId=instance)
    assert code_of(ec2.release_address, AllocationId=net.allocation) == "InvalidIPAddress.InUse"
    ec2.terminate_instances(InstanceIds=[instance])
    ec2.delete_subnet(SubnetId=net.subnets[0])


def test_a_route_table_forgets_a_deleted_subnet(scene: Scene, net: Net) -> None:
    table = scene.aws.ec2.create_route_table(VpcId=net.vpc)["RouteTable"]["RouteTableId"]
    scene.aws.ec2.associate_route_table(RouteTableId=table, SubnetId=net.subnets[0])
    assert code_of(scene.aws.ec2.delete_route_table, RouteTableId=table) == "DependencyViolation"
    scene.aws.ec2.delete_subnet(SubnetId=net.subnets[0])
    scene.aws.ec2.delete_route_table(RouteTableId=table)


@pytest.mark.parametrize("document", ["", "{}", "nonsense", '{"Statement": [{"Effect": "Allow"}]}'])
def test_a_broken_trust_policy_is_refused(scene: Scene, document: str) -> None:
    code = code_of(scene.aws.iam.create_role, RoleName="r", AssumeRolePolicyDocument=document or " ")
    assert code == "MalformedPolicyDocument"


def test_a_bucket_keeps_the_tags_it_was_made_with(scene: Scene) -> None:
    tags = [{"Key": "owner", "Value": "me"}, {"Key": "empty", "Value": ""}]
    where = {"LocationConstraint": "us-west-2", "Tags": tags}
    scene.aws.s3.create_bucket(Bucket="b-1", CreateBucketConfiguration=where)
    assert scene.aws.s3.get_bucket_tagging(Bucket="b-1")["TagSet"] == tags
    plain = {"LocationConstraint": "us-west-2"}
    scene.aws.s3.create_bucket(Bucket="b-2", CreateBucketConfiguration=plain)
    assert code_of(scene.aws.s3.get_bucket_tagging, Bucket="b-2") == "NoSuchTagSet"


def test_the_call_log_counts_what_changes(scene: Scene, net: Net) -> None:
    del net
    scene.world.calls.clear()
    scene.aws.ec2.describe_vpcs()
    scene.aws.s3.create_bucket(Bucket="bbb", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    scene.aws.s3.put_object(Bucket="bbb", Key="folder/k", Body=b"x")
    scene.aws.s3.get_object(Bucket="bbb", Key="folder/k")
    scene.aws.s3.list_objects_v2(Bucket="bbb")
    scene.aws.logs.create_log_group(logGroupName="g")
    assert scene.world.calls.mutating() == ["s3:CreateBucket", "s3:PutObject", "logs:CreateLogGroup"]
    assert scene.world.calls.count() == 6
    assert scene.world.calls.count("s3", mutating=False) == 2
