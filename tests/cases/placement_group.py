"""Placement groups of EC2."""

from __future__ import annotations

from collections.abc import Iterable

from support.kind_case import Client, Iam, Item, KindCase, Thing
from support.plain import WITH_ITS_NETWORK

from eksprov.steps.node_groups.placement_group import PlacementGroup


def read(client: Client) -> Iterable[Item]:
    try:
        found = client("ec2").describe_placement_groups()["PlacementGroups"]
    except NotImplementedError:  # moto alone, without our emulation, has no such thing
        return
    for group in found:
        yield {key: value for key, value in group.items() if key != "GroupId"}


CASE = KindCase(
    kind=PlacementGroup,
    read=read,
    drifts="tests/steps/node_groups/test_placement_group.py",
    untag="tests/steps/node_groups/test_placement_group.py brings the stranger",
    asks=Iam(
        service="ec2",
        creates=("ec2:CreatePlacementGroup",),
        thing=Thing(resource="placement-group", made_by="CreatePlacementGroup"),
        unseen={"ec2:DeletePlacementGroup": WITH_ITS_NETWORK},
    ),
)
