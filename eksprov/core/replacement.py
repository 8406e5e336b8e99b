"""How a kind is made again when what differs cannot change in place. Pure data.

Each field of a kind's facts says by its metadata whether it forces this; the kind says in which order it goes. Where
names allow it the new resource stands and is ready before the old one goes; where an id, a range or an address can be
had only once, the old one goes first; and what holds what nobody could give back is never replaced.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from eksprov.core.change import UNKNOWN, managed


class Order(StrEnum):
    """Which comes first where a resource is replaced: the delete of the old or the create of the new."""

    NEVER = "never"
    DELETE_FIRST = "delete first"
    CREATE_FIRST = "create first"


@dataclass(frozen=True)
class Replacement:
    """How a resource is made again where what differs cannot change in place."""

    order: Order
    why: str  # with NEVER what would be lost, else what is down meanwhile

    def __str__(self) -> str:
        return f"{self.order}: {self.why}"


NOTHING_FORCES_IT: Final = Replacement(Order.NEVER, "everything of it changes in place")


def forcing(facts: Any) -> tuple[str, ...]:
    """The names of the fields that cannot change in place."""
    return tuple(field.name for field in dataclasses.fields(facts) if field.compare and field.metadata.get("replace"))


def needs_replacement(want: Any, have: Any) -> bool:
    """Whether something that differs, and is known by now, cannot change in place."""
    names = {field.name for field in managed(want)}.intersection(forcing(want))
    pairs = ((getattr(want, name), getattr(have, name)) for name in names)
    return any(UNKNOWN not in _parts(wanted) and wanted != found for wanted, found in pairs)


def _parts(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, tuple | frozenset) else (value,)
