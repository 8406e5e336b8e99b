"""Internet gateways."""

from __future__ import annotations

from collections.abc import Iterable

from support.kind_case import Iam, Item, KindCase, Thing
from support.memory import Memory, tags_in_ec2
from support.plain import WITH_ITS_NETWORK, of_ec2

from eksprov.steps.network.internet_gateway import InternetGateway


def peek(memory: Memory) -> Iterable[Item]:
    for one in memory.of("ec2").internet_gateways.values():
        yield {"id": one.id, "vpc": sorted(a["VpcId"] for a in one.attachments), "tags": tags_in_ec2(one)}


CASE = KindCase(
    kind=InternetGateway,
    read=of_ec2("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    peek=peek,
    drifts={"vpc_id": "EC2 refuses to detach it under a NAT gateway; tests of the kind cover it"},
    untag="EC2 gives it no name: without tags it is not under ours",
    asks=Iam(
        service="ec2",
        creates=("ec2:CreateInternetGateway",),
        thing=Thing(resource="internet-gateway", made_by="CreateInternetGateway", told_by="igw"),
        unseen={
            "ec2:DeleteInternetGateway": WITH_ITS_NETWORK,
            "ec2:DetachInternetGateway": "in provision: a gateway that somebody attached to another VPC",
        },
    ),
)
