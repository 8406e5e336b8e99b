"""When a node group lacks capacity: pure laws over scaling activities and health issues."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from eksprov.core.step import PhaseState
from eksprov.steps.node_groups.alternatives import Alternative
from eksprov.steps.node_groups.capacity import failed_launch, shortage
from eksprov.steps.node_groups.facts import from_description
from eksprov.steps.node_groups.node_group import NodeGroup

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
ICE = "Could not launch On-Demand Instances. InsufficientInstanceCapacity - We currently do not have enough."
SPOT = "Could not launch Spot Instances. UnfulfillableCapacity - Unable to fulfill capacity."
COUNT = "Could not launch Spot Instances. MaxSpotInstanceCountExceeded - Max spot instance count exceeded."
QUOTA = "Could not launch On-Demand Instances. VcpuLimitExceeded - You have requested more vCPU capacity."
PLAN = "Could not launch On-Demand Instances. InvalidParameterCombination - The type is not eligible for Free Tier."
KEY = "Could not launch On-Demand Instances. Client.InvalidKMSKey.InvalidState - The KMS key is pending deletion."


def tried(second: int, status: str, message: str = "", what: str = "Launching a new EC2 instance") -> dict[str, Any]:
    at = BEGAN + timedelta(seconds=second)
    return {"Description": what, "StartTime": at, "StatusCode": status, "StatusMessage": message}


@pytest.mark.parametrize("message", [ICE, SPOT, COUNT, QUOTA, PLAN])
def test_what_another_choice_may_cure_is_a_shortage_in_awss_words(message: str) -> None:
    assert shortage([tried(0, "Failed", message)], ()) == message


@pytest.mark.parametrize(
    "activities",
    [
        [],
        [tried(0, "InProgress")],
        [tried(0, "Failed", KEY)],
        [tried(0, "Failed", ICE), tried(9, "Successful")],
        [tried(9, "Successful"), tried(9, "Failed", ICE)],
        [tried(0, "Failed", ICE, what="Terminating EC2 instance: i-1")],
    ],
)
def test_what_may_still_come_to_be_or_no_choice_cures_is_none(activities: list[dict[str, Any]]) -> None:
    assert shortage(activities, ()) == ""


def test_of_two_wanted_one_is_not_enough() -> None:
    both = [tried(9, "Successful"), tried(20, "Failed", SPOT), tried(0, "Failed", ICE)]
    assert shortage(both, (), wanted=2) == SPOT
    assert shortage([*both, tried(30, "Successful")], (), wanted=2) == ""


def test_health_counts_where_no_activity_can_be_read() -> None:
    health = (("AsgInstanceLaunchFailures", QUOTA), ("NodeCreationFailure", ICE))
    assert shortage((), health) == QUOTA
    assert shortage([tried(0, "Successful")], health) == ""


def test_a_choices_name_follows_from_what_it_is_and_not_from_its_place() -> None:
    first, second = Alternative(("g6.xlarge",), "ON_DEMAND"), Alternative(("g5.xlarge",), "SPOT", ("usw2-az1",))
    group = NodeGroup(name="node-group/gpu", slug="demo/gpu", instance_types=("g5.xlarge",), fallbacks=(first, second))
    swapped = NodeGroup(name="node-group/gpu", slug="demo/gpu", fallbacks=(second, first))
    slugs = [choice.slug for choice in group.alternatives]
    assert slugs[0] == "demo/gpu"
    assert len(set(slugs)) == 3
    assert [choice.slug for choice in swapped.alternatives] == [slugs[0], slugs[2], slugs[1]]
    assert group.alternatives[2].label == "g5.xlarge SPOT in usw2-az1"
    assert all(len(choice.alternatives) == 1 for choice in group.alternatives[1:])
    assert group.alternatives[0].label == "g5.xlarge ON_DEMAND"


def test_a_group_that_lacks_capacity_moves_and_one_whose_quota_is_reached_has_failed() -> None:
    from dataclasses import replace

    from eksprov.steps.node_groups.facts import from_description

    step = NodeGroup(name="node-group/gpu", slug="demo/gpu")
    have = replace(from_description({"nodegroupArn": "arn", "status": "CREATING"}), shortage=ICE)
    moving = step.phase(have)
    assert (moving.state, moving.scarce, moving.message) == (PhaseState.MOVING, True, ICE)
    failed = step.phase(replace(have, health=(("InstanceLimitExceeded", "no more"),)))
    assert (failed.state, failed.scarce) == (PhaseState.FAILED, True)
    lost = step.phase(replace(have, shortage="", health=(("IamNodeRoleNotFound", "no role"),)))
    assert (lost.state, lost.scarce) == (PhaseState.FAILED, False)


@pytest.mark.parametrize(
    ("statuses", "said"),
    [
        ((), ""),
        (("Failed",), "0"),
        (("Failed", "Successful"), ""),
        (("Successful", "Failed"), "1"),
        (("InProgress",), ""),
    ],
)
def test_a_group_in_motion_says_why_its_newest_launch_failed(statuses: tuple[str, ...], said: str) -> None:
    """Whatever it was: a key that Auto Scaling may not use, a limit, a template; capacity is only one of them."""
    found = [
        {
            "Description": "Launching a new EC2 instance: i-1",
            "StatusCode": status,
            "StatusMessage": str(number),
            "StartTime": datetime(2026, 1, 1, 0, number, tzinfo=UTC),
        }
        for number, status in enumerate(statuses)
    ]
    assert failed_launch(found) == said
    group = NodeGroup(name="node-group/g", slug="demo/g")
    for status in ("CREATING", "UPDATING"):
        plain: Any = from_description({"nodegroupArn": "arn", "status": status})
        message = group.phase(replace(plain, failed_launch=said)).message
        assert message == said if said else message.startswith("EKS ")
