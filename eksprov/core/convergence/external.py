"""Steps for existing resources of other people, which a stack uses and never makes, changes or deletes.

Example: the config names a VPC, subnets or an IAM role that exist already. A run checks that they exist and are fit
(`look_at`) and takes their outputs; a teardown deletes only what this stack has put into them (`leave`). They bear no
owner tag of ours, so none is checked, and no listing by tags finds them.
"""

from __future__ import annotations

from collections.abc import Iterable

from eksprov import errors
from eksprov.core.outcome import Outcome, Status
from eksprov.core.step import C, F, FoundResource, PhaseState, Step


class Part(Step[C, F]):
    """A part of another step's resource, or of the account, like a cluster's endpoint: no tags of ours mark it."""

    @classmethod
    def list_owned(cls, client: C, stack: str) -> Iterable[FoundResource]:
        """Nothing: it has no life of its own."""
        return ()


class External(Step[C, F]):
    """Another's: it is read and checked, never made, tagged, changed or deleted."""

    @classmethod
    def list_owned(cls, client: C, stack: str) -> Iterable[FoundResource]:
        """Nothing: it is not this stack's."""
        return ()

    def take_out(self, client: C, have: F) -> None:
        """Delete what this stack has put into the resource, and nothing else of it."""


def look_at(step: External[C, F], client: C) -> Outcome:
    """It is there and fit. Raises: ProvisioningError when it is not."""
    have = step.discover(client)
    if have is None:
        raise errors.ProvisioningError(
            f"{step.name}: {step.kind} {step.slug!r} does not exist here",
            "the config names something to be used as it is: correct its id, or the region",
        )
    phase = step.phase(have)
    if phase.state is not PhaseState.READY:
        raise errors.ProvisioningError(f"{step.name}: {phase.message}", "it is not this stack's, so it is not changed")
    return Outcome(step.name, Status.UNCHANGED, outputs=step.outputs(have))


def leave(step: External[C, F], client: C) -> Outcome:
    """Take out of it what this stack left in it, and nothing else."""
    have = step.discover(client, fresh=True)
    if have is not None:
        step.take_out(client, have)
    return Outcome(step.name, Status.ABSENT, message="it is not this stack's and stays as it is")
