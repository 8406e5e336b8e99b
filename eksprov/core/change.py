"""The difference between wanted and found facts, as data.

Facts are frozen dataclasses. Plain fields are compared; `field(compare=False)` marks what the outside world
assigns (an ARN, an owner); `field(metadata={"replace": True})` marks what cannot be changed in place. Found facts tell
what is. Where the config leaves a whole field to others, the wanted facts name it in `unmanaged`; where it leaves them
a part of one, the field's metadata `seen` says how what was found reads beside what is wanted.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol, runtime_checkable


class Unknown(str):
    """A value that only exists after apply; it equals nothing a resource can have."""

    __slots__ = ()


UNKNOWN: Final = Unknown("(known after apply)")
ABSENT: Final = "does not exist"  # why something is created, as the world says it; what is created says the line
NOT_RECORDED: Final = "not recorded"  # the same, as the record says it


@runtime_checkable
class LeavesToOthers(Protocol):
    """Wanted facts that name the fields which are somebody else's to set: AWS's, an autoscaler's, whoever's."""

    @property
    def unmanaged(self) -> frozenset[str]: ...


def managed(want: Any) -> tuple[dataclasses.Field[Any], ...]:
    """The fields that are compared."""
    others = want.unmanaged if isinstance(want, LeavesToOthers) else frozenset()
    return tuple(field for field in dataclasses.fields(want) if field.compare and field.name not in others)


def seen(field: dataclasses.Field[Any], want: Any, have: Any) -> Any:
    """A field's value in `have`, as it is compared with that in `want`."""
    beside: Callable[[Any, Any], Any] | None = field.metadata.get("seen")
    return getattr(have, field.name) if beside is None else beside(getattr(want, field.name), have)


def left_to_others(**others: bool) -> frozenset[str]:
    """The fields that are others' to set: `left_to_others(boundary=not self.boundary)`."""
    return frozenset(name for name, is_theirs in others.items() if is_theirs)


class Action(StrEnum):
    """What has to be done to a resource."""

    NONE = "none"
    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"


@dataclass(frozen=True)
class FieldChange:
    """One field of the facts that differs."""

    name: str  # the field's
    have: Any  # the value found
    want: Any  # the value wanted


@dataclass(frozen=True)
class Change:
    """What has to be done to a resource, and why."""

    action: Action
    fields: tuple[FieldChange, ...] = ()  # those that differ and call for it
    reason: str = ""  # in words, where fields alone do not say it; else empty

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the differing fields."""
        return tuple(field.name for field in self.fields)


NO_CHANGE: Final = Change(Action.NONE)


def diff(want: Any, have: Any | None) -> Change:
    """Say which action turns `have` into `want`; only fields with compare=True that the config manages take part."""
    if have is None:
        return Change(Action.CREATE, reason=ABSENT)
    pairs = [(field, seen(field, want, have), getattr(want, field.name)) for field in managed(want)]
    differing = [(field, found, wanted) for field, found, wanted in pairs if found != wanted]
    if not differing:
        return NO_CHANGE
    changes = tuple(FieldChange(field.name, found, wanted) for field, found, wanted in differing)
    replace = any(field.metadata.get("replace") for field, _, _ in differing)
    return Change(Action.REPLACE if replace else Action.UPDATE, changes)
