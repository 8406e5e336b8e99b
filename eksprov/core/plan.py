"""A preview: the differences between config and world, step by step, without touching anything.

Apply does not execute a plan; it decides again with fresh readings. So a plan may be read at leisure and never goes
stale in a way that does harm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from eksprov.core.change import Action, Change
from eksprov.core.converge import is_ours
from eksprov.core.displacing import displacement
from eksprov.core.executor import Node, order
from eksprov.core.replacement import Order, outgrown
from eksprov.core.step import READY, AnyStep, Outputs, Owner, State
from eksprov.core.succession import taken_over
from eksprov.core.tagging import NO_TAGS, Tags, compared


@dataclass(frozen=True)
class Planned:
    """One line of a plan: what is going to happen to a step and why; `problem` when it would be refused.

    `description` says of what is created what it is going to be; empty for everything else.
    `have` and `want` are the facts that were compared, for those who count on them (costs, quotas), or None.
    """

    name: str
    kind: str
    slug: str
    change: Change
    problem: str = ""
    description: str = field(default="", compare=False)
    have: Any | None = field(default=None, compare=False, repr=False)
    want: Any | None = field(default=None, compare=False, repr=False)

    @property
    def is_change(self) -> bool:
        """Whether something would happen, or be refused."""
        return self.change.action is not Action.NONE or bool(self.problem)


@dataclass(frozen=True)
class Plan:
    """All lines, in the order of creation, deletions last. `basis` says what was compared: "world" or "record"."""

    lines: tuple[Planned, ...]
    basis: str = "world"
    notes: tuple[str, ...] = ()

    @property
    def changes(self) -> tuple[Planned, ...]:
        """The lines on which something would happen."""
        return tuple(line for line in self.lines if line.is_change)

    @property
    def refused(self) -> bool:
        """Whether something cannot be made as it is wanted."""
        return any(line.problem for line in self.lines)

    def count(self, action: Action) -> int:
        """How many lines carry `action`."""
        return sum(line.change.action is action for line in self.lines)


def nodes(steps: Sequence[AnyStep]) -> list[Node]:
    """The graph of creation; what is needed of other runs (a model needs the cluster) is not part of it."""
    present = {step.name for step in steps}
    return [
        Node(step.name, tuple(need for need in step.needs if need in present), step.timing.create_s) for step in steps
    ]


def removal_nodes(steps: Sequence[AnyStep]) -> list[Node]:
    """The graph of removal: a step waits for all that need it, and for what it outlives."""
    present = {step.name for step in steps}
    waits: dict[str, set[str]] = {step.name: set(step.outlives) & present for step in steps}
    for step in steps:
        for need in step.needs:
            if need in present:
                waits[need].add(step.name)
    return [Node(step.name, tuple(sorted(waits[step.name])), step.timing.delete_s) for step in steps]


def preview(
    steps: Sequence[AnyStep],
    found: Mapping[str, Any | None],
    orphans: Sequence[AnyStep],
    us: Owner,
    basis: str = "world",
    notes: tuple[str, ...] = (),
    tags: Tags = NO_TAGS,
) -> Plan:
    """Compare each step with what was found of it; `orphans` exist, are ours, and are no longer wanted."""
    by_name = {step.name: step for step in steps}
    outputs = Outputs()
    lines = []
    for name in order(nodes(steps)):
        step, have = by_name[name], found.get(name)
        lines.append(
            as_created(replace(_line(step, have, outputs, us, tags), have=have, want=step.desired(outputs)), step)
        )
    gone = Change(Action.DELETE, reason="no longer in the config")
    lines = [line for line in _with_displaced(lines, by_name) if line.is_change or not by_name[line.name].silent]
    ours = (step for step in orphans if not (step.borrowed or step.part))
    lines += [Planned(step.name, step.kind, step.slug, gone, have=found.get(step.name)) for step in ours]
    return Plan(tuple(lines), basis, notes)


def as_created(line: Planned, step: AnyStep) -> Planned:
    """The line; one that creates says what, from the facts that are wanted."""
    if line.change.action is not Action.CREATE:
        return line
    return replace(line, description=step.describe(line.want))


def _with_displaced(lines: Sequence[Planned], steps: Mapping[str, AnyStep]) -> Iterator[Planned]:
    """The lines, with what has to go because something under it is made again, and with what forbids that."""
    living = {line.name for line in lines if line.have is not None}
    first = [line for line in lines if line.change.action is Action.REPLACE and not line.problem]
    roots = [line for line in first if steps[line.name].replacement.order is Order.DELETE_FIRST]
    causes = [line.name for line in roots if outgrown(line.want, line.have)]
    told = displacement(tuple(steps.values()), living, causes)
    for line in lines:
        if line.name in told.refused:
            yield replace(line, problem=f"cannot be made again: {told.refused[line.name]}")
        elif line.name in told.gone and line.change.action is Action.UPDATE:
            change = Change(Action.REPLACE, line.change.fields, f"what it is in is made again ({', '.join(causes)})")
            yield replace(line, change=change)
        else:
            yield line


def _line(step: AnyStep, have: Any | None, outputs: Outputs, us: Owner, tags: Tags) -> Planned:
    if step.borrowed and have is None:
        problem = "does not exist here, but the config names it as something to be used"
        return Planned(step.name, step.kind, step.slug, Change(Action.NONE), problem)
    if have is not None and not step.borrowed and not is_ours(have.owner, us):
        problem = "exists and is not this stack's; it would be left alone and the step would fail"
        return Planned(step.name, step.kind, step.slug, Change(Action.NONE), problem)
    phase = step.phase(have) if have is not None else READY
    if phase.state is State.LEAVING:
        have = None
    change = compared(step, step.desired(outputs), have, tags)
    replaced = change.action is Action.REPLACE and step.replacement.order is not Order.NEVER
    made_anew = replaced or (phase.state is State.FAILED and step.recreate_failed)
    if have is not None and not made_anew:
        outputs.put(step.name, step.outputs(have))
    if phase.state is State.LEAVING:
        change = Change(Action.CREATE, reason="is being deleted")
    elif phase.state is State.FAILED and step.recreate_failed:
        change = Change(Action.REPLACE, change.fields, reason=f"failed: {phase.message}")
    elif phase.state is State.FAILED:
        return Planned(step.name, step.kind, step.slug, change, problem=phase.message)
    elif change.action is Action.REPLACE and step.replacement.order is Order.NEVER:
        problem = f"cannot be changed in place: {', '.join(change.names)}; {step.replacement.why}"
        return Planned(step.name, step.kind, step.slug, change, problem=problem)
    elif change.action is Action.REPLACE:
        change = replace(change, reason=f"{step.replacement}{taken_over(step, have, tags)}")
    elif change.fields and have is not None and (why := step.refusal(step.desired(outputs), have)):
        return Planned(step.name, step.kind, step.slug, change, problem=why)
    elif change.fields and have is not None:
        change = replace(change, reason=step.consequence(step.desired(outputs), have))
    return Planned(step.name, step.kind, step.slug, change)
