"""What `plan` exits with, and what it suggests: nothing that would be refused."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from support.command_line import CommandLine, Scripted

from eksprov.core.change import NO_CHANGE, Action, Change, FieldChange
from eksprov.core.plan import Plan, Planned
from eksprov.cost.estimate import Estimate
from eksprov.operations.commands.costs import Forecast
from eksprov.operations.commands.model_plan import NO_LONGER
from eksprov.preflight.findings import Finding, Findings

VPC = Planned("vpc", "vpc", "digits", Change(Action.CREATE, reason="does not exist"), description="10.0.0.0/16")
SAME = replace(VPC, change=NO_CHANGE, description="")
STRANGE = replace(SAME, problem="exists and is not this stack's")
STUCK = replace(SAME, change=Change(Action.REPLACE, (FieldChange("cidr", "a", "b"),)), problem="cannot be made again")
SHUT = replace(SAME, change=Change(Action.UPDATE, (FieldChange("auto_mode", True, False),)), problem="a one-way switch")

NEW = Planned("model/new", "model", "models/new", Change(Action.CREATE, reason="does not exist"), description="1 file")
CHANGED = Planned("model/old", "model", "models/old", Change(Action.UPDATE, (FieldChange("files digest", "a", "b"),)))
LEFT = Planned("model/left", "model", "models/left", Change(Action.NONE, reason=NO_LONGER))
BAD = Planned("model/bad", "model", "models/bad", NO_CHANGE, problem="there is no folder models/bad")
SERVED = Planned("model/fine", "model", "models/fine", NO_CHANGE)

AGAIN = "once mended, look again with: eksprov plan"
ERROR = Finding("quota-vcpu-g", "error", "the quota is 0", "ask for 8")
WARNING = Finding("spot-score", "warning", "3 of 10")


def ahead(*found: Finding, models: tuple[Planned, ...] = ()) -> Forecast:
    """A forecast that costs nothing."""
    return Forecast(Estimate((), Decimal(0), ()), Findings(found), models=Plan(models))


@pytest.mark.parametrize("offline", [(), ("--offline",)])
@pytest.mark.parametrize(
    ("lines", "found", "models", "code", "checked", "next_one"),
    [
        ((SAME,), (), (), 0, 0, ""),
        ((SAME,), (), (SERVED,), 0, 0, ""),
        ((VPC,), (), (), 0, 3, "next: eksprov provision"),
        ((VPC,), (WARNING,), (), 0, 3, "next: eksprov provision"),
        ((VPC,), (ERROR,), (), 1, 1, AGAIN),
        ((SAME,), (ERROR,), (), 1, 1, AGAIN),
        ((VPC, STRANGE), (), (), 1, 1, AGAIN),
        ((VPC, STUCK), (), (NEW,), 1, 1, AGAIN),
        ((VPC, SHUT), (), (), 1, 1, AGAIN),
        ((VPC,), (), (NEW,), 0, 3, "next: eksprov provision"),
        ((SAME,), (), (NEW, CHANGED, SERVED), 0, 3, "next: eksprov deploy-model new old"),
        ((SAME,), (), (BAD, CHANGED), 0, 3, "next: eksprov deploy-model old"),
        ((SAME,), (), (BAD,), 0, 3, ""),
        ((SAME,), (), (LEFT,), 0, 3, ""),
    ],
)
def test_exit_code_and_next_command(
    cli: CommandLine,
    scripted: type[Scripted],
    lines: Any,
    found: Any,
    models: Any,
    code: int,
    checked: int,
    next_one: str,
    offline: Any,
) -> None:
    made = scripted(plan_is=Plan(lines), ahead=ahead(*found, models=models))
    result = cli("plan", *offline, backend=made)
    assert (result.code, result.err.strip()) == (code, " ".join((next_one, *(offline if code else ()))))
    assert cli("plan", "--check", *offline, backend=made).code == checked
    said = cli("plan", "--json", *offline, backend=made)
    assert (said.code, json.loads(said.out)["ok"]) == (code, code == 0)


def test_each_model_that_is_not_as_the_config_says_is_told(cli: CommandLine, scripted: type[Scripted]) -> None:
    models = (NEW, CHANGED, LEFT, BAD, SERVED)
    made = scripted(plan_is=Plan((SAME,)), ahead=ahead(models=models))
    out = cli("plan", backend=made).out.splitlines()
    assert out[2:] == [
        "  + create   model/new   1 file",
        "  ~ update   model/old",
        "               files digest a -> b",
        "  = serving  model/left  in namespace models, no longer in the config, and still serving; "
        "to end it: `eksprov undeploy-model left`",
        "  ! refused  model/bad",
        "      problem: there is no folder models/bad",
        "models: 1 to deploy, 1 changed, 1 no longer in the config, 1 refused, 1 as wanted",
    ]
    told = json.loads(cli("plan", "--json", backend=made).out)["models"]
    assert {one["name"]: one["state"] for one in told} == {
        "model/new": "to deploy",
        "model/old": "changed",
        "model/left": "no longer in the config",
        "model/bad": "refused",
        "model/fine": "as wanted",
    }


def test_whoever_is_asked_for_a_yes_sees_the_same_lines(cli: CommandLine, scripted: type[Scripted]) -> None:
    made = scripted(plan_is=Plan((VPC,)), ahead=ahead(WARNING, models=(LEFT,)), paid=True)
    plan, asked = cli("plan", backend=made).out, cli("provision", "--yes", backend=made).err
    assert plan.strip() in asked


@pytest.mark.parametrize("flags", [("--upgrade-addons",), ("--first-choice",), ("--upgrade-addons", "--first-choice")])
def test_what_was_planned_is_what_is_suggested(
    cli: CommandLine, scripted: type[Scripted], flags: tuple[str, ...]
) -> None:
    made = scripted(plan_is=Plan((VPC,)), ahead=ahead())
    assert cli("plan", *flags, backend=made).err == f"next: eksprov provision {' '.join(flags)}\n"
