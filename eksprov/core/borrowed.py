"""What belongs to somebody else and is only used: it is looked at, and it stays.

A borrowed step makes nothing, so it has no owner of ours to check; whatever it names must be there already.
"""

from __future__ import annotations

from typing import Any

from eksprov import errors
from eksprov.core.outcome import Outcome, Status
from eksprov.core.step import AnyStep, State


def look_at(step: AnyStep, client: Any) -> Outcome:
    """It is there and fit. Raises: ProvisioningError when it is not."""
    have = step.discover(client)
    if have is None:
        raise errors.ProvisioningError(
            f"{step.name}: {step.kind} {step.slug!r} does not exist here",
            "the config names something to be used as it is: correct its id, or the region",
        )
    phase = step.phase(have)
    if phase.state is not State.READY:
        raise errors.ProvisioningError(f"{step.name}: {phase.message}", "it is not this stack's, so it is not changed")
    return Outcome(step.name, Status.UNCHANGED, outputs=step.outputs(have))


def leave(step: AnyStep, client: Any) -> Outcome:
    """Take out of it what this stack left in it, and nothing else; a part of something goes with the whole."""
    if step.part:
        return Outcome(step.name, Status.ABSENT)
    have = step.discover(client, fresh=True)
    if have is not None:
        step.delete(client, have)
    return Outcome(step.name, Status.ABSENT, message="it is not this stack's and stays as it is")
