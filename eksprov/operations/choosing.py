"""Which choice of a step is the one that counts: what a run knows of it from the state, and what a plan reads."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from dataclasses import replace
from typing import Any

from eksprov.aws.faults import translated
from eksprov.core.alternatives import in_order, named, standing, summary
from eksprov.core.change import Action, Change
from eksprov.core.choosing import Choosing
from eksprov.core.plan import Planned
from eksprov.core.step import Outputs, State, Step
from eksprov.operations.stack import Opened

AnyStep = Step[Any, Any]


def elsewhere(opened: Opened, step: AnyStep) -> bool:
    """Whether state or tags name a resource of the step under another name than the config's first choice."""
    record = opened.state.steps.get(step.name)
    sighted = {seen.slug for seen in opened.sightings if (seen.kind, seen.owner.step) == (step.kind, step.name)}
    return bool((sighted | ({record.slug} if record is not None else set())) - {step.slug})


def back_to_first(before: Callable[[Opened], Opened]) -> Callable[[Opened], Opened]:
    """What opens a stack like `before` and asks for first choices: `--first-choice`."""
    return lambda opened: replace(before(opened), first_choice=True)


def choosing(opened: Opened, steps: MutableMapping[str, AnyStep], begin: Callable[[AnyStep], None]) -> Choosing:
    """What a run over `steps` (by name) knows of choices; `begin` records one before anything of it is sent."""

    def recorded(name: str) -> str:
        record = opened.state.steps.get(name)
        return record.slug if record is not None else ""

    def adopt(choice: AnyStep) -> None:
        steps[choice.name] = choice

    return Choosing(
        recorded=recorded,
        elsewhere=lambda name: elsewhere(opened, steps[name]),
        adopt=adopt,
        begin=begin,
        note=opened.stack.progress.note,
        first=opened.first_choice,
    )


def live_choices(
    opened: Opened, steps: Sequence[AnyStep]
) -> tuple[tuple[AnyStep, ...], tuple[Planned, ...], tuple[str, ...]]:
    """Each step as the choice that a run would begin with; the deletions of what is none; notes of later choices."""
    outputs = Outputs({name: record.outputs for name, record in opened.state.steps.items()})
    taken: list[AnyStep] = []
    gone: list[Planned] = []
    notes: list[str] = []
    for step in steps:
        if step.world != "aws" or not opened.asks(step) or (len(step.choices) == 1 and not elsewhere(opened, step)):
            taken.append(step)
            continue
        with translated(f"read {step.name}"):
            there = standing(step, opened.aws, opened.us)
            choices = named(step, there, opened.aws, outputs)
        record = opened.state.steps.get(step.name)
        unfinished = record.slug if record is not None and record.status != "ready" else ""
        choice = in_order(choices, there, unfinished, first=opened.first_choice)[0]
        taken.append(choice)
        others = sorted(there.steps.keys() - {choice.slug})
        reason = "another choice, or one that was replaced"
        gone += [Planned(step.name, step.kind, slug, Change(Action.DELETE, reason=reason)) for slug in others]
        if choice.slug != step.slug and there.state(choice) is State.READY:
            notes.append(f"{step.name} stands on {summary(step, choice)}; --first-choice goes back to the first")
    return tuple(taken), tuple(gone), tuple(notes)
