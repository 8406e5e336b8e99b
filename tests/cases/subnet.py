"""Subnets."""

from __future__ import annotations

from collections.abc import Iterable

from support.kind_case import Iam, Item, KindCase, Made, Thing
from support.memory import Memory, tags_in_ec2
from support.plain import WITH_ITS_NETWORK, of_ec2

from eksprov.core.step import AnyStep
from eksprov.steps.network.subnet import Subnet


def other_role(made: Made, step: AnyStep) -> None:
    ec2 = made.client("ec2")
    ec2.delete_tags(Resources=[made.id(step)], Tags=[{"Key": "kubernetes.io/role/internal-elb"}])
    ec2.create_tags(Resources=[made.id(step)], Tags=[{"Key": "kubernetes.io/role/elb", "Value": "1"}])


def no_ipv6_range(made: Made, step: AnyStep) -> None:
    ec2 = made.client("ec2")
    (subnet,) = ec2.describe_subnets(SubnetIds=[made.id(step)])["Subnets"]
    (block,) = subnet["Ipv6CidrBlockAssociationSet"]
    ec2.disassociate_subnet_cidr_block(AssociationId=block["AssociationId"])


def no_ipv6_addresses(made: Made, step: AnyStep) -> None:
    off = {"Value": False}
    made.client("ec2").modify_subnet_attribute(SubnetId=made.id(step), AssignIpv6AddressOnCreation=off)


def peek(memory: Memory) -> Iterable[Item]:
    for one in (one for zone in memory.of("ec2").subnets.values() for one in zone.values()):
        where = {"vpc": one.vpc_id, "cidr": one.cidr_block, "zone": one.availability_zone}
        yield {"id": one.id, **where, "tags": tags_in_ec2(one)}


CASE = KindCase(
    kind=Subnet,
    read=of_ec2("describe_subnets", "Subnets", "SubnetId"),
    peek=peek,
    drifts={"role": other_role, "ipv6_cidr": no_ipv6_range, "ipv6_assigned": no_ipv6_addresses},
    untag="EC2 gives it no name: without tags it is not under ours",
    asks=Iam(
        service="ec2",
        creates=("ec2:CreateSubnet", "ec2:CreateTags"),
        thing=Thing(resource="subnet", made_by="CreateSubnet", told_by="subnet"),
        unseen={"ec2:DeleteSubnet": WITH_ITS_NETWORK},
    ),
    usual=lambda step: step.name == "subnet/private-1",
    held=True,
)
