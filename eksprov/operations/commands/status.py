"""Every step of a stack: as it is recorded, and as it is now where the world is asked."""

from __future__ import annotations

from dataclasses import dataclass

from eksprov.core.step import AnyStep
from eksprov.operations.commands.models import states
from eksprov.operations.stack import Opened
from eksprov.state.record import State


@dataclass(frozen=True)
class StepStatus:
    """A step as recorded, and as it is now."""

    name: str
    kind: str
    slug: str  # the resource's name or key
    recorded: str  # status in the record; "not recorded": there is none
    changed_at: str  # ISO 8601, UTC; empty: not recorded
    error: str  # of the last run; empty: none
    live: str = ""  # as the world says now; empty: it was not asked


def statuses(opened: Opened) -> tuple[StepStatus, ...]:
    """Every recorded step; the cluster, the node groups and the models as they are now."""
    live = {step.name: _live(step, opened) for step in opened.steps if step.traits.watched} | states(opened)
    kept = (step.name for step in opened.steps if step.traits.recorded)
    names = dict.fromkeys((*kept, *opened.state.steps))
    by_name = {step.name: step for step in opened.steps}
    return tuple(_status(name, by_name.get(name), opened.state, live.get(name, "")) for name in names)


def _live(step: AnyStep, opened: Opened) -> str:
    if step is opened.cluster and opened.strange_cluster:
        return "not this stack's"
    have = opened.read(step, fresh=True)
    if have is None:
        return "absent"
    phase = step.phase(have)
    return f"{phase.state.value}: {phase.message}" if phase.message else phase.state.value


def _status(name: str, step: AnyStep | None, state: State, live: str) -> StepStatus:
    record = state.steps.get(name)
    if record is None:
        assert step is not None
        return StepStatus(name, step.kind, step.slug, "not recorded", "", "", live)
    return StepStatus(name, record.kind, record.slug, record.status, record.changed_at, record.error, live)
