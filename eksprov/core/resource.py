"""What is said of a resource and of its kind: whose it is, where it is in its life, how long it takes, what it makes
known. `core.step` hands all of it on, so a kind imports one module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from eksprov.core.change import UNKNOWN

HERE = "here"  # the region of what only one region, or one cluster, can have answered with


@dataclass(frozen=True)
class Owner:
    """Who made a resource, as its tags say.

    Two stacks may share a name in two regions of an account, so a name alone says nothing of what belongs to an
    account.
    """

    stack: str  # the stack's name
    stack_id: str  # the stack's random id; empty: its tags name none
    step: str = ""  # the name of its step; empty: its tags name none
    tags: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)  # all tags that it bears
    region: str = ""  # the stack's; HERE: it can be no other region's; empty: nobody can tell


class PhaseState(StrEnum):
    """Where a found resource is in its life."""

    READY = "ready"
    MOVING = "moving"
    LEAVING = "leaving"
    FAILED = "failed"


@dataclass(frozen=True)
class Phase:
    """Where a resource is in its life."""

    state: PhaseState
    message: str = ""
    scarce: bool = False  # AWS has no capacity for it as it was asked for: another choice may do


READY = Phase(PhaseState.READY)


@dataclass(frozen=True)
class FoundResource:
    """A live resource found by its tags alone, without config or state."""

    kind: str
    slug: str
    identity: str  # ARN or id, for people
    owner: Owner


class Facts(Protocol):
    """What every kind's facts are, a frozen dataclass, and have: the owner its tags name (None: a stranger's)."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def owner(self) -> Owner | None: ...


class Outputs:
    """What finished steps made known, by step name; asking for what is not there yet gives UNKNOWN."""

    def __init__(self, known: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self._known = {name: dict(values) for name, values in (known or {}).items()}

    def get(self, step: str, key: str) -> str:
        """The value `key` of `step`, or UNKNOWN."""
        return self._known.get(step, {}).get(key, UNKNOWN)

    def put(self, step: str, values: Mapping[str, str]) -> None:
        """Make a step's values known to the steps that need it."""
        self._known[step] = dict(values)

    def drop(self, step: str) -> None:
        self._known.pop(step, None)

    def of(self, step: str) -> dict[str, str]:
        """All known values of a step."""
        return dict(self._known.get(step, {}))


@dataclass(frozen=True)
class Timing:
    """How long a kind takes, in seconds of real AWS: what is expected, and the deadlines.

    Expected values order the work (the critical path first) and pace the polling; they never fail anything.
    """

    create_s: float = 1.0  # expected of a create
    delete_s: float = 1.0  # expected of a delete
    create_limit_s: float = 300.0  # deadline of a create
    delete_limit_s: float = 1200.0  # deadline of a delete
    update_limit_s: float = 0.0  # deadline of an update; 0: that of a create


@dataclass(frozen=True, kw_only=True)
class Traits:
    """What the algorithms ask of a kind, yes or no."""

    recreate_failed: bool = False  # a FAILED one of ours is deleted and made again
    delete_in_motion: bool = False  # a MOVING one is deleted at once: it may never come to rest
    recognised: bool = True  # AWS knows a second create for the first, by name or token; else it is journaled
    named: bool = True  # AWS refuses a second one of the same name, so a create may safely get a new token
    holding: bool = False  # what it is in cannot be deleted before it, even where it could be moved elsewhere
    inside: bool = False  # in the stack's cluster: asked for only where that is not a stranger's
    silent: bool = False  # somebody else's to make: told of only where there is something to mend
    recorded: bool = True  # the state keeps a record of it
    tags_at: tuple[str, str] | None = None  # who keeps the config's tags: the service, the output it goes by
    limited: bool = False  # AWS has a quota for it: preflight reads how many there are, and counts those that come
    by_name: bool = False  # another's may have its name: preflight looks before it is made
    watched: bool = False  # `status` asks the world about it
    serves_workloads: bool = False  # a teardown keeps it until the workloads are gone
    network: bool = False  # what controllers leave behind lies in it: a teardown takes it after that
