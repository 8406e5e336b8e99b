"""A placement group: one call, its name is its identity, and it goes only when it is empty."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError
from support.bench import Bench

from eksprov.core.outcome import Status
from eksprov.steps.node_groups.placement_group import PlacementGroup

STEP = PlacementGroup(name="placement-group/train", slug="quickstart-train")


def test_it_is_made_settles_and_goes(bench: Bench) -> None:
    assert bench.make(STEP).status is Status.CREATED
    assert bench.calls() == ["CreatePlacementGroup"]
    (group,) = bench.plain("ec2").describe_placement_groups(GroupNames=[STEP.slug])["PlacementGroups"]
    assert group["Strategy"] == "cluster"
    assert bench.outputs.get(STEP.name, "name") == STEP.slug
    bench.settles(STEP)
    aws = bench.aws()
    STEP.create(aws, STEP.desired(bench.outputs), "")  # a second time is the first
    bench.goes(STEP)
    with pytest.raises(ClientError, match=r"InvalidPlacementGroup.Unknown"):
        bench.plain("ec2").describe_placement_groups(GroupNames=[STEP.slug])


def test_a_strangers_group_of_that_name_is_refused(bench: Bench) -> None:
    bench.plain("ec2").create_placement_group(GroupName=STEP.slug, Strategy="spread")
    bench.is_refused(STEP)
    assert bench.resources(STEP) == []
