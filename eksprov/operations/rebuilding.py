"""A state that was lost, rebuilt from the account by a command that touches only a part of the stack.

Each would write a state that knows its own part alone: serving a model, that model; `provision`, all but the models,
whose roles and files an `undeploy-model` would then leave. So they look first at what bears our tags. Nothing is
changed in AWS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from eksprov.core.change import Action, diff
from eksprov.core.convergence.alternatives import under_any_name
from eksprov.core.convergence.converge import is_ours
from eksprov.core.step import AnyStep, FoundResource, Outputs, PhaseState
from eksprov.operations.kinds import step_found
from eksprov.operations.stack import Opened
from eksprov.state.record import Record, fingerprint


def rebuilt(opened: Opened, which: Callable[[str], bool] = lambda _: True) -> Opened:
    """The same stack, whose state knows what was found by its tags; as it is where the state was there.

    `which`: the names of the steps that count. Raises: AccessError, ProvisioningError.
    """
    wanted = {step.name: step for step in opened.steps}
    steps = [_step(wanted, resource) for resource in opened.resources if which(resource.owner.step)]
    read: Callable[[AnyStep], Any] = opened.read
    found = zip(steps, opened.stack.together(read, steps), strict=True)
    live = [(step, have) for step, have in found if have is not None and is_ours(have.owner, opened.us)]
    outputs = Outputs({step.name: step.outputs(have) for step, have in live})
    state = opened.state
    for step, have in live:
        if step.traits.recorded:
            record = _record(step, have, outputs, opened.stack.utc(), of_config=step in _config_names(wanted, step))
            state = state.with_record(step.name, record)
    return replace(opened, state=state)


def _step(wanted: Mapping[str, AnyStep], resource: FoundResource) -> AnyStep:
    """As the config has it, where what was found goes by one of its names; else as it was found."""
    step = wanted.get(resource.owner.step)
    names = under_any_name(step) if step is not None else {}
    return names.get(resource.slug) or step_found(resource)


def _config_names(wanted: Mapping[str, AnyStep], step: AnyStep) -> tuple[AnyStep, ...]:
    """What the config says of the step, under each name that its first choice may have."""
    first = wanted.get(step.name)
    if first is None:
        return ()
    return tuple(one for one in under_any_name(first).values() if replace(one, slug=first.slug) == first)


def _record(step: AnyStep, have: Any, outputs: Outputs, now: str, *, of_config: bool) -> Record:
    settled = step.phase(have).state is PhaseState.READY
    as_wanted = of_config and settled and diff(step.desired(outputs), have).action is Action.NONE
    return Record(
        kind=step.kind,
        slug=step.slug,
        needs=step.needs,
        outlives=step.outlives,
        status="ready" if settled else "creating",
        outputs=step.outputs(have),
        facts_sha256=fingerprint(step, outputs) if as_wanted else "",
        changed_at=now,
    )
