"""A node group whose first choice has no capacity: the next one, soon, once, and nothing left of the other.

Time is virtual and runs at AWS's own pace here, so that seconds are AWS's. The account is read with plain boto3.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from support.apart import forked
from support.calls import Side
from support.stage import FAST, Stage, Theatre, quick_start

from eksprov.config.schema import Config
from eksprov.core.change import Action
from eksprov.core.outcome import Status
from eksprov.operations.commands.plan import make_plan
from eksprov.operations.commands.provision import Report, provision

GROUP = "node-group/gpu"
NEXT_WITHIN_S = 120.0
ALL = os.environ.get("EKSPROV_LAWS") == "all"


def config_of(*fallbacks: dict[str, Any], **more: Any) -> Config:
    """The quick start with one group of GPUs in place of its own."""
    data = quick_start().model_dump(mode="json", exclude_unset=True)
    group = {"name": "gpu", "instance_types": ["g5.xlarge"], "desired_size": 1, "fallbacks": list(fallbacks), **more}
    return Config.model_validate_json(json.dumps({**data, "node_groups": [group]}))


SPOT, OTHER = {"capacity_type": "SPOT"}, {"instance_types": ["g6.xlarge"]}
CONFIG = config_of(SPOT, OTHER)


pytestmark = pytest.mark.apart  # each test finds the stack as the module made it


@pytest.fixture(scope="module")
def stage(theatre: Theatre) -> Iterator[Stage]:
    """A stack that has all but its node group."""
    with theatre.stage(CONFIG, speed=1.0) as stage:
        assert stage.provision(CONFIG.model_copy(update={"node_groups": ()})).ok
        yield stage


def groups(stage: Stage) -> list[Any]:
    """Every node group of the cluster."""
    eks = stage.account.plain("eks")
    if not eks.list_clusters()["clusters"]:
        return []
    names = eks.list_nodegroups(clusterName=CONFIG.name)["nodegroups"]
    return [eks.describe_nodegroup(clusterName=CONFIG.name, nodegroupName=name)["nodegroup"] for name in names]


def taken(stage: Stage) -> list[tuple[Any, ...]]:
    """What stands, as people would name it."""
    return [(g["status"], tuple(g["instanceTypes"]), g["capacityType"]) for g in groups(stage)]


def outcome(report: Report) -> Any:
    return next(each for each in report.outcomes if each.name == GROUP)


def sent(stage: Stage, operation: str) -> list[float]:
    """When calls of an operation were sent."""
    return [call.at for call in stage.emulator.calls.recent() if call.operation == operation]


def test_the_next_choice_is_asked_for_within_two_minutes_of_the_first_failure(stage: Stage) -> None:
    stage.emulator.capacity.refuse("g5.xlarge", purchase="ON_DEMAND")
    report = stage.provision()
    assert report.ok, [each for each in report.outcomes if not each.good]
    first, second = sent(stage, "CreateNodegroup")
    assert second - first <= NEXT_WITHIN_S  # the first launch fails at once
    assert taken(stage) == [("ACTIVE", ("g5.xlarge",), "SPOT")]
    said = outcome(report)
    assert said.status is Status.CREATED
    assert "choice 2 of 3" in said.message
    assert "InsufficientInstanceCapacity" in said.message
    assert report.state.steps[GROUP].slug == f"{CONFIG.name}/{groups(stage)[0]['nodegroupName']}"
    tokens = [c.params["clientRequestToken"] for c in stage.tape.mutating if c.operation == "CreateNodegroup"]
    assert len(set(tokens)) == 2


def test_every_choice_without_capacity_is_named_with_its_reason_and_nothing_is_left(stage: Stage) -> None:
    stage.emulator.capacity.refuse("g5.xlarge")
    stage.emulator.capacity.refuse("g6.xlarge", code="VcpuLimitExceeded")
    report = stage.provision()
    said = outcome(report)
    assert said.status is Status.FAILED
    for text in (
        "g5.xlarge ON_DEMAND: ",
        "g5.xlarge SPOT: ",
        "g6.xlarge ON_DEMAND: ",
        "VcpuLimitExceeded",
        "Unfulfill",
    ):
        assert text in said.message
    created = sent(stage, "CreateNodegroup")
    assert len(created) == 3
    assert all(later - earlier <= NEXT_WITHIN_S for earlier, later in itertools.pairwise(created))
    assert {group["status"] for group in groups(stage)} <= {"DELETING"}
    stage.emulator.capacity.allow()
    assert stage.provision().ok
    assert taken(stage) == [("ACTIVE", ("g5.xlarge",), "ON_DEMAND")]  # a new run begins with the first


def test_a_later_choice_that_stands_satisfies_plan_and_run(stage: Stage) -> None:
    stage.emulator.capacity.refuse("g5.xlarge", purchase="ON_DEMAND")
    stage.provision()
    stage.emulator.capacity.allow()
    before, saves = stage.world(), stage.store.saves
    plan = make_plan(stage.opened())
    assert not plan.changes
    (note,) = [note for note in plan.notes if "--first-choice" in note]
    assert note.startswith(f"{GROUP} stands on choice 2 of 3: g5.xlarge SPOT;")
    report = stage.provision()
    assert {each.status for each in report.outcomes} == {Status.UNCHANGED}
    assert stage.tape.mutating == []
    assert (stage.world(), stage.store.saves) == (before, saves)
    stage.store.forget()
    assert {each.status for each in stage.provision().outcomes} == {Status.UNCHANGED}
    assert stage.tape.mutating == []


def test_going_back_to_the_first_choice_makes_it_before_the_later_one_goes(stage: Stage) -> None:
    stage.emulator.capacity.refuse("g5.xlarge", purchase="ON_DEMAND")
    stage.provision()
    stage.emulator.capacity.allow()
    (line,) = make_plan(replace(stage.opened(), first_choice=True)).changes
    assert (line.name, line.change.action, line.slug) == (GROUP, Action.REPLACE, "quickstart/gpu")
    assert [(field.name, field.have, field.want) for field in line.change.fields] == [
        ("capacity_type", "SPOT", "ON_DEMAND")
    ]
    assert "before the old one goes" in line.change.reason
    stage.tape.rewind()
    assert going_back(stage).ok
    assert [call.operation for call in stage.tape.mutating] == ["CreateNodegroup", "DeleteNodegroup"]
    assert sent(stage, "DeleteNodegroup")[-1] - sent(stage, "CreateNodegroup")[-1] >= 112  # once it is ready
    assert taken(stage) == [("ACTIVE", ("g5.xlarge",), "ON_DEMAND")]
    assert {each.status for each in stage.provision().outcomes} == {Status.UNCHANGED}


def test_a_first_choice_that_still_has_none_leaves_the_later_one_as_it_is(stage: Stage) -> None:
    stage.emulator.capacity.refuse("g5.xlarge", purchase="ON_DEMAND")
    stage.provision()
    later = groups(stage)[0]["nodegroupArn"]
    assert going_back(stage).ok
    assert [group["nodegroupArn"] for group in groups(stage)] == [later]


def test_one_empty_zone_is_no_reason_to_go_on(stage: Stage) -> None:
    stage.emulator.capacity.refuse("g5.xlarge", zone="us-west-2a")
    assert stage.provision().ok
    assert taken(stage) == [("ACTIVE", ("g5.xlarge",), "ON_DEMAND")]


def test_zones_are_a_choice_too(stage: Stage) -> None:
    stage.config = config_of({"zone_ids": ["usw2-az1"]}, zone_ids=["usw2-az2"])
    stage.emulator.capacity.refuse("g5.xlarge", zone="usw2-az2")
    report = stage.provision()
    assert report.ok
    assert "g5.xlarge ON_DEMAND in usw2-az1" in outcome(report).message
    (group,) = groups(stage)
    subnets = stage.account.plain("ec2").describe_subnets(SubnetIds=group["subnets"])["Subnets"]
    assert [subnet["AvailabilityZoneId"] for subnet in subnets] == ["usw2-az1"]
    assert {each.status for each in stage.provision().outcomes} == {Status.UNCHANGED}


def test_a_group_without_fallbacks_fails_soon_and_a_later_run_waits_on(stage: Stage) -> None:
    stage.config = config_of()
    stage.emulator.capacity.refuse("g5.xlarge")
    said = outcome(stage.provision())
    assert said.status is Status.FAILED
    assert said.seconds <= NEXT_WITHIN_S
    assert "InsufficientInstanceCapacity" in said.message
    assert [group["status"] for group in groups(stage)] == ["CREATING"]  # AWS goes on trying
    stage.emulator.capacity.allow()
    assert stage.provision().ok
    assert len(sent(stage, "CreateNodegroup")) == 1


def test_what_aws_does_not_let_us_delete_yet_is_deleted_as_soon_as_it_does(stage: Stage) -> None:
    stage.emulator.capacity.deletes_refused_s = 600.0
    stage.emulator.capacity.refuse("g5.xlarge", purchase="ON_DEMAND")
    report = stage.provision()
    assert report.ok
    assert taken(stage) == [("ACTIVE", ("g5.xlarge",), "SPOT")]
    took = outcome(report).seconds
    assert 600 < took < 600 + 190 + 60


def test_a_fallback_that_left_the_config_goes_once_the_group_stands(stage: Stage) -> None:
    stage.emulator.capacity.refuse("g5.xlarge", purchase="ON_DEMAND")
    stage.provision()
    stage.emulator.capacity.allow()
    assert stage.provision(config_of()).ok
    assert taken(stage) == [("ACTIVE", ("g5.xlarge",), "ON_DEMAND")]
    assert {each.status for each in stage.provision(config_of()).outcomes} == {Status.UNCHANGED}


@pytest.mark.parametrize("forget", [False, True])
def test_a_group_that_left_the_config_goes_whatever_choice_it_is(stage: Stage, forget: bool) -> None:
    stage.emulator.capacity.refuse("g5.xlarge", purchase="ON_DEMAND")
    stage.provision()
    if forget:
        stage.store.forget()
    without = CONFIG.model_copy(update={"node_groups": ()})
    assert stage.provision(without).ok
    assert groups(stage) == []


Begin = Callable[[Stage], Any]


def falling_back(stage: Stage) -> Any:
    """A run that has to fall back."""
    return stage.provision()


def going_back(stage: Stage) -> Any:
    """A run that goes back to the first choice."""
    return provision(replace(stage.opened(), first_choice=True))


def before(stage: Stage, begin: Begin) -> None:
    """Leave the stage as `begin` is to find it."""
    stage.emulator.speed = FAST
    stage.emulator.capacity.refuse("g5.xlarge", purchase="ON_DEMAND")
    if begin is going_back:
        stage.provision()
        stage.emulator.capacity.allow()
    stage.tape.rewind()


def each_crossing(stage: Stage, begin: Begin, law: Callable[[int, dict[str, list[str]]], None]) -> None:
    """Hold a law, in a process of its own each time, at every mutating call from the first for a node group on.

    The law is told the call's number and the world that a whole run makes.
    """
    before(stage, begin)

    def whole() -> tuple[range, dict[str, list[str]]]:
        assert begin(stage).ok
        ours = [n for n, call in enumerate(stage.tape.mutating, 1) if call.operation.endswith("Nodegroup")]
        return range(ours[0], ours[-1] + 1), stage.world()

    calls, right = forked(whole)
    assert len(calls) >= 2
    for crash_at in calls:
        forked(lambda crash_at=crash_at: law(crash_at, right))  # type: ignore[misc]  # bound now


@pytest.mark.parametrize("forgets", [False, True] if ALL else [False])
@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("begin", [falling_back, going_back])
def test_a_kill_at_any_call_ends_in_one_ready_group(stage: Stage, begin: Begin, side: Side, forgets: bool) -> None:
    """Every second time the state is lost too; `EKSPROV_LAWS=all` tries both each time."""

    def law(crash_at: int, right: dict[str, list[str]]) -> None:
        assert not stage.survives(lambda: begin(stage), crash_at, side)
        if (crash_at % 2 == 0) is not forgets:
            stage.store.forget()
        assert begin(stage).ok, crash_at
        assert stage.world() == right, f"killed {side} mutating call {crash_at}"
        assert {each.status for each in stage.provision().outcomes} == {Status.UNCHANGED}

    each_crossing(stage, begin, law)


@pytest.mark.real_time  # botocore pauses some milliseconds before it sends again
def test_a_lost_answer_ends_in_one_ready_group(stage: Stage) -> None:
    def law(crash_at: int, right: dict[str, list[str]]) -> None:
        stage.tape.rewind(crash_at, "lost")
        provision(stage.opened())
        assert stage.provision().ok
        assert stage.world() == right, f"lost the answer to mutating call {crash_at}"

    each_crossing(stage, falling_back, law)


@pytest.mark.parametrize("refused_s", [0.0, 600.0])
def test_a_teardown_after_a_kill_leaves_nothing(stage: Stage, refused_s: float) -> None:
    def law(crash_at: int, _: dict[str, list[str]]) -> None:
        stage.emulator.capacity.deletes_refused_s = refused_s
        assert not stage.survives(stage.provision, crash_at, "after")
        result = stage.teardown()
        assert result.ok, [each for each in result.report.outcomes if not each.good]
        assert stage.world() == stage.baseline

    each_crossing(stage, falling_back, law)
