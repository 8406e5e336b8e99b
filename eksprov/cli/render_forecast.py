"""Costs and findings as text and as JSON. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from eksprov.cli.render import SCHEMA, table
from eksprov.cli.words import clean, plural

if TYPE_CHECKING:
    from eksprov.cost.estimate import Estimate, Row
    from eksprov.operations.costs import Forecast
    from eksprov.preflight.findings import Finding, Findings

_COLORS = {"error": "red", "warning": "yellow", "info": "blue"}
LOCAL = "this is what it would cost on AWS; the local world is free"


def forecast_text(found: Forecast, *, free: bool) -> str:
    """The lines below a plan: what it costs, and what was found; empty where there is nothing to say."""
    lines = [finding_text(finding) for finding in found.findings.of("error", "warning")]
    if found.cost.rows:
        lines.append(cost_line(found.cost) + (f"; {LOCAL}" if free else ""))
    return "\n".join(lines)


def cost_line(cost: Estimate) -> str:
    """ "cost: $0.000 -> $0.352 an hour, $0 -> $257 a month, and 2 of unknown price"."""
    hours = f"${cost.hour_before:.3f} -> ${cost.hour_after:.3f} an hour"
    months = f"{_month(cost.hour_before)} -> {_month(cost.hour_after)} a month"
    return f"cost: {hours}, {months}{_unknown(cost)}"


def cost_text(cost: Estimate, stack: str, place: str, note: str, *, free: bool) -> str:
    """The table of `eksprov cost`."""
    lines = [f"stack {stack} ({place}), in US dollars before taxes:"]
    rows = [(row.step, row.what, *_cells(row)) for row in cost.rows]
    total = ("total", "", f"{cost.hour_before:.4f}", f"{cost.hour_after:.4f}", f"{_monthly(cost.hour_after):.2f}")
    lines.append(table([*rows, total], ("step", "what", "$/h before", "$/h after", "$/month after")))
    lines.append(cost_line(cost))
    if cost.most_hour > cost.hour_after:
        most = f"${cost.most_hour:.3f} an hour, {_month(cost.most_hour)} a month"
        lines.append(f"with every node group at max_size: {most}")
    lines += [f"unknown: {clean(what)}" for what in cost.unknown_after]
    lines.append(f"not included: {', '.join(cost.excluded)}")
    lines += [f"prices as of {as_of}: {source}" for source, as_of in cost.sources]
    if note:
        lines.append(f"the Price List API could not be asked for every price: {clean(note)}")
    return "\n".join([*lines, LOCAL] if free else lines)


def cost_json(cost: Estimate, note: str = "", *, free: bool) -> dict[str, Any]:
    """The estimate for programs; null where a price or a quantity is unknown."""
    return {
        "currency": "USD",
        "free": free,
        "hour_before": _number(cost.hour_before),
        "hour_after": _number(cost.hour_after),
        "month_before": _number(_monthly(cost.hour_before)),
        "month_after": _number(_monthly(cost.hour_after)),
        "hour_at_max_size": _number(cost.most_hour),
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


def _unknown(cost: Estimate) -> str:
    parts = [
        f"{len(names)} of unknown price {when}"
        for names, when in ((cost.unknown_before, "before"), (cost.unknown_after, "after"))
        if names
    ]
    return f", plus {' and '.join(parts)}" if parts else ""


def _monthly(hour: Decimal) -> Decimal:
    from eksprov.cost.estimate import monthly

    return monthly(hour)


def _month(hour: Decimal) -> str:
    return f"${_monthly(hour):,.0f}"


def _number(value: Decimal | None) -> float | None:
    return None if value is None else round(float(value), 6)
