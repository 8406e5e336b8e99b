"""Route tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from support.kind_case import Change, Iam, Item, KindCase, Made, Thing
from support.memory import OF_IPV6, Memory, tags_in_ec2
from support.plain import WITH_ITS_NETWORK, of_ec2

from eksprov.core.step import AnyStep
from eksprov.steps.network.route_table import RouteTable


def no_route(**to: str) -> Change:
    return lambda made, step: made.client("ec2").delete_route(RouteTableId=made.id(step), **to)


def no_association(made: Made, step: AnyStep) -> None:
    ec2 = made.client("ec2")
    table = ec2.describe_route_tables(RouteTableIds=[made.id(step)])["RouteTables"][0]
    ec2.disassociate_route_table(AssociationId=table["Associations"][0]["RouteTableAssociationId"])


def peek(memory: Memory) -> Iterable[Item]:
    for one in memory.of("ec2").route_tables.values():
        to = [str(r.destination_cidr_block or r.destination_ipv6_cidr_block or "list") for r in one.routes]
        routes = {OF_IPV6.sub("<range>", where): target(route) for where, route in zip(to, one.routes, strict=True)}
        subnets = sorted(one._associations.values())
        yield {"id": one.id, "vpc": one.vpc_id, "routes": routes, "subnets": subnets, "tags": tags_in_ec2(one)}


def target(route: Any) -> str:
    found = route.gateway or route.nat_gateway or route.egress_only_igw
    return str(found.id) if found is not None and hasattr(found, "id") else "local"


CASE = KindCase(
    kind=RouteTable,
    read=of_ec2("describe_route_tables", "RouteTables", "RouteTableId"),
    peek=peek,
    drifts={
        "default_route": no_route(DestinationCidrBlock="0.0.0.0/0"),
        "default_route_ipv6": no_route(DestinationIpv6CidrBlock="::/0"),
        "subnet_ids": no_association,
    },
    untag="EC2 gives it no name: without tags it is not under ours",
    asks=Iam(
        service="ec2",
        creates=("ec2:CreateRouteTable",),
        thing=Thing(resource="route-table", made_by="CreateRouteTable", told_by="rtb"),
        unseen={
            "ec2:DeleteRoute": "a default route that somebody led elsewhere, to what takes no ReplaceRoute",
            "ec2:DeleteRouteTable": WITH_ITS_NETWORK,
            "ec2:DisassociateRouteTable": "in provision: a subnet that has left the config",
            "ec2:ReplaceRoute": "a default route that somebody led elsewhere",
            "ec2:ReplaceRouteTableAssociation": "a subnet that somebody gave to another table",
        },
    ),
    aws_makes_some=True,
)
