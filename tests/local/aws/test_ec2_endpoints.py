"""VPC endpoints: they take time, hold what they use, and are refused as AWS refuses them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.aws_fakes import Scene

ECR = "com.amazonaws.us-west-2.ecr.api"
S3 = "com.amazonaws.us-west-2.s3"


def code_of(call: Any, /, **request: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**request)
    return str(refused.value.response["Error"]["Code"])


@dataclass
class Net:
    vpc: str
    subnets: list[str]
    group: str
    table: str


@pytest.fixture
def net(scene: Scene) -> Net:
    ec2 = scene.aws.ec2
    vpc, subnets = scene.aws.network()
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    group = ec2.create_security_group(GroupName="g", Description="g", VpcId=vpc)["GroupId"]
    return Net(vpc, subnets, group, ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"])


def interface_request(net: Net, **more: Any) -> dict[str, Any]:
    return {
        "VpcId": net.vpc, "ServiceName": ECR, "VpcEndpointType": "Interface", "SubnetIds": net.subnets,
        "SecurityGroupIds": [net.group], "PrivateDnsEnabled": True, **more,
    }  # fmt: skip


def gateway_request(net: Net, **more: Any) -> dict[str, Any]:
    return {
        "VpcId": net.vpc, "ServiceName": S3, "VpcEndpointType": "Gateway", "RouteTableIds": [net.table], **more,
    }  # fmt: skip


def make(scene: Scene, request: dict[str, Any]) -> str:
    return str(scene.aws.ec2.create_vpc_endpoint(**request)["VpcEndpoint"]["VpcEndpointId"])


def found(scene: Scene, endpoint: str) -> Any:
    (one,) = scene.aws.ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint])["VpcEndpoints"]
    return one


def test_an_interface_endpoint_comes_and_goes_in_its_time(scene: Scene, net: Net) -> None:
    ec2, endpoint = scene.aws.ec2, make(scene, interface_request(net))
    assert found(scene, endpoint)["State"] == "pending"
    scene.clock.advance(76)
    assert found(scene, endpoint)["State"] == "available"
    interfaces = ec2.describe_network_interfaces()["NetworkInterfaces"]
    assert sorted(i["SubnetId"] for i in interfaces) == sorted(net.subnets)
    assert {(i["InterfaceType"], i["Groups"][0]["GroupId"]) for i in interfaces} == {("vpc_endpoint", net.group)}
    assert ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])["Unsuccessful"] == []
    assert found(scene, endpoint)["State"] == "deleting"
    assert code_of(ec2.delete_security_group, GroupId=net.group) == "DependencyViolation"
    scene.clock.advance(31)
    assert ec2.describe_vpc_endpoints()["VpcEndpoints"] == []
    assert ec2.describe_network_interfaces()["NetworkInterfaces"] == []
    ec2.delete_security_group(GroupId=net.group)


def test_what_an_endpoint_uses_cannot_go(scene: Scene, net: Net) -> None:
    ec2 = scene.aws.ec2
    make(scene, interface_request(net))
    assert code_of(ec2.delete_subnet, SubnetId=net.subnets[0]) == "DependencyViolation"
    assert code_of(ec2.delete_security_group, GroupId=net.group) == "DependencyViolation"
    assert code_of(ec2.delete_vpc, VpcId=net.vpc) == "DependencyViolation"


def test_a_gateway_endpoint_is_a_route_for_as_long_as_it_lives(scene: Scene, net: Net) -> None:
    ec2, endpoint = scene.aws.ec2, make(scene, gateway_request(net))

    def gateways() -> list[str]:
        (table,) = ec2.describe_route_tables(RouteTableIds=[net.table])["RouteTables"]
        return [route["GatewayId"] for route in table["Routes"] if route.get("GatewayId", "").startswith("vpce-")]

    assert gateways() == [endpoint]
    assert code_of(ec2.create_vpc_endpoint, **gateway_request(net)) == "RouteAlreadyExists"
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])
    assert gateways() == []


def test_the_same_token_gives_the_same_endpoint(scene: Scene, net: Net) -> None:
    first = make(scene, interface_request(net, ClientToken="t"))
    assert make(scene, interface_request(net, ClientToken="t")) == first
    other = interface_request(net, ClientToken="t", SubnetIds=net.subnets[:1])
    assert code_of(scene.aws.ec2.create_vpc_endpoint, **other) == "IdempotentParameterMismatch"


def test_requests_that_cannot_work_are_refused(scene: Scene, net: Net) -> None:
    create = scene.aws.ec2.create_vpc_endpoint
    unknown = interface_request(net, ServiceName="com.amazonaws.us-west-2.blimps")
    assert code_of(create, **unknown) == "InvalidServiceName"
    elsewhere = interface_request(net, ServiceName="com.amazonaws.eu-west-1.ecr.api")
    assert code_of(create, **elsewhere) == "InvalidServiceName"
    assert code_of(create, **interface_request(net, SecurityGroupIds=["sg-00000000"])) == "InvalidGroup.NotFound"
    foreign = scene.aws.network()[1]
    assert code_of(create, **interface_request(net, SubnetIds=foreign)) == "InvalidParameter"
    make(scene, interface_request(net))
    assert code_of(create, **interface_request(net)) == "InvalidParameter"  # its private name is taken
    scene.aws.ec2.modify_vpc_attribute(VpcId=net.vpc, EnableDnsHostnames={"Value": False})
    named = interface_request(net, ServiceName="com.amazonaws.us-west-2.ec2")
    assert code_of(create, **named) == "InvalidParameter"


def test_a_change_moves_interfaces_and_groups(scene: Scene, net: Net) -> None:
    ec2, endpoint = scene.aws.ec2, make(scene, interface_request(net))
    other = ec2.create_security_group(GroupName="h", Description="h", VpcId=net.vpc)["GroupId"]
    ec2.modify_vpc_endpoint(
        VpcEndpointId=endpoint,
        RemoveSubnetIds=net.subnets[1:],
        AddSecurityGroupIds=[other],
        RemoveSecurityGroupIds=[net.group],
    )
    (interface,) = ec2.describe_network_interfaces()["NetworkInterfaces"]
    assert (interface["SubnetId"], interface["Groups"][0]["GroupId"]) == (net.subnets[0], other)
    ec2.delete_security_group(GroupId=net.group)
    ec2.delete_subnet(SubnetId=net.subnets[1])


def test_an_unknown_endpoint_is_told_in_a_successful_answer(scene: Scene) -> None:
    answer = scene.aws.ec2.delete_vpc_endpoints(VpcEndpointIds=["vpce-00000000"])
    assert answer["Unsuccessful"][0]["Error"]["Code"] == "InvalidVpcEndpointId.NotFound"
