"""The contract of a step: one resource, in AWS or Kubernetes, that can say what is and what should be.

A step is a frozen value made from the config alone. It *discovers* facts (None means absent), *desires* facts,
and knows how to create, update and delete. It never decides and never waits: `converge` does both, the same way
for every kind. Every field of a step but `name` and `slug` has a default, so that a record of the state file
(`kind`, `name`, `slug`) is enough to find and delete a resource that has left the config.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

from eksprov.core.change import UNKNOWN
from eksprov.core.replacement import NOTHING_FORCES_IT, Replacement
from eksprov.core.traits import Traits

HERE = "here"  # the region of what only one region, or one cluster, can have answered with


@dataclass(frozen=True)
class Owner:
    """Who made a resource, as its tags say: the stack's name and id, the step's name, the stack's region; all tags.

    Two stacks may share a name in two regions of an account, so a name alone says nothing of what belongs to an
    account. `region` is HERE where the resource cannot be another region's, and "" where nobody can tell.
    """

    stack: str
    stack_id: str
    step: str = ""
    tags: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    region: str = ""


class State(StrEnum):
    """Where a found resource is in its life."""

    READY = "ready"
    MOVING = "moving"
    LEAVING = "leaving"
    FAILED = "failed"


@dataclass(frozen=True)
class Phase:
    """A state and, unless ready, what is going on in a line a user understands."""

    state: State
    message: str = ""
    scarce: bool = False  # AWS has no capacity for it as it was asked for: another choice may do


READY = Phase(State.READY)


@dataclass(frozen=True)
class Timing:
    """How long a kind takes, in seconds of real AWS: expected for create and delete, and the deadline of each.

    `update_limit_s` is the deadline of an update, where that is another than a creation's.

    Expected values order the work (longest pole first) and pace the polling; they never fail anything.
    """

    create_s: float = 1.0
    delete_s: float = 1.0
    create_limit_s: float = 300.0
    delete_limit_s: float = 1200.0
    update_limit_s: float = 0.0


@dataclass(frozen=True)
class Sighting:
    """A live resource found by its tags alone, without config or state."""

    kind: str
    slug: str
    identity: str  # ARN or id, for people
    owner: Owner


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
        """Forget a step's values."""
        self._known.pop(step, None)

    def of(self, step: str) -> dict[str, str]:
        """All known values of a step."""
        return dict(self._known.get(step, {}))


class Facts(Protocol):
    """What every kind's facts have: the owner its tags name (None: a stranger's)."""

    @property
    def owner(self) -> Owner | None: ...


C = TypeVar("C")  # the client a kind talks to: Aws or KubeApi
F = TypeVar("F", bound=Facts)


@dataclass(frozen=True, kw_only=True)
class Step(ABC, Generic[C, F]):
    """One resource.

    `name` is unique in the stack ("subnet/private-1"); `slug` is its physical name or key, enough to find it again;
    `needs` names the steps that must be done first; `outlives` names steps that must be gone before this one is
    removed, beside those that need it (an access entry outlives the node groups); `awaits` names steps that it begins
    without but cannot become ready without (an add-on awaits nodes): once all of them have failed, waiting is over.
    """

    kind: ClassVar[str]
    traits: ClassVar[Traits] = Traits()
    world: ClassVar[Literal["aws", "kube"]] = "aws"
    timing: ClassVar[Timing] = Timing()
    recreate_failed: ClassVar[bool] = False  # a FAILED one of ours is deleted and made again
    recognised: ClassVar[bool] = True  # AWS knows a second create for the first, by name or token; else it is journaled
    named: ClassVar[bool] = True  # AWS refuses a second one of the same name, so a create may safely get a new token
    holding: ClassVar[bool] = False  # what it is in cannot be deleted before it, even where it could be moved elsewhere
    part: ClassVar[bool] = False  # of another step's resource, or of the account: never deleted by itself
    silent: ClassVar[bool] = False  # somebody else's to make: told of only where there is something to mend
    borrowed: ClassVar[bool] = False  # another's: read and checked, never made, tagged, changed or deleted
    inside: ClassVar[bool] = False  # in the stack's cluster: asked for only where that is not a stranger's
    piecewise: ClassVar[bool] = False  # many things that go one after another: `delete` is called until none is left
    recorded: ClassVar[bool] = True  # the state keeps a record of it
    tags_at: ClassVar[tuple[str, str] | None] = None  # who keeps the config's tags: the service, the output it goes by
    delete_in_motion: ClassVar[bool] = False  # a MOVING one is deleted at once: it may never come to rest

    name: str
    slug: str
    needs: tuple[str, ...] = ()
    outlives: tuple[str, ...] = ()
    awaits: tuple[str, ...] = ()

    @abstractmethod
    def desired(self, outputs: Outputs) -> F:
        """The facts that should be; values of steps not done yet are UNKNOWN."""

    @abstractmethod
    def discover(self, client: C, *, fresh: bool = False) -> F | None:
        """The facts that are, or None. `fresh` asks the world again; otherwise a shared listing may answer."""

    @abstractmethod
    def create(self, client: C, want: F, token: str) -> dict[str, str]:
        """Send the create; return the outputs already known (ids, ARNs), to be recorded before any wait.

        `token` is 64 hex digits, the same for every attempt at this incarnation of the resource.
        """

    def update(self, client: C, want: F, have: F, fields: tuple[str, ...]) -> str | None:
        """Send what changes `fields` from `have` to `want`, or a first part of it; called again for the rest.

        Return the id under which the world goes on with it, where it has one and may fail later: see `why_failed`.
        """
        # Not abstract: kinds whose facts never differ, or only force a replacement, have nothing to send.
        raise NotImplementedError(f"{self.kind} has no field that changes in place")

    @abstractmethod
    def delete(self, client: C, have: F) -> None:
        """Send the delete; absence is not an error. Of a borrowed one: take out only what this stack left in it."""

    @abstractmethod
    def outputs(self, have: F) -> dict[str, str]:
        """What other steps and the user want to know of the resource."""

    def phase(self, have: F) -> Phase:
        """Whether the resource is ready, in motion, leaving or failed."""
        return READY

    def describe(self, want: F) -> str:
        """What is going to be created, in a few words and from its facts: "10.0.0.0/16"; for the plan."""
        # Every kind that can be created says more than this; a test goes through all of them.
        return self.slug

    @property
    def choices(self) -> tuple[Step[C, F], ...]:
        """The ways in which the resource may be had, best first, each with a slug of its own; the first is this."""
        return (self,)

    @property
    def replacement(self) -> Replacement:
        """How it is made again where what differs cannot change in place; each kind with such fields says it."""
        return NOTHING_FORCES_IT

    @property
    def renewed(self) -> Step[C, F]:
        """With CREATE_FIRST: this step under a second name, for a resource that stands beside the one it replaces."""
        # Asked only of a kind that says CREATE_FIRST; another that is asked is a bug, and must not get a wrong name.
        raise NotImplementedError(f"{self.kind} has no second name")

    def succeeding(self, have: F) -> Step[C, F]:
        """This step as the successor of `have`: with the live values that another program owns, within its bounds."""
        return self

    @property
    def label(self) -> str:
        """What tells this choice from the others, in a few words."""
        return self.slug

    def siblings(self, client: C, *, fresh: bool = False) -> tuple[Step[C, F], ...]:
        """Every live resource that may be this step's, whatever choice it is; its owner tag says whether it is."""
        return ()

    def give_up(self, client: C, have: F) -> bool:
        """Send the delete of a choice that is not wanted any more, once; False when AWS refuses it for now."""
        self.delete(client, have)
        return True

    def update_limit_s(self, want: F, have: F) -> float:
        """How long the change of `have` into `want` may take until waiting for it ends, in seconds."""
        return self.timing.update_limit_s or self.timing.create_limit_s

    def open_to_change(self, have: F) -> bool:
        """Whether a MOVING one takes an update, without which it may never come to rest."""
        return False

    def why_failed(self, client: C, update: str) -> str:
        """Why the update of this id ended without effect, as the world says it; empty where it has not failed."""
        return ""

    def refusal(self, want: F, have: F) -> str:
        """Why this change would be refused though its fields change in place (a one-way switch); empty if not."""
        return ""

    def consequence(self, want: F, have: F) -> str:
        """What else this change brings about, for the plan; empty for most."""
        return ""

    def blockers(self, client: C, have: F) -> tuple[str, ...]:
        """What keeps the resource from being deleted, named for people."""
        return ()

    def protection(self, have: F) -> str:
        """Why AWS would refuse to delete the resource, asked before a teardown begins; empty when it would not."""
        return ""

    @classmethod
    @abstractmethod
    def survey(cls, client: C, stack: str) -> Iterable[Sighting]:
        """Every live resource of this kind whose tags name `stack`; read from the world, never from the state."""

    @classmethod
    def revive(cls, name: str, slug: str, **more: Any) -> Step[C, F]:
        """The step of a record, enough to discover and delete."""
        return cls(name=name, slug=slug, **more)


AnyStep = Step[Any, Any]  # of whatever client and facts
