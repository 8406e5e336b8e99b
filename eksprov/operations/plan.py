"""What provision would do, without doing it: against the world, or against the record alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from eksprov.aws.faults import translated
from eksprov.config.schema import Config
from eksprov.core.change import NO_CHANGE, Action, Change
from eksprov.core.executor import order
from eksprov.core.plan import Plan, Planned, nodes, preview
from eksprov.core.step import Outputs, Step
from eksprov.operations.apply import deletion, fingerprint
from eksprov.operations.kinds import is_model, revive
from eksprov.operations.stack import Opened
from eksprov.state.record import State
from eksprov.state.store import StateStore
from eksprov.steps.catalog import catalog
from eksprov.steps.choices import from_record


def make_plan(opened: Opened, steps: Sequence[Step[Any, Any]] | None = None, client: Any = None) -> Plan:
    """Read the world side by side and compare; nothing is written, in AWS or here."""
    orphans = [step for step in opened.orphans if step.world == "aws"] if steps is None else []
    wanted = opened.steps if steps is None else tuple(steps)

    def read(step: Step[Any, Any]) -> Any:
        with translated(f"read {step.name}"):
            return step.discover(opened.aws if step.world == "aws" else client)

    everything = [*wanted, *orphans]
    found = dict(zip((step.name for step in everything), opened.stack.together(read, everything), strict=True))
    left = [step for step in orphans if found[step.name] is not None]
    return preview(wanted, found, left, opened.us, notes=opened.choices.notes)


def offline_plan(config: Config, store: StateStore) -> Plan:
    """Compare the config with the record alone: fast, without AWS, and blind to what others changed."""
    state = store.load() or State(stack=config.name)
    choices = from_record(config, state.choices)
    if choices is None:
        nothing = Change(Action.CREATE, reason="nothing is recorded of this stack")
        return Plan((Planned(config.name, "stack", config.name, nothing),), basis="record")
    steps = {step.name: step for step in catalog(config, choices)}
    outputs = Outputs({name: record.outputs for name, record in state.steps.items()})
    lines = [_offline_line(steps[name], state, outputs) for name in order(nodes(tuple(steps.values())))]
    for name, record in state.steps.items():
        if name not in steps and not is_model(name):
            orphan = revive(name, record)
            lines.append(Planned(name, record.kind, record.slug, deletion(orphan)))
    return Plan(tuple(lines), basis="record", notes=choices.notes)


def _offline_line(step: Step[Any, Any], state: State, outputs: Outputs) -> Planned:
    record = state.steps.get(step.name)
    line = Planned(step.name, step.kind, step.slug, NO_CHANGE)
    if record is None:
        return replace(line, change=Change(Action.CREATE, reason="not recorded"))
    if record.status != "ready":
        return replace(line, change=Change(Action.UPDATE, reason=f"its last run ended {record.status}"))
    if record.facts_sha256 != fingerprint(step, outputs):
        return replace(line, change=Change(Action.UPDATE, reason="the config differs from what was recorded"))
    return line
