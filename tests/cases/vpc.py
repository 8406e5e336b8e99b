"""VPCs, with what DNS does in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from support.kind_case import Change, Client, Iam, Item, KindCase, Thing
from support.memory import Memory, tags_in_ec2
from support.plain import WITH_ITS_NETWORK, pages

from eksprov.steps.network.vpc import Vpc


def read(client: Client) -> Iterable[Item]:
    ec2 = client("ec2")
    for vpc in pages(ec2, "describe_vpcs", "Vpcs"):
        attributes = {
            name: ec2.describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute=name)[name[0].upper() + name[1:]]["Value"]
            for name in ("enableDnsSupport", "enableDnsHostnames")
        }
        yield {**vpc, **attributes, "_id": vpc["VpcId"]}


def modified(**change: Any) -> Change:
    return lambda made, step: made.client("ec2").modify_vpc_attribute(VpcId=made.id(step), **change)


def peek(memory: Memory) -> Iterable[Item]:
    for one in memory.of("ec2").vpcs.values():
        dns = [one.enable_dns_support, one.enable_dns_hostnames]
        yield {"id": one.id, "cidr": one.cidr_block, "dns": dns, "tags": tags_in_ec2(one)}


CASE = KindCase(
    kind=Vpc,
    read=read,
    peek=peek,
    drifts={
        "dns_support": modified(EnableDnsSupport={"Value": False}),
        "dns_hostnames": modified(EnableDnsHostnames={"Value": False}),
        "ipv6": "EC2 refuses it while subnets have a part of the range; tests/steps/network/test_ipv6.py covers it",
    },
    untag="EC2 gives it no name: without tags it is not under ours",
    asks=Iam(
        service="ec2",
        creates=("ec2:CreateVpc",),
        thing=Thing(resource="vpc", made_by="CreateVpc", told_by="vpc"),
        unseen={
            "ec2:AssociateVpcCidrBlock": "an IPv6 range that somebody took from the VPC",
            "ec2:DeleteVpc": WITH_ITS_NETWORK,
            "ec2:DescribeNetworkInterfaces": "names what holds a VPC or subnet that cannot be deleted",
            "ec2:DescribeSecurityGroups": "names what holds a VPC that cannot be deleted",
        },
    ),
    held=True,
)
