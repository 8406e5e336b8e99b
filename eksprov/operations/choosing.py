"""Which choice of a step is the one that counts: what state and tags say of it, and what a plan reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from eksprov.aws.faults import translated
from eksprov.core.change import Action, Change, diff
from eksprov.core.convergence.alternatives import Alternatives, in_order, live_alternatives, named, serving, summary
from eksprov.core.convergence.succession import taken_over
from eksprov.core.plan import Planned
from eksprov.core.replacement import Order
from eksprov.core.step import AnyStep, PhaseState
from eksprov.core.tagging import Tags
from eksprov.operations.stack import Opened


def elsewhere(opened: Opened, step: AnyStep) -> bool:
    """Whether state or tags name a resource of the step under another name than the config's first choice."""
    record = opened.state.steps.get(step.name)
    sighted = {seen.slug for seen in opened.resources if (seen.kind, seen.owner.step) == (step.kind, step.name)}
    return bool((sighted | ({record.slug} if record is not None else set())) - {step.slug})


def back_to_first(before: Callable[[Opened], Opened]) -> Callable[[Opened], Opened]:
    """What opens a stack like `before` and asks for first choices: `--first-choice`."""
    return lambda opened: replace(before(opened), first_choice=True)


@dataclass(frozen=True)
class LiveChoices:
    """Each step as the choice that a run would begin with."""

    steps: tuple[AnyStep, ...]
    gone: tuple[Planned, ...]  # deletions of what is there and is none of these choices
    instead: Mapping[str, Any]  # what is there and is made again, as its new choice reads it, by step
    notes: tuple[str, ...]  # which steps fell back on a later choice, for people

    def over(self, line: Planned, step: AnyStep, tags: Tags) -> Planned:
        """The line of a step; a create beside something that stands is a replacement of that."""
        have = self.instead.get(line.name)
        if have is None or line.change.action is not Action.CREATE:
            return line
        why = f"{_how(step)}{taken_over(step, have, tags)}"
        change = Change(Action.REPLACE, diff(line.want, have).fields, why)
        return replace(line, change=change, have=have, description="")


def _how(step: AnyStep) -> str:
    order = step.replacement if step.replacement.order is Order.CREATE_FIRST else ""
    return str(order) or "another choice: the new one is made before the old one goes"


def live_choices(opened: Opened, steps: Sequence[AnyStep]) -> LiveChoices:
    """What stands of each step, and what a run would make of it."""
    outputs = opened.state.outputs
    taken: list[AnyStep] = []
    gone: list[Planned] = []
    notes: list[str] = []
    instead: dict[str, Any] = {}
    for step in steps:
        if not isinstance(step, Alternatives) or not opened.asks(step):
            taken.append(step)
            continue
        if len(step.alternatives) == 1 and not elsewhere(opened, step):
            taken.append(step)
            continue
        with translated(f"read {step.name}"):
            there = live_alternatives(step, opened.aws, opened.us)
            alternatives = named(step, there, opened.aws, outputs)
            record = opened.state.steps.get(step.name)
            unfinished = record.slug if record is not None and record.status != "ready" else ""
            choice = in_order(alternatives, there, unfinished, first=opened.first_choice)[0]
            taken.append(choice)
            old = serving(there, choice)
            have = replace(choice, slug=old).discover(opened.aws) if old else None
        if have is not None:
            instead[step.name] = have
        others = sorted(there.steps.keys() - {choice.slug, old if have is not None else ""})
        reason = "another choice, or one that was replaced"
        gone += [Planned(step.name, step.kind, slug, Change(Action.DELETE, reason=reason)) for slug in others]
        if (later := summary(alternatives, choice)) and there.state(choice) is PhaseState.READY:
            notes.append(f"{step.name} stands on {later}; --first-choice goes back to the first")
    return LiveChoices(tuple(taken), tuple(gone), instead, tuple(notes))
