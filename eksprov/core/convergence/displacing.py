"""What has to go before a resource can be made again in its place, and why that may be impossible. Pure.

A resource that goes first takes with it what stands in it. Which steps that are, their wanted facts say: those that
would lose a value when the resource were unknown. One that gets the value by a field which cannot change goes, and is
made again after it; one that can be moved is moved later, unless it holds what it is in (`Traits.holding`). One that
keeps for ever what it was made with, or may not be made again, makes the replacement impossible.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eksprov.core.change import UNKNOWN
from eksprov.core.replacement import Order
from eksprov.core.step import AnyStep, Outputs


class _AllBut(Outputs):
    """Every value of every step is known, but those of some."""

    def __init__(self, gone: Collection[str]) -> None:
        super().__init__()
        self._gone = gone

    def get(self, step: str, key: str) -> str:
        return UNKNOWN if step in self._gone else key


@dataclass(frozen=True)
class Displacement:
    """`gone` are the steps that have to be removed before anything is made; `refused` says why, by step."""

    gone: frozenset[str] = frozenset()
    refused: Mapping[str, str] = dataclasses.field(default_factory=dict)


def displacement(steps: Sequence[AnyStep], living: Collection[str], roots: Iterable[str]) -> Displacement:
    """For the `roots`, which go before they are made again: what goes with them. Only `living` steps hold anything."""
    gone, refused = set[str](), dict[str, str]()
    for root in roots:
        with_it, why = _closure(steps, living, root)
        if why:
            refused[root] = why
        elif len(with_it) > 1:
            gone |= with_it
    return Displacement(frozenset(gone), refused)


def _closure(steps: Sequence[AnyStep], living: Collection[str], root: str) -> tuple[set[str], str]:
    gone, grown = {root}, True
    while grown:
        grown = False
        for step in (step for step in steps if step.name in living and step.name not in gone):
            losing = lost(step, gone)
            if not losing:
                continue
            fixed = {name: how for name, how in losing.items() if how != "moved"}
            if not fixed and not step.traits.holding:
                continue
            replaced = step.traits.holding or step.replacement.order is Order.DELETE_FIRST
            if "kept" in fixed.values() or not replaced:
                return gone, f"{step.name} stands on it, and {_never(step, fixed)}"
            gone.add(step.name)
            grown = True
    return gone, ""


def lost(step: AnyStep, gone: Collection[str]) -> dict[str, str]:
    """The fields that depend on steps that go: "replaced" where it cannot change, "moved" where it can, else "kept"."""
    before, after = step.desired(_AllBut(())), step.desired(_AllBut(gone))
    fields = dataclasses.fields(before)
    return {field.name: _how(field) for field in fields if getattr(before, field.name) != getattr(after, field.name)}


def _how(field: dataclasses.Field[Any]) -> str:
    if not field.compare:
        return "kept"
    return "replaced" if field.metadata.get("replace") else "moved"


def _never(step: AnyStep, fixed: Mapping[str, str]) -> str:
    kept = [name for name, how in fixed.items() if how == "kept"]
    return f"keeps the {', '.join(kept)} that it was made with" if kept else step.replacement.why
