"""Every field of every kind: what somebody changed behind our back is put back, or the change is refused by name.

The changes are made with plain boto3, and worlds are compared; so a kind that does not really read a field, or does
not really write it, fails here. `support.drift` must name every compared field: a new one cannot be forgotten.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest
from support.account import run_of
from support.drift import CHANGES
from support.drift.made import AnyStep, Made
from support.stage import Theatre, quick_start

from eksprov import errors
from eksprov.config.schema import Config
from eksprov.core.change import LeavesToOthers
from eksprov.core.converge import converge
from eksprov.core.outcome import Status
from eksprov.core.step import Outputs
from eksprov.steps import KINDS

# Kinds whose stacks are others: their own tests change each of their fields.
ELSEWHERE = {
    "asg-tags": "tests/controllers/test_controllers_in_a_stack.py",
    "cluster-endpoint": "tests/steps/test_cluster_endpoint.py",
    "existing-role": "tests/steps/test_existing_role.py",
    "existing-subnet": "tests/steps/test_existing_network_refusals.py",
    "existing-vpc": "tests/steps/test_existing_network_refusals.py",
    "placement-group": "tests/steps/test_placement_group.py",
    "service-linked-role": "tests/steps/test_service_linked_role.py",
}
HERE = tuple(kind for kind in KINDS if kind.kind not in ELSEWHERE)
REPAIRED = [key for key, change in CHANGES.items() if not isinstance(change, str)]


@pytest.fixture(scope="module")
def made(theatre: Theatre) -> Iterator[Made]:
    data = quick_start().model_dump()
    data["cluster"] |= {"kms_key": "own"}
    data["network"] |= {"endpoints": ("sts",), "ip_family": "ipv6"}
    data["cluster"].pop("service_ipv4_cidr")
    data["autoscaler"] = "karpenter"
    data["monitoring"] |= {"alarms": True, "alarm_emails": ("ops@example.com",), "dashboards": True}
    with theatre.stage(Config.model_validate(data)) as stage:
        report = stage.provision()
        outputs = Outputs({outcome.name: outcome.outputs for outcome in report.outcomes})
        opened = stage.opened()
        yield Made(stage, opened.steps, outputs, stage.world())


def compared(made: Made, kind: str) -> dict[str, bool]:
    """Each compared field of a kind's facts, and whether changing it means replacing."""
    facts = made.of(kind).desired(made.outputs)
    return {f.name: bool(f.metadata.get("replace")) for f in fields(facts) if f.compare}


def test_every_field_that_changes_in_place_has_its_drift(made: Made) -> None:
    every = {(kind.kind, name) for kind in HERE for name, replaces in compared(made, kind.kind).items() if not replaces}
    assert every == set(CHANGES)


@pytest.mark.parametrize(("kind", "name"), REPAIRED)
def test_what_was_changed_behind_our_back_is_put_back(made: Made, kind: str, name: str) -> None:
    step, change = made.of(kind), CHANGES[kind, name]
    assert callable(change)
    change(made, step)
    aws = made.stage.opened().aws
    outcome = converge(step, aws, made.outputs, run_of(aws))
    assert outcome.status is Status.UPDATED
    assert name in outcome.change.names
    assert made.stage.world() == made.right
    made.stage.tape.rewind()
    aws = made.stage.opened().aws
    assert converge(step, aws, made.outputs, run_of(aws)).status is Status.UNCHANGED
    assert made.stage.tape.mutating == []


@pytest.mark.parametrize("kind", ["cluster", "vpc", "subnet", "elastic-ip", "security-group", "node-group"])
def test_what_cannot_change_under_others_is_refused_by_name(made: Made, kind: str) -> None:
    """A node group is told to the caller, which makes another one beside it; the other kinds are held by something."""
    step, aws = made.of(kind), made.stage.opened().aws
    for name in (name for name, replaces in compared(made, kind).items() if replaces):
        made.stage.tape.rewind()
        with pytest.raises(errors.ReplacementError, match=name):
            converge(_Wanting(step, name), aws, made.outputs, run_of(aws))  # type: ignore[arg-type]  # as good as one
        assert made.stage.tape.mutating == []


class _Wanting:
    """A step that wants another value of one field."""

    def __init__(self, step: AnyStep, name: str) -> None:
        self._step, self._name = step, name

    def __getattr__(self, name: str) -> Any:
        return getattr(self._step, name)

    def desired(self, outputs: Outputs) -> Any:
        want = self._step.desired(outputs)
        value = getattr(want, self._name)
        other = value + 1 if isinstance(value, int) else (*value, "x") if isinstance(value, tuple) else f"{value}x"
        others = {"unmanaged": frozenset()} if isinstance(want, LeavesToOthers) else {}
        return dataclasses.replace(want, **{self._name: other}, **others)
