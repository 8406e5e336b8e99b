"""Costs and findings as text and as JSON. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from eksprov.cli.render.text import SCHEMA, name_width, planned_json, planned_text, table
from eksprov.cli.words import clean, plural
from eksprov.core.change import Action
from eksprov.core.names import Namespaced, StepName

if TYPE_CHECKING:
    from eksprov.core.plan import Plan, Planned
    from eksprov.cost.estimate import Estimate, Row
    from eksprov.operations.commands.costs import Forecast
    from eksprov.preflight.findings import Finding, Findings

_COLORS = {"error": "red", "warning": "yellow", "info": "blue"}
FEW = 3  # things of unknown price that a plan names; `eksprov cost` names all
MODEL_STATES = ("to deploy", "changed", "no longer in the config", "refused", "as wanted")
LOCAL = "this is what it would cost on AWS; the local world is free"


def forecast_text(found: Forecast, *, free: bool) -> str:
    """The lines below a plan: the models, what was found, what it costs; empty where there is nothing to say."""
    lines = [*models_text(found.models), *(finding_text(one) for one in found.findings.of("error", "warning"))]
    if found.cost.rows:
        lines.append(cost_line(found.cost))
        unknown = unknown_lines(found.cost)
        lines += [f"  {line}" for line in unknown[:FEW]]
        if len(unknown) > FEW:
            lines.append(f"  and {len(unknown) - FEW} more of unknown price, which `eksprov cost` lists")
        if found.cost.grows and (most := _most_line(found.cost)):
            lines.append(f"  {most}")
        lines += [f"  {LOCAL}"] if free else []
    return "\n".join(lines)


def models_text(models: Plan) -> list[str]:
    """A line for each model that is not as the config says, then a count of all; nothing where there are none."""
    told = [line for line in models.lines if line.is_change or line.change.reason]
    width = name_width(told)
    lines = [planned_text(line, width) if line.is_change else _serving_text(line, width) for line in told]
    lines += [f"    note: {clean(note)}" for note in models.notes]
    if models.lines:
        counts = {word: sum(_state(line) == word for line in models.lines) for word in MODEL_STATES}
        lines.append("models: " + ", ".join(f"{count} {word}" for word, count in counts.items() if count))
    return lines


def models_json(models: Plan) -> list[dict[str, Any]]:
    """The same for programs: `state` is one of MODEL_STATES, the slug is namespace and name."""
    return [{**planned_json(line), "state": _state(line)} for line in models.lines]


def _state(line: Planned) -> str:
    if line.problem:
        return "refused"
    if line.change.action is Action.NONE:
        return "no longer in the config" if line.change.reason else "as wanted"
    return "to deploy" if line.change.action is Action.CREATE else "changed"


def _serving_text(line: Planned, width: int) -> str:
    head, name = click.style("  = serving", fg="yellow"), StepName.parse(line.name).of
    namespace = Namespaced.parse(line.slug).namespace
    cure = f"to end it: `eksprov undeploy-model {name}`"
    return f"{head}  {line.name:<{width}}  in namespace {namespace}, {clean(line.change.reason)}; {cure}"


def cost_line(cost: Estimate) -> str:
    """ "cost: $0.000 -> at least $0.352 an hour, $0 -> at least $257 a month"; wholly unknown sums are "unknown"."""
    before, after = bool(cost.unknown_before), bool(cost.unknown_after)
    hours = f"{_hour(cost.hour_before, before)} -> {_hour(cost.hour_after, after)} an hour"
    months = f"{_month(cost.hour_before, before)} -> {_month(cost.hour_after, after)} a month"
    return f"cost: {hours}, {months}"


def unknown_lines(cost: Estimate) -> list[str]:
    """What is not in the sums, and in which of them it is missing."""
    before, after = cost.unknown_before, cost.unknown_after
    both = [f"of unknown price: {clean(what)}" for what in after if what in before]
    late = [f"of unknown price afterwards: {clean(what)}" for what in after if what not in before]
    early = [f"of unknown price before: {clean(what)}" for what in before if what not in after]
    return [*both, *late, *early]


def _most_line(cost: Estimate) -> str:
    """How dear it gets when every node group is as large as it may be; empty where that is what it costs anyway."""
    more_unknown = set(cost.unknown_most) - set(cost.unknown_after)
    if cost.most_hour <= cost.hour_after and not more_unknown:
        return ""
    least = bool(cost.unknown_most)
    hour, month = _hour(cost.most_hour, least), _month(cost.most_hour, least)
    return f"with every node group at max_size: {hour} an hour, {month} a month"


def cost_text(cost: Estimate, stack: str, place: str, note: str, *, free: bool) -> str:
    """The table of `eksprov cost`."""
    lines = [f"stack {stack} ({place}), in US dollars before taxes:"]
    rows = [(row.step, row.what, *_cells(row)) for row in cost.rows]
    before, after = bool(cost.unknown_before), bool(cost.unknown_after)
    sums = ((cost.hour_before, before, 4), (cost.hour_after, after, 4), (_monthly(cost.hour_after), after, 2))
    total = ("total", "", *(_at_least(value, f"{value:.{places}f}", least) for value, least, places in sums))
    lines.append(table([*rows, total], ("step", "what", "$/h before", "$/h after", "$/month after")))
    lines.append(cost_line(cost))
    lines += [most] if (most := _most_line(cost)) else []
    lines += unknown_lines(cost)
    lines.append(f"not included: {', '.join(cost.excluded)}")
    lines += [f"prices as of {as_of}: {source}" for source, as_of in cost.sources]
    if note:
        lines.append(f"the Price List API could not be asked for every price: {clean(note)}")
    return "\n".join([*lines, LOCAL] if free else lines)


def cost_json(cost: Estimate, note: str = "", *, free: bool) -> dict[str, Any]:
    """The estimate for programs; null where a price or a quantity is unknown.

    The sums are of what is known; `at_least` says which of them lack something, and so are the least that it may be.
    """
    return {
        "currency": "USD",
        "free": free,
        "hour_before": _number(cost.hour_before),
        "hour_after": _number(cost.hour_after),
        "month_before": _number(_monthly(cost.hour_before)),
        "month_after": _number(_monthly(cost.hour_after)),
        "hour_at_max_size": _number(cost.most_hour),
        "at_least": {
            "before": bool(cost.unknown_before),
            "after": bool(cost.unknown_after),
            "max_size": bool(cost.unknown_most),
        },
        "unknown_before": list(cost.unknown_before),
        "unknown_after": list(cost.unknown_after),
        "excluded": list(cost.excluded),
        "note": note,
        "rows": [
            {
                "step": row.step,
                "what": row.what,
                "item": row.item,
                "quantity_before": _number(row.before),
                "quantity_after": _number(row.after),
                "hour_before": _number(row.hour_before),
                "hour_after": _number(row.hour_after),
                "usd": _number(row.price.usd) if row.price else None,
                "unit": row.price.unit if row.price else None,
                "as_of": row.price.as_of if row.price else None,
                "source": row.price.source if row.price else None,
            }
            for row in cost.rows
        ],
    }


def finding_text(finding: Finding) -> str:
    """One finding and its cure."""
    level = click.style(f"{finding.level}:", fg=_COLORS[finding.level], bold=True)
    text = f"{level} {finding.name}: {clean(finding.message)}"
    return f"{text}\n  cure: {clean(finding.cure)}" if finding.cure else text


def findings_text(found: Findings, stack: str, place: str) -> str:
    """All of them, worst first, and a count."""
    lines = [finding_text(finding) for finding in found.listed]
    errors, warnings = len(found.errors), len(found.of("warning"))
    silent = f", suppressed: {', '.join(found.suppressed)}" if found.suppressed else ""
    lines.append(f"stack {stack} ({place}): {plural(errors, 'error')}, {plural(warnings, 'warning')}{silent}")
    return "\n".join(lines)


def findings_json(found: Findings) -> list[dict[str, Any]]:
    """The findings for programs; `known` is false where something could not be read."""
    return [
        {"name": f.name, "level": f.level, "message": f.message, "cure": f.cure, "known": f.known} for f in found.listed
    ]


def doctor_json(found: Findings, stack: str, place: str) -> dict[str, Any]:
    """The answer of `eksprov doctor --json`."""
    return {
        "schema": SCHEMA,
        "stack": stack,
        "place": place,
        "ok": not found.errors,
        "findings": findings_json(found),
        "suppressed": list(found.suppressed),
    }


def _cells(row: Row) -> tuple[str, str, str]:
    after = row.hour_after
    return _dollars(row.hour_before), _dollars(after), "?" if after is None else f"{_monthly(after):.2f}"


def _dollars(value: Decimal | None) -> str:
    return "?" if value is None else f"{value:.4f}"


def _monthly(hour: Decimal) -> Decimal:
    from eksprov.cost.estimate import monthly

    return monthly(hour)


def _hour(hour: Decimal, least: bool) -> str:
    return _at_least(hour, f"${hour:.3f}", least)


def _month(hour: Decimal, least: bool) -> str:
    return _at_least(hour, f"${_monthly(hour):,.0f}", least)


def _at_least(value: Decimal, text: str, least: bool) -> str:
    """A sum in words: where all of it is unknown it is no number at all."""
    if not least:
        return text
    return f"at least {text}" if value else "unknown"


def _number(value: Decimal | None) -> float | None:
    return None if value is None else round(float(value), 6)
