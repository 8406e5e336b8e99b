"""Quantities times prices, before and after. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from eksprov.core.billing import BilledItem, Terms
from eksprov.core.change import Action
from eksprov.core.plan import Plan, Planned
from eksprov.cost.items import TRAFFIC, by_use, is_itemised, items_of
from eksprov.cost.table import HOURS_A_MONTH, Price
from eksprov.steps.node_groups.facts import NodeGroupFacts
from eksprov.steps.node_groups.launch_template_data import LaunchTemplateFacts

ZERO = Decimal(0)


@dataclass(frozen=True)
class Row:
    """One thing billed for a step. Dollars are None where the price, or the quantity before, is unknown."""

    step: str
    what: str
    item: str
    before: Decimal | None
    after: Decimal
    price: Price | None

    @property
    def hour_before(self) -> Decimal | None:
        """Dollars an hour before the run."""
        return self._dollars(self.before)

    @property
    def hour_after(self) -> Decimal | None:
        """Dollars an hour after it."""
        return self._dollars(self.after)

    def _dollars(self, quantity: Decimal | None) -> Decimal | None:
        if quantity == ZERO:
            return ZERO
        return None if self.price is None or quantity is None else self.price.usd_hour * quantity


@dataclass(frozen=True)
class Estimate:
    """What a stack costs: the rows, the sum with every node group at its max_size, and what no sum has.

    Every sum is of what is known, so where something is not it is the least that it may be. `unknown_most` names what
    has no price at max_size; `grows` says that an autoscaler goes there by itself.
    """

    rows: tuple[Row, ...]
    most_hour: Decimal
    excluded: tuple[str, ...]
    unknown_most: tuple[str, ...] = ()
    grows: bool = False

    @property
    def hour_before(self) -> Decimal:
        """Dollars an hour before the run, of what is known."""
        return sum((row.hour_before or ZERO for row in self.rows), ZERO)

    @property
    def hour_after(self) -> Decimal:
        """Dollars an hour after it, of what is known."""
        return sum((row.hour_after or ZERO for row in self.rows), ZERO)

    @property
    def unknown_before(self) -> tuple[str, ...]:
        """What was there before and has no known price, or of which nobody knows what it was."""
        told = (row.what if row.before is not None else "what there was" for row in self.rows)
        rows = [f"{row.step}: {what}" for row, what in zip(self.rows, told, strict=True) if row.hour_before is None]
        return tuple(dict.fromkeys(rows))

    @property
    def unknown_after(self) -> tuple[str, ...]:
        """What is there afterwards and has no known price."""
        return tuple(f"{row.step}: {row.what}" for row in self.rows if row.hour_after is None)

    @property
    def sources(self) -> tuple[tuple[str, str], ...]:
        """Where the prices come from, each with its date."""
        return tuple(sorted({(row.price.source, row.price.as_of) for row in self.rows if row.price is not None}))


def monthly(hour: Decimal) -> Decimal:
    return hour * HOURS_A_MONTH


def wanted_items(plan: Plan, terms: Terms) -> tuple[str, ...]:
    """Everything that a price is needed for, each once."""
    names: dict[str, None] = {}
    before, after = _both(plan, terms)
    for line in plan.lines:
        found = (*_items(line, line.have, before), *_items(line, line.want, after))
        names.update(dict.fromkeys(item.item for item in found))
    return tuple(name for name in names if not name.startswith("unknown."))


def estimate(plan: Plan, prices: Mapping[str, Price], terms: Terms) -> Estimate:
    """What the plan's resources cost before and after it was carried out."""
    before, after = _both(plan, terms)
    rows = tuple(row for line in plan.lines for row in _rows(line, prices, before, after))
    full = replace(after, most=True, live_sizes={})
    most = [(line.name, item) for line in plan.lines if not _goes(line) for item in _items(line, line.want, full)]
    total = sum((prices[item.item].usd_hour * item.quantity for _, item in most if item.item in prices), ZERO)
    unknown = tuple(f"{step}: {item.what}" for step, item in most if item.quantity and item.item not in prices)
    kinds = dict.fromkeys(line.kind for line in plan.lines)
    excluded = (*TRAFFIC, *filter(None, map(by_use, kinds)))
    return Estimate(rows, total, excluded, unknown, terms.autoscaled)


def _both(plan: Plan, terms: Terms) -> tuple[Terms, Terms]:
    """The terms of what is there and of what is wanted: each has launch templates of its own."""
    have = {line.name: line.have for line in plan.lines if isinstance(line.have, LaunchTemplateFacts)}
    want = {line.name: line.want for line in plan.lines if isinstance(line.want, LaunchTemplateFacts)}
    private = ("subnet/private", "existing-subnet/private")
    zones = sum(line.name.startswith(private) for line in plan.lines)
    groups = plan.of(NodeGroupFacts) if terms.autoscaled else ()
    sizes = {line.name: _within(want, have) for line, want, have in groups if have is not None and have.status}
    before, after = replace(terms, templates=have, zones=zones), replace(terms, templates=want, zones=zones)
    return before, replace(after, live_sizes=sizes)


def _within(want: NodeGroupFacts, have: NodeGroupFacts) -> int:
    """The size that an autoscaler has given a group, which a run leaves or hands on, within the config's bounds."""
    return max(want.min_size, min(have.current_size, want.max_size))


def _rows(line: Planned, prices: Mapping[str, Price], terms_before: Terms, terms_after: Terms) -> Iterable[Row]:
    if _goes(line) and line.have is None and is_itemised(line.kind):  # only recorded; what it was like is not
        yield Row(line.name, line.kind, f"unknown.{line.kind}", None, ZERO, None)
    after = {} if _goes(line) else {item.item: item for item in _items(line, line.want, terms_after)}
    known = line.have is not None or line.change.action in (Action.CREATE, Action.NONE)
    foreign = line.problem and line.change.action is Action.NONE
    before = {} if foreign else {item.item: item for item in _items(line, line.have, terms_before)}
    for name in dict.fromkeys((*before, *after)):
        was, will = before.get(name), after.get(name)
        shown = will or was
        assert shown is not None
        yield Row(
            step=line.name,
            what=shown.what,
            item=name,
            before=(was.quantity if was else ZERO) if known else None,
            after=will.quantity if will else ZERO,
            price=prices.get(name),
        )


def _items(line: Planned, facts: Any, terms: Terms) -> tuple[BilledItem, ...]:
    return () if facts is None else items_of(line.name, line.kind, facts, terms)


def _goes(line: Planned) -> bool:
    return line.change.action is Action.DELETE
