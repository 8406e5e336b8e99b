"""What else has to be deleted when a resource is deleted and made again, or why it cannot be. Pure.

Example: a subnet gets another range. EC2 cannot change it in place, so the subnet is deleted first and made again; a
NAT gateway in it has to go before it. Which other steps depend on the resource is found by computing their wanted facts
twice, once with its outputs and once with these UNKNOWN: a field that differs depends on it (`lost`). By that field:

- it cannot change in place ("replaced"): the dependent is deleted too, and made again afterwards;
- it can change in place ("moved"): the dependent stays and is updated afterwards, unless it keeps AWS from deleting the
  resource for as long as it is there (`Traits.holding`): then it is deleted too;
- it is only given at the creation and never compared ("kept"), or the dependent may not be made again
  (`Replacement`): the resource cannot be replaced, and the message says because of which step.

What depends on a step that is deleted too is looked at in the same way.
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
    """Outputs that know every value of every step, except those of the steps in `gone`, which are UNKNOWN."""

    def __init__(self, gone: Collection[str]) -> None:
        super().__init__()
        self._gone = gone

    def get(self, step: str, key: str) -> str:
        return UNKNOWN if step in self._gone else key


@dataclass(frozen=True)
class Displacement:
    """What has to be removed so that something can be made again in its place."""

    gone: frozenset[str] = frozenset()  # names of the steps to be removed before anything is made
    refused: Mapping[str, str] = dataclasses.field(default_factory=dict)  # why a step cannot be made again, by its name


def displacement(steps: Sequence[AnyStep], living: Collection[str], roots: Iterable[str]) -> Displacement:
    """What has to be deleted with the steps `roots`, which are deleted before they are made again.

    `living` names the steps whose resources exist: only these can depend on anything.
    """
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
    """The step's fields that depend on outputs of the steps in `gone`, each as "replaced", "moved" or "kept"."""
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
