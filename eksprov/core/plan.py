"""A preview: the differences between config and world, step by step, without touching anything.

Apply does not execute a plan; it decides again with fresh readings. So a plan may be read at leisure and never goes
stale in a way that does harm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from eksprov.core.change import NO_CHANGE, Action, Change
from eksprov.core.convergence.converge import is_ours
from eksprov.core.convergence.displacing import displacement
from eksprov.core.convergence.external import External, Part
from eksprov.core.convergence.succession import taken_over
from eksprov.core.convergence.updates import Consequential, Refusing
from eksprov.core.executor import Node, order
from eksprov.core.replacement import Order, needs_replacement
from eksprov.core.step import READY, AnyStep, Facts, Outputs, Owner, PhaseState
from eksprov.core.tagging import NO_TAGS, Tags, compared

F = TypeVar("F", bound=Facts)


@dataclass(frozen=True)
class Planned:
    """One line of a plan: what is going to happen to a step and why."""

    name: str  # the step's
    kind: str
    slug: str  # the resource's name or key
    change: Change
    problem: str = ""  # why it would be refused; empty: it would not be
    description: str = field(default="", compare=False)  # what it is going to be, when it is created; else empty
    have: Facts | None = field(default=None, compare=False, repr=False)
    """The facts found, for costs and quotas; None: none."""
    want: Facts | None = field(default=None, compare=False, repr=False)
    """The facts wanted, for costs and quotas; None: none."""

    @property
    def is_change(self) -> bool:
        """Whether something would happen, or be refused."""
        return self.change.action is not Action.NONE or bool(self.problem)


@dataclass(frozen=True)
class Plan:
    """What a run would do, line by line."""

    lines: tuple[Planned, ...]  # in the order of creation, deletions last
    basis: str = "world"  # what the config was compared with: "world" or "record"
    notes: tuple[str, ...] = ()  # for people, beside the lines

    def of(self, facts: type[F]) -> Iterator[tuple[Planned, F, F | None]]:
        """The lines that want facts of a type, each with these and with those found."""
        for line in self.lines:
            if isinstance(line.want, facts):
                yield line, line.want, line.have if isinstance(line.have, facts) else None

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


class Source(Protocol):
    """What a plan compares the config with; a step is asked about after all that it needs."""

    def line(self, step: AnyStep) -> Planned:
        """What would happen to a step, with the facts that are wanted of it."""

    def deletion(self, step: AnyStep) -> Planned:
        """The end of a step that the config no longer names."""


def preview(
    steps: Sequence[AnyStep], source: Source, orphans: Sequence[AnyStep] = (), notes: tuple[str, ...] = ()
) -> Plan:
    """Compare each step with what the source knows of it; `orphans` exist, are ours, and are no longer wanted."""
    by_name = {step.name: step for step in steps}
    lines = []
    for step in map(by_name.__getitem__, order(nodes(steps))):
        line = source.line(step)
        created = line.change.action is Action.CREATE
        lines.append(replace(line, description=step.describe(line.want)) if created else line)
    lines = [line for line in _with_displaced(lines, by_name) if line.is_change or not by_name[line.name].traits.silent]
    lines += [source.deletion(step) for step in orphans if not isinstance(step, External | Part)]
    return Plan(tuple(lines), notes=notes)


def _with_displaced(lines: Sequence[Planned], steps: Mapping[str, AnyStep]) -> Iterator[Planned]:
    """The lines, with what has to go because something under it is made again, and with what forbids that."""
    living = {line.name for line in lines if line.have is not None}
    first = [line for line in lines if line.change.action is Action.REPLACE and not line.problem]
    roots = [line for line in first if steps[line.name].replacement.order is Order.DELETE_FIRST]
    causes = [line.name for line in roots if needs_replacement(line.want, line.have)]
    told = displacement(tuple(steps.values()), living, causes)
    for line in lines:
        if line.name in told.refused:
            yield replace(line, problem=f"cannot be made again: {told.refused[line.name]}")
        elif line.name in told.gone and line.change.action is Action.UPDATE:
            change = Change(Action.REPLACE, line.change.fields, f"what it is in is made again ({', '.join(causes)})")
            yield replace(line, change=change)
        else:
            yield line


@dataclass(frozen=True)
class World:
    """What was read of the steps' resources."""

    found: Mapping[str, Facts | None]  # by the steps' names; None: absent
    us: Owner  # the stack that plans
    tags: Tags = NO_TAGS  # the config's, which every resource bears
    outputs: Outputs = field(default_factory=Outputs)  # of the steps that were not read

    def line(self, step: AnyStep) -> Planned:
        """As a run would decide; what the step makes known is known from here on, unless it is made anew."""
        have = self.found.get(step.name)
        want = step.desired(self.outputs)
        change, problem = self._judged(step, want, have)
        return Planned(step.name, step.kind, step.slug, change, problem, have=have, want=want)

    def deletion(self, step: AnyStep) -> Planned:
        gone = Change(Action.DELETE, reason="no longer in the config")
        return Planned(step.name, step.kind, step.slug, gone, have=self.found.get(step.name))

    def _judged(self, step: AnyStep, want: Facts, have: Facts | None) -> tuple[Change, str]:
        """What is to be done, and why it would be refused."""
        if isinstance(step, External) and have is None:
            return NO_CHANGE, "does not exist here, but the config names it as something to be used"
        if have is not None and not isinstance(step, External) and not is_ours(have.owner, self.us):
            return NO_CHANGE, "exists and is not this stack's; it would be left alone and the step would fail"
        phase = step.phase(have) if have is not None else READY
        if phase.state is PhaseState.LEAVING:
            have = None
        change = compared(step, want, have, self.tags)
        replaced = change.action is Action.REPLACE and step.replacement.order is not Order.NEVER
        made_anew = replaced or (phase.state is PhaseState.FAILED and step.traits.recreate_failed)
        if have is not None and not made_anew:
            self.outputs.put(step.name, step.outputs(have))
        if phase.state is PhaseState.LEAVING:
            return Change(Action.CREATE, reason="is being deleted"), ""
        if phase.state is PhaseState.FAILED and step.traits.recreate_failed:
            return Change(Action.REPLACE, change.fields, reason=f"failed: {phase.message}"), ""
        if phase.state is PhaseState.FAILED:
            return change, phase.message
        if change.action is Action.REPLACE and not replaced:
            return change, f"cannot be changed in place: {', '.join(change.names)}; {step.replacement.why}"
        if replaced:
            return replace(change, reason=f"{step.replacement}{taken_over(step, have, self.tags)}"), ""
        if not change.fields or have is None:
            return change, ""
        if isinstance(step, Refusing) and (why := step.refusal(want, have)):
            return change, why
        return (replace(change, reason=step.consequence(want, have)) if isinstance(step, Consequential) else change), ""
