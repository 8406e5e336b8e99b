"""Egress-only internet gateways."""

from __future__ import annotations

from collections.abc import Iterable

from support.kind_case import Iam, Item, KindCase, Thing
from support.memory import Memory, tags_in_ec2
from support.plain import WITH_ITS_NETWORK, of_ec2

from eksprov.steps.network.egress_only_internet_gateway import EgressOnlyInternetGateway


def peek(memory: Memory) -> Iterable[Item]:
    for one in memory.of("ec2").egress_only_internet_gateways.values():
        yield {"id": one.id, "vpc": one.vpc_id, "tags": tags_in_ec2(one)}


CASE = KindCase(
    kind=EgressOnlyInternetGateway,
    read=of_ec2("describe_egress_only_internet_gateways", "EgressOnlyInternetGateways", "EgressOnlyInternetGatewayId"),
    peek=peek,
    drifts={},
    untag="EC2 gives it no name: without tags it is not under ours",
    asks=Iam(
        service="ec2",
        creates=("ec2:CreateEgressOnlyInternetGateway",),
        thing=Thing(resource="egress-only-internet-gateway", made_by="CreateEgressOnlyInternetGateway", told_by="eigw"),
        unseen={"ec2:DeleteEgressOnlyInternetGateway": WITH_ITS_NETWORK},
    ),
)
