"""What is changed behind our back in the network's kinds."""

from __future__ import annotations

from typing import Any

from support.drift.made import AnyStep, Change, Changes, Made


def vpc(**change: Any) -> Change:
    return lambda m, _: m.client("ec2").modify_vpc_attribute(VpcId=m.id("vpc"), **change)


def subnet_role(m: Made, step: AnyStep) -> None:
    ec2 = m.client("ec2")
    ec2.delete_tags(Resources=[m.id(step.name)], Tags=[{"Key": "kubernetes.io/role/internal-elb"}])
    ec2.create_tags(Resources=[m.id(step.name)], Tags=[{"Key": "kubernetes.io/role/elb", "Value": "1"}])


def no_ipv6_range(m: Made, step: AnyStep) -> None:
    (subnet,) = m.client("ec2").describe_subnets(SubnetIds=[m.id(step.name)])["Subnets"]
    (block,) = subnet["Ipv6CidrBlockAssociationSet"]
    m.client("ec2").disassociate_subnet_cidr_block(AssociationId=block["AssociationId"])


def no_ipv6_addresses(m: Made, step: AnyStep) -> None:
    m.client("ec2").modify_subnet_attribute(SubnetId=m.id(step.name), AssignIpv6AddressOnCreation={"Value": False})


def no_route(**to: str) -> Change:
    return lambda m, step: m.client("ec2").delete_route(RouteTableId=m.id(step.name), **to)


def no_association(m: Made, step: AnyStep) -> None:
    table = m.client("ec2").describe_route_tables(RouteTableIds=[m.id(step.name)])["RouteTables"][0]
    m.client("ec2").disassociate_route_table(AssociationId=table["Associations"][0]["RouteTableAssociationId"])


CHANGES: Changes = {
    ("vpc", "dns_support"): vpc(EnableDnsSupport={"Value": False}),
    ("vpc", "dns_hostnames"): vpc(EnableDnsHostnames={"Value": False}),
    ("vpc", "ipv6"): "EC2 refuses it while subnets have a part of the range; tests/steps/test_ipv6.py covers it",
    ("subnet", "role"): subnet_role,
    ("subnet", "ipv6_cidr"): no_ipv6_range,
    ("subnet", "ipv6_assigned"): no_ipv6_addresses,
    ("internet-gateway", "vpc_id"): "EC2 refuses to detach it under a NAT gateway; tests of the kind cover it",
    ("route-table", "default_route"): no_route(DestinationCidrBlock="0.0.0.0/0"),
    ("route-table", "default_route_ipv6"): no_route(DestinationIpv6CidrBlock="::/0"),
    ("route-table", "subnet_ids"): no_association,
    ("security-group", "ingress"): "tests/steps/test_vpc_endpoint.py puts it back",
    ("vpc-endpoint", "group_ids"): "tests/steps/test_vpc_endpoint.py puts it back",
    ("vpc-endpoint", "private_dns"): "tests/steps/test_vpc_endpoint.py puts it back",
    ("vpc-endpoint", "subnet_ids"): "tests/steps/test_vpc_endpoint.py puts it back",
    ("vpc-endpoint", "route_table_ids"): "tests/steps/test_vpc_endpoint.py puts it back",
}
