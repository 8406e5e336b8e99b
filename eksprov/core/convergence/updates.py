"""How a change in place may go, as those kinds say it for which it is more than one call that is done at once."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from eksprov.core.step import AnyStep, Facts


@runtime_checkable
class Refusing(Protocol):
    def refusal(self, want: Facts, have: Facts) -> str:
        """Why this change would be refused though its fields change in place (a one-way switch); empty if not."""


@runtime_checkable
class Consequential(Protocol):
    def consequence(self, want: Facts, have: Facts) -> str:
        """What else this change brings about, for the plan; empty for most."""


@runtime_checkable
class Paced(Protocol):
    def update_limit_s(self, want: Facts, have: Facts) -> float:
        """How long the change of `have` into `want` may take until waiting for it ends, in seconds."""


@runtime_checkable
class Restless(Protocol):
    def open_to_change(self, have: Facts) -> bool:
        """Whether a MOVING one takes an update, without which it may never come to rest."""


@runtime_checkable
class Followed(Protocol):
    def why_failed(self, client: object, update: str) -> str:
        """Why the update of this id ended without effect, as the world says it; empty where it has not failed."""


def update_limit_s(step: AnyStep, want: Facts, have: Facts) -> float:
    """How long a change may take, in seconds: as long as its kind says, else as its timing."""
    if isinstance(step, Paced):
        return step.update_limit_s(want, have)
    return step.timing.update_limit_s or step.timing.create_limit_s
