"""What cannot change in place is made again: in the right order, never twice, and not at all where others stand on it.

Worlds are compared: after a replacement the account is as a new stack of that config would have made it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import Any

import pytest
from support.calls import Side
from support.configs import with_group
from support.stage import Stage, Theatre, quick_start

from eksprov import errors
from eksprov.config.schema import Config
from eksprov.core.change import Action
from eksprov.core.outcome import Status
from eksprov.operations.commands.plan import make_plan, offline_plan
from eksprov.operations.commands.provision import provision
from eksprov.operations.rebuilding import rebuilt

GROUP = "node-group/workers"
EVERY = 1 if os.environ.get("EKSPROV_LAWS") == "all" else 5
LARGER = with_group(quick_start(), instance_types=["m7i.xlarge"])


def elsewhere() -> Config:
    """The quick start in another range of addresses."""
    data = quick_start().model_dump(mode="json", exclude_unset=True)
    data["network"] = {**data.get("network", {}), "vpc_cidr": "10.9.0.0/16"}
    return Config.model_validate_json(json.dumps(data))


def operations(stage: Stage) -> list[str]:
    return [call.operation for call in stage.tape.mutating]


def groups(stage: Stage) -> list[Any]:
    eks, name = stage.account.plain("eks"), stage.config.name
    names = eks.list_nodegroups(clusterName=name)["nodegroups"]
    return [eks.describe_nodegroup(clusterName=name, nodegroupName=each)["nodegroup"] for each in names]


@contextmanager
def standing(theatre: Theatre) -> Iterator[Stage]:
    """A whole stack, about to get larger nodes."""
    with theatre.stage() as stage:
        assert stage.provision().ok
        stage.tape.rewind()
        yield stage


@contextmanager
def networked(theatre: Theatre) -> Iterator[Stage]:
    """A stack whose first run got no cluster, about to get another range."""
    with theatre.stage() as stage:
        stage.tape.refuse("CreateCluster", "ResourceLimitExceededException", "no more clusters", times=1)
        assert not provision(stage.opened()).ok
        yield stage


Before = Callable[[Theatre], AbstractContextManager[Stage]]
CASES: dict[Before, Config] = {standing: LARGER, networked: elsewhere()}


@cache
def replaced(theatre: Theatre, before: Before) -> tuple[tuple[str, ...], dict[str, list[str]]]:
    """What a whole run sends, and the world it makes."""
    with before(theatre) as stage:
        report = stage.provision(CASES[before])
        assert report.ok, [each for each in report.outcomes if not each.good]
        sent = tuple(operations(stage))
        again = stage.provision(CASES[before])
        assert {each.status for each in again.outcomes} == {Status.UNCHANGED}
        assert stage.tape.mutating == []
        return sent, stage.world()


def test_a_group_of_other_nodes_is_ready_before_the_old_one_is_drained(theatre: Theatre) -> None:
    with standing(theatre) as stage:
        lines = {line.name: line for line in make_plan(stage.opened(LARGER)).changes}
        assert [(name, line.change.action) for name, line in lines.items()] == [(GROUP, Action.REPLACE)]
        assert lines[GROUP].change.names == ("instance_types",)
        assert lines[GROUP].change.reason == "create first: its pods move to the new nodes as disruption budgets allow"
        report = stage.provision(LARGER)
        assert report.count(Status.REPLACED) == 1
        assert operations(stage) == ["CreateNodegroup", "DeleteNodegroup"]
        (only,) = groups(stage)
        assert (only["status"], only["instanceTypes"]) == ("ACTIVE", ["m7i.xlarge"])
        stage.store.forget()
        assert {each.status for each in stage.provision(LARGER).outcomes} == {Status.UNCHANGED}
        assert not make_plan(stage.opened(LARGER)).changes
        assert stage.provision().ok  # back again: the first name is free
        assert [group["nodegroupName"] for group in groups(stage)] == ["workers"]
        assert stage.teardown().ok
        assert stage.world() == stage.baseline


def test_one_that_was_made_again_fell_back_on_nothing(theatre: Theatre) -> None:
    """Neither does a plan say so, nor are the ways back and forth anything but replacements that name their fields."""
    with standing(theatre) as stage:
        assert stage.provision(LARGER).ok
        for config in (LARGER, with_group(LARGER, fallbacks=[{"capacity_type": "SPOT"}])):
            plan = make_plan(stage.opened(config))
            assert (plan.changes, [note for note in plan.notes if "choice" in note]) == ((), [])
            assert offline_plan(config, stage.store).changes == ()
        before = groups(stage)[0]["nodegroupName"]
        (line,) = make_plan(stage.opened()).changes
        assert (line.name, line.change.action, line.slug) == (GROUP, Action.REPLACE, "quickstart/workers")
        assert [(f.name, f.have, f.want) for f in line.change.fields] == [
            ("instance_types", ("m7i.xlarge",), ("m7i.large",))
        ]
        assert line.change.reason.startswith("create first")
        assert before != "workers"
        stage.store.forget()
        stage.tape.rewind()
        assert rebuilt(stage.opened(LARGER)).state.steps[GROUP].facts_sha256  # known for what the config wants
        report = stage.provision(LARGER)
        assert [one.message for one in report.outcomes if one.name == GROUP] == [""]


def test_nodes_that_cannot_be_had_leave_the_old_ones_where_they_are(theatre: Theatre) -> None:
    with standing(theatre) as stage:
        stage.emulator.capacity.refuse("m7i.xlarge")
        report = stage.provision(LARGER)
        assert [each.name for each in report.outcomes if each.status is Status.FAILED] == [GROUP]
        serving = [group for group in groups(stage) if group["status"] == "ACTIVE"]
        assert [group["instanceTypes"] for group in serving] == [["m7i.large"]]
        stage.emulator.capacity.allow()
        assert stage.provision(LARGER).ok
        assert [group["instanceTypes"] for group in groups(stage)] == [["m7i.xlarge"]]


def test_a_network_under_a_cluster_is_refused_by_name_before_anything_is_sent(theatre: Theatre) -> None:
    with standing(theatre) as stage:
        before = stage.world()
        problems = {line.name: line.problem for line in make_plan(stage.opened(elsewhere())).lines if line.problem}
        assert "cluster stands on it" in problems["vpc"]
        with pytest.raises(errors.ReplacementError, match="vpc cannot be made again: cluster stands on it") as refused:
            stage.provision(elsewhere())
        assert "tear down" in refused.value.hint
        assert stage.tape.mutating == []
        assert stage.world() == before


def test_a_network_without_a_cluster_is_made_again_in_order(theatre: Theatre) -> None:
    sent, world = replaced(theatre, networked)
    made = [name for name in sent if name.startswith("Create")]
    order = [sent.index(name) for name in ("DeleteNatGateway", "DeleteSubnet", "DeleteVpc", "CreateVpc")]
    assert order == sorted(order)
    assert made.count("CreateVpc") == 1
    with theatre.stage(elsewhere()) as stage:
        assert stage.provision().ok
        assert stage.world() == world


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("before", [standing, networked])
def test_a_kill_at_any_call_of_a_replacement_is_made_good(theatre: Theatre, before: Before, side: Side) -> None:
    """Every second time the state is lost too."""
    sent, right = replaced(theatre, before)
    calls = range(1, len(sent) + 1, EVERY if len(sent) > EVERY else 1)
    for number, crash_at in enumerate(calls):
        with before(theatre) as stage:
            assert not stage.survives(lambda: stage.provision(CASES[before]), crash_at, side)
            if number % 2 == (side == "after"):
                stage.store.forget()
            report = stage.provision(CASES[before])
            assert report.ok, (crash_at, [each for each in report.outcomes if not each.good])
            assert stage.world() == right, f"killed {side} mutating call {crash_at}, {sent[crash_at - 1]}"
            assert {each.status for each in stage.provision(CASES[before]).outcomes} == {Status.UNCHANGED}
