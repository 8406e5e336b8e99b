"""The contract of a step: one resource, in AWS or Kubernetes, that can say what is and what should be.

A step is a frozen value made from the config alone. It *discovers* facts (None means absent), *desires* facts,
and knows how to create, update and delete. It never decides and never waits: `converge` does both, the same way
for every kind. Every field of a step but `name` and `slug` has a default, so that a record of the state file
(`kind`, `name`, `slug`) is enough to find and delete a resource that has left the config.

This is what every kind needs. What some kinds can do beside it (be had in several ways, say what holds them, …) are
classes and protocols that stand with the algorithm that asks for them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeVar

from eksprov.core.billing import Billing
from eksprov.core.replacement import NOTHING_FORCES_IT, Replacement
from eksprov.core.resource import HERE, READY, Facts, FoundResource, Outputs, Owner, Phase, PhaseState, Timing, Traits

__all__ = ["HERE", "READY", "AnyStep", "C", "F", "Facts", "FoundResource", "Outputs", "Owner", "Phase", "PhaseState"]
__all__ += ["Step", "Timing", "Traits"]


C = TypeVar("C")  # the client a kind talks to: Aws or KubeApi
F = TypeVar("F", bound=Facts)


@dataclass(frozen=True, kw_only=True)
class Step(ABC, Generic[C, F]):
    """One resource, made from the config alone."""

    kind: ClassVar[str]  # like "node-group"; unique among all kinds
    billing: ClassVar[Billing | None] = None  # None: nobody has said what it costs, and that is told
    world: ClassVar[Literal["aws", "kube"]] = "aws"  # who is asked for it: AWS, or the cluster's API server
    timing: ClassVar[Timing] = Timing()  # how long it takes, and the deadlines
    traits: ClassVar[Traits] = Traits()  # what the algorithms ask of the kind, yes or no

    name: str  # unique in the stack, like "subnet/private-1"
    slug: str  # its physical name or key, enough to find it again
    needs: tuple[str, ...] = ()  # names of the steps that must be done first
    outlives: tuple[str, ...] = ()
    """Steps that must be gone before it, beside those that need it: an access entry outlives node groups."""
    awaits: tuple[str, ...] = ()
    """Steps it begins without but needs to be ready, as an add-on nodes; once all have failed, its wait is over."""

    @abstractmethod
    def desired(self, outputs: Outputs) -> F:
        """The facts that should be; values of steps not done yet are UNKNOWN."""

    @abstractmethod
    def discover(self, client: C, *, fresh: bool = False) -> F | None:
        """The facts that are, or None. `fresh` asks the world again; otherwise a shared listing may answer."""

    # The three calls are not abstract: a kind leaves out what never comes. A law over all kinds says who may.
    def create(self, client: C, want: F, token: str) -> dict[str, str]:
        """Send the create; return the outputs already known (ids, ARNs), to be recorded before any wait.

        `token` is 64 hex digits, the same for every attempt at this incarnation of the resource.
        """
        return {}

    def update(self, client: C, want: F, have: F, fields: tuple[str, ...]) -> str | None:
        """Send what changes `fields` from `have` to `want`, or a first part of it; called again for the rest.

        Return the id under which the world goes on with it, where it has one and may fail later: see `Followed`.
        """
        return None

    def delete(self, client: C, have: F) -> None:
        """Send the delete; absence is not an error."""

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
    def replacement(self) -> Replacement:
        """How it is made again where what differs cannot change in place; each kind with such fields says it."""
        return NOTHING_FORCES_IT

    @classmethod
    @abstractmethod
    def list_owned(cls, client: C, stack: str) -> Iterable[FoundResource]:
        """Every live resource of this kind whose tags name `stack`; read from the world, never from the state."""

    @classmethod
    def from_record(cls, name: str, slug: str, **more: Any) -> Step[C, F]:
        """The step of a record, enough to discover and delete."""
        return cls(name=name, slug=slug, **more)


AnyStep = Step[Any, Any]  # of whatever client and facts
