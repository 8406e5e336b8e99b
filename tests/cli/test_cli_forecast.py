"""`cost` and `doctor`, and what `plan` says of both."""

from __future__ import annotations

import json
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from support.command_line import CommandLine, Scripted

from eksprov.cost.estimate import Estimate, Row
from eksprov.cost.table import Price
from eksprov.operations.commands.costs import Forecast
from eksprov.preflight.findings import Finding, Findings, unknown

PRICE = Price("nat-gateway", Decimal("0.045"), "hour", "2026-09-25", "https://example.com/prices")
ROWS = (
    Row("nat-gateway/1", "NAT gateway", "nat-gateway", Decimal(0), Decimal(2), PRICE),
    Row("node-group/gpu", "2 x x9.huge on demand", "ec2.x9.huge", Decimal(1), Decimal(2), None),
)
COST = Estimate(ROWS, Decimal("0.18"), ("data transfer", "taxes"), ("node-group/gpu: 4 x x9.huge on demand",))
FOUND = Findings(
    (
        Finding("quota-vcpu-g", "error", "the quota is 0", "ask for 8"),
        unknown("permissions", "what is allowed", "AccessDenied"),
        Finding("identity", "info", "account 1"),
    ),
    ("spot-score",),
)


def backend(scripted: type[Scripted], found: Findings = FOUND, *, paid: bool = False) -> Any:
    return scripted(ahead=Forecast(COST, found, "no pricing for you"), found=found, paid=paid)


def test_doctor_lists_the_worst_first_and_fails_on_errors(cli: CommandLine, scripted: type[Scripted]) -> None:
    result = cli("doctor", backend=backend(scripted))
    assert result.code == 1
    lines = result.out.splitlines()
    assert lines[0].endswith("error: quota-vcpu-g: the quota is 0")
    assert lines[1] == "  cure: ask for 8"
    assert lines[2] == "warning: permissions: unknown: what is allowed (AccessDenied)"
    assert lines[-1] == "stack digits (us-west-2, local world): 1 error, 1 warning, suppressed: spot-score"


def test_doctor_without_errors_is_content(cli: CommandLine, scripted: type[Scripted]) -> None:
    result = cli("doctor", backend=backend(scripted, Findings()))
    assert (result.code, result.out.strip()) == (0, "stack digits (us-west-2, local world): 0 errors, 0 warnings")
    assert "eksprov plan" in result.err


def test_doctor_in_json(cli: CommandLine, scripted: type[Scripted]) -> None:
    result = cli("doctor", "--json", backend=backend(scripted))
    body = json.loads(result.out)
    assert (result.code, body["ok"], body["suppressed"]) == (1, False, ["spot-score"])
    assert body["findings"][1] == {
        "name": "permissions",
        "level": "warning",
        "message": "unknown: what is allowed (AccessDenied)",
        "cure": "",
        "known": False,
    }


def test_cost_is_a_table_that_says_what_it_does_not_know(cli: CommandLine, scripted: type[Scripted]) -> None:
    out = cli("cost", backend=backend(scripted)).out.splitlines()
    assert out[2].split() == ["nat-gateway/1", "NAT", "gateway", "0.0000", "0.0900", "65.70"]
    assert out[3].split()[-3:] == ["?", "?", "?"]
    assert out[4].split() == ["total", "unknown", "at", "least", "0.0900", "at", "least", "65.70"]
    assert out[5] == "cost: unknown -> at least $0.090 an hour, unknown -> at least $66 a month"
    assert "with every node group at max_size: at least $0.180 an hour, at least $131 a month" in out
    assert "of unknown price: node-group/gpu: 2 x x9.huge on demand" in out
    assert "not included: data transfer, taxes" in out
    assert "prices as of 2026-09-25: https://example.com/prices" in out
    assert out[-2] == "the Price List API could not be asked for every price: no pricing for you"
    assert out[-1] == "this is what it would cost on AWS; the local world is free"


def test_on_aws_nothing_is_free(cli: CommandLine, scripted: type[Scripted]) -> None:
    assert "free" not in cli("cost", backend=backend(scripted, paid=True)).out
    assert json.loads(cli("cost", "--json", backend=backend(scripted, paid=True)).out)["free"] is False


def test_cost_in_json_has_every_row(cli: CommandLine, scripted: type[Scripted]) -> None:
    body = json.loads(cli("cost", "--json", backend=backend(scripted)).out)
    assert (body["schema"], body["currency"], body["hour_after"], body["month_after"]) == (1, "USD", 0.09, 65.7)
    assert body["rows"][0]["as_of"] == "2026-09-25"
    assert body["rows"][1]["hour_after"] is None
    assert body["unknown_after"] == ["node-group/gpu: 2 x x9.huge on demand"]


def test_cost_offline_asks_for_the_offline_plan(cli: CommandLine, scripted: type[Scripted]) -> None:
    made = backend(scripted)
    assert cli("cost", "--offline", backend=made).code == 0
    assert made.asked == ["offline plan"]


def test_a_plan_ends_with_findings_and_cost(cli: CommandLine, scripted: type[Scripted]) -> None:
    out = cli("plan", backend=backend(scripted)).out.splitlines()
    assert out[-3:] == [
        "cost: unknown -> at least $0.090 an hour, unknown -> at least $66 a month",
        "  of unknown price: node-group/gpu: 2 x x9.huge on demand",
        "  this is what it would cost on AWS; the local world is free",
    ]
    assert any("quota-vcpu-g" in line for line in out[-7:])
    assert not any("identity" in line for line in out)
    body = json.loads(cli("plan", "--json", backend=backend(scripted)).out)
    assert body["cost"]["hour_after"] == 0.09
    assert [one["name"] for one in body["findings"]] == ["quota-vcpu-g", "permissions", "identity"]


def test_whoever_is_asked_for_a_yes_sees_the_cost_first(cli: CommandLine, scripted: type[Scripted]) -> None:
    made = backend(scripted, paid=True)
    made.config = SimpleNamespace(name="digits", models=())
    assert "$66 a month" in cli("provision", "--yes", backend=made).err
