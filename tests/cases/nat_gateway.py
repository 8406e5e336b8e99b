"""NAT gateways; EC2 shows a deleted one for a while, which counts as gone."""

from __future__ import annotations

from collections.abc import Iterable

from support.kind_case import Client, Iam, Item, KindCase, Thing
from support.memory import Memory, tags_in_ec2
from support.plain import pages

from eksprov.steps.network.nat_gateway import NatGateway


def read(client: Client) -> Iterable[Item]:
    for gateway in pages(client("ec2"), "describe_nat_gateways", "NatGateways"):
        if gateway["State"] != "deleted":
            yield {**gateway, "_id": gateway["NatGatewayId"]}


def peek(memory: Memory) -> Iterable[Item]:
    for one in memory.of("ec2").nat_gateways.values():
        if one.state != "deleted":
            addresses = [address.get("allocationId") for address in one.address_set]
            where = {"subnet": one.subnet_id, "addresses": addresses}
            yield {"id": one.id, "state": one.state, **where, "tags": tags_in_ec2(one)}


CASE = KindCase(
    kind=NatGateway,
    read=read,
    peek=peek,
    drifts={},
    untag="EC2 gives it no name: without tags it is not under ours",
    asks=Iam(
        service="ec2",
        creates=("ec2:CreateNatGateway",),
        thing=Thing(resource="natgateway", made_by="CreateNatGateway", told_by="nat"),
        unseen={"ec2:DeleteNatGateway": "in provision: a failed one is made again"},
    ),
)
