"""Every field of every kind: what somebody changed behind our back is put back, or the change is refused by name.

The changes are made with plain boto3, and worlds are compared; so a kind that does not really read a field, or does
not really write it, fails here. A kind's case must name every compared field: a new one cannot be forgotten.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import pytest
from cases import CASES, drifts
from support.account import run_of
from support.kind_case import KindCase, Made
from support.stage import Stage, Theatre, quick_start

from eksprov import errors
from eksprov.config.schema import Config
from eksprov.core.change import LeavesToOthers
from eksprov.core.convergence.converge import converge
from eksprov.core.outcome import Status
from eksprov.core.step import AnyStep, Outputs

HERE = [case for case in CASES.values() if not isinstance(case.drifts, str)]
REPAIRED = [(case.name, field) for case, field, change in drifts() if not isinstance(change, str)]


@dataclass
class Drifting(Made):
    """With the stage that the stack stands on, and the account as it was right."""

    stage: Stage
    right: dict[str, list[str]]


@pytest.fixture(scope="module")
def made(theatre: Theatre) -> Iterator[Drifting]:
    data = quick_start().model_dump()
    data["cluster"] |= {"kms_key": "own"}
    data["network"] |= {"endpoints": ("sts",), "ip_family": "ipv6"}
    data["cluster"].pop("service_ipv4_cidr")
    data["autoscaler"] = "karpenter"
    data["monitoring"] |= {"alarms": True, "alarm_emails": ("ops@example.com",), "dashboards": True}
    with theatre.stage(Config.model_validate(data)) as stage:
        report = stage.provision()
        outputs = Outputs({outcome.name: outcome.outputs for outcome in report.outcomes})
        opened, plain = stage.opened(), stage.account.plain
        yield Drifting(opened.steps, outputs, plain, lambda: stage.opened().aws, stage, stage.world())


def compared(made: Drifting, case: KindCase) -> dict[str, bool]:
    """Each compared field of a kind's facts, and whether changing it means replacing."""
    facts = case.of(made).desired(made.outputs)
    return {f.name: bool(f.metadata.get("replace")) for f in fields(facts) if f.compare}


def test_every_field_that_changes_in_place_has_its_drift(made: Drifting) -> None:
    every = {(case.name, name) for case in HERE for name, replaces in compared(made, case).items() if not replaces}
    assert every == {(case.name, field) for case, field, _ in drifts()}


@pytest.mark.parametrize(("kind", "name"), REPAIRED)
def test_what_was_changed_behind_our_back_is_put_back(made: Drifting, kind: str, name: str) -> None:
    step, changes = CASES[kind].of(made), CASES[kind].drifts
    assert not isinstance(changes, str)
    change = changes[name]
    assert callable(change)
    change(made, step)
    aws = made.aws()
    outcome = converge(step, made.outputs, run_of(aws))
    assert outcome.status is Status.UPDATED
    assert name in outcome.change.names
    assert made.stage.world() == made.right
    made.stage.tape.rewind()
    aws = made.aws()
    assert converge(step, made.outputs, run_of(aws)).status is Status.UNCHANGED
    assert made.stage.tape.mutating == []


@pytest.mark.parametrize("kind", [case.name for case in CASES.values() if case.held])
def test_what_cannot_change_under_others_is_refused_by_name(made: Drifting, kind: str) -> None:
    """A node group is told to the caller, which makes another one beside it; the other kinds are held by something."""
    step, aws = CASES[kind].of(made), made.aws()
    for name in (name for name, replaces in compared(made, CASES[kind]).items() if replaces):
        made.stage.tape.rewind()
        with pytest.raises(errors.ReplacementError, match=name):
            converge(wanting(step, name), made.outputs, run_of(aws))
        assert made.stage.tape.mutating == []


def wanting(step: AnyStep, name: str) -> AnyStep:
    """The same step, which wants another value of one field."""
    kind = type(step)

    def desired(self: AnyStep, outputs: Outputs) -> Any:
        want = kind.desired(self, outputs)
        value = getattr(want, name)
        other = value + 1 if isinstance(value, int) else (*value, "x") if isinstance(value, tuple) else f"{value}x"
        others: dict[str, Any] = {"unmanaged": frozenset()} if isinstance(want, LeavesToOthers) else {}
        return dataclasses.replace(want, **{name: other}, **others)

    kept = {field.name: getattr(step, field.name) for field in dataclasses.fields(step) if field.init}
    made: AnyStep = type(kind.__name__, (kind,), {"desired": desired})(**kept)
    return made
