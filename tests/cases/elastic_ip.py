"""Elastic IP addresses."""

from __future__ import annotations

from collections.abc import Iterable

from support.kind_case import Client, Iam, Item, KindCase, Thing
from support.memory import Memory, tags_in_ec2
from support.plain import WITH_ITS_NETWORK

from eksprov.steps.network.elastic_ip import ElasticIp


def read(client: Client) -> Iterable[Item]:
    for address in client("ec2").describe_addresses()["Addresses"]:
        yield {**address, "_id": address["AllocationId"]}


def peek(memory: Memory) -> Iterable[Item]:
    for one in memory.of("ec2").addresses:
        yield {"id": one.allocation_id, "used": bool(one.association_id), "tags": tags_in_ec2(one)}


CASE = KindCase(
    kind=ElasticIp,
    read=read,
    peek=peek,
    drifts={},
    untag="EC2 gives it no name: without tags it is not under ours",
    asks=Iam(
        service="ec2",
        creates=("ec2:AllocateAddress",),
        thing=Thing(resource="elastic-ip", made_by="AllocateAddress", told_by="eipalloc"),
        unseen={"ec2:ReleaseAddress": WITH_ITS_NETWORK},
    ),
    held=True,
)
