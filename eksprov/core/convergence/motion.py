"""What is in motion: when a wait for it ends, and what need not be waited for. Pure."""

from __future__ import annotations

from collections.abc import Callable

from eksprov.core.change import Action, diff
from eksprov.core.convergence.updates import Restless
from eksprov.core.step import C, F, Facts, Phase, PhaseState, Step


def resting(phase: Phase | None, have: Facts | None) -> bool:
    """Whether nothing goes on: it is absent, ready or failed."""
    return have is None or phase is None or phase.state in (PhaseState.READY, PhaseState.FAILED)


def changes_now(step: Step[C, F], want: F, have: F) -> bool:
    """Whether one in motion is to be deleted or changed at once: without that it may never come to rest as wanted."""
    if step.phase(have).state is not PhaseState.MOVING:
        return False
    action = diff(want, have).action
    replaced, updated = action is Action.REPLACE, action is Action.UPDATE
    return (replaced and step.traits.delete_in_motion) or (
        updated and isinstance(step, Restless) and step.open_to_change(have)
    )


def until_it_rests(step: Step[C, F], want: F) -> Callable[[Phase | None, F | None], bool]:
    """The end of a wait for one that an earlier run, or somebody else, has set in motion."""
    return lambda phase, have: have is None or resting(phase, have) or changes_now(step, want, have)
