"""The difference between wanted and found facts, as data.

Facts are frozen dataclasses. Plain fields are compared; `field(compare=False)` marks what the outside world
assigns (an ARN, an owner); `field(metadata={"replace": True})` marks what cannot be changed in place.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class Unknown(str):
    """A value that only exists after apply; it equals nothing a resource can have."""

    __slots__ = ()


UNKNOWN: Final = Unknown("(known after apply)")
ABSENT: Final = "does not exist"  # why something is created, as the world says it; what is created says the line
NOT_RECORDED: Final = "not recorded"  # the same, as the record says it


class Action(StrEnum):
    """What has to be done to a resource."""

    NONE = "none"
    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"


@dataclass(frozen=True)
class FieldChange:
    """One differing field with both its values."""

    name: str
    have: Any
    want: Any


@dataclass(frozen=True)
class Change:
    """An action, the fields that call for it, and why in words where fields alone do not say it."""

    action: Action
    fields: tuple[FieldChange, ...] = ()
    reason: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the differing fields."""
        return tuple(field.name for field in self.fields)


NO_CHANGE: Final = Change(Action.NONE)


def diff(want: Any, have: Any | None) -> Change:
    """Say which action turns `have` into `want`; only fields with compare=True take part."""
    if have is None:
        return Change(Action.CREATE, reason=ABSENT)
    compared = [field for field in dataclasses.fields(want) if field.compare]
    differing = [field for field in compared if getattr(want, field.name) != getattr(have, field.name)]
    if not differing:
        return NO_CHANGE
    changes = tuple(FieldChange(f.name, getattr(have, f.name), getattr(want, f.name)) for f in differing)
    replace = any(field.metadata.get("replace") for field in differing)
    return Change(Action.REPLACE if replace else Action.UPDATE, changes)
