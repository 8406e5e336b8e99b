"""What is in motion: when a wait for it ends, and what need not be waited for. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eksprov.core.change import Action, diff
from eksprov.core.step import AnyStep, Phase, State


def resting(phase: Phase | None, have: Any | None) -> bool:
    """Whether nothing goes on: it is absent, ready or failed."""
    return have is None or phase is None or phase.state in (State.READY, State.FAILED)


def changes_now(step: AnyStep, want: Any, have: Any) -> bool:
    """Whether one in motion is to be deleted or changed at once: without that it may never come to rest as wanted."""
    if step.phase(have).state is not State.MOVING:
        return False
    action = diff(want, have).action
    replaced, updated = action is Action.REPLACE, action is Action.UPDATE
    return (replaced and step.delete_in_motion) or (updated and step.open_to_change(have))


def until_it_rests(step: AnyStep, want: Any) -> Callable[[Phase | None, Any | None], bool]:
    """The end of a wait for one that an earlier run, or somebody else, has set in motion."""
    return lambda phase, have: resting(phase, have) or changes_now(step, want, have)
