"""Models in a plan: which are to be deployed, which have changed, which serve though the config names them no more.

`provision` touches none of them, so they are a plan of their own beside that of the infrastructure: a line a model, of
kind "model". A model that goes on serving is a line without action whose reason is NO_LONGER. Whether a model answers
is not looked at here (`eksprov models` does): what counts is whether `deploy-model` would change anything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from eksprov import errors
from eksprov.config.schema import Config, Model
from eksprov.core.change import ABSENT, NO_CHANGE, NOT_RECORDED, Action, Change, FieldChange
from eksprov.core.names import MODEL, Namespaced, StepName, is_models, model_step
from eksprov.core.plan import Plan, Planned
from eksprov.core.step import AnyStep
from eksprov.core.words import plural
from eksprov.kube.api import KubeApi, Ref
from eksprov.kube.objects import RENDERED
from eksprov.operations.commands.models import facts_for, graph, graph_for, packaged, packaged_for
from eksprov.operations.commands.plan import api_server, make_plan, offline_choices
from eksprov.operations.pinning import pinned
from eksprov.operations.stack import Opened
from eksprov.operations.wanted import wanted
from eksprov.pins.lockfile import NONE, Pins
from eksprov.serving.endpoint import ModelEndpoint
from eksprov.serving.graph import is_shared
from eksprov.serving.inspection.package import Package
from eksprov.serving.objects import KubeWorkload
from eksprov.serving.workload import REVISION
from eksprov.state.record import State
from eksprov.state.store import StateStore

Where = tuple[str, str]  # a model's namespace and name
KIND: Final = "model"
NO_LONGER: Final = "no longer in the config, and still serving"
OTHERWISE: Final = "files or settings differ from what was deployed"


def models_ahead(opened: Opened, plan: Plan) -> Plan:
    """What `deploy-model` would do to the config's models, after reading them and the cluster; nothing is written.

    Where the cluster cannot be asked, the record is.
    """
    config = opened.stack.config
    try:
        api = api_server(opened, {line.name: line.have for line in plan.lines})
        serving = frozenset(_serving(opened, api)) if api is not None else frozenset()
        lines = _each(config, lambda model: _live(opened, model, api, serving))
    except (errors.AccessError, errors.ProvisioningError) as error:
        asked = opened.stack
        recorded = offline_models(config, asked.project, asked.store, asked.pins)
        return replace(recorded, notes=(f"models are compared with the record alone: {error.message}",))
    return Plan((*lines, *_left(config, serving)))


def offline_models(config: Config, project: Path, store: StateStore, pins: Pins = NONE) -> Plan:
    """The same by the record alone: a model whose files or settings are other than those last deployed has changed."""
    state = store.load() or State(stack=config.name)
    settled = offline_choices(config, state)
    steps = pinned(wanted(config, settled, state.stack_id, state.steps), pins)
    facts = facts_for(config, settled, state.stack_id, steps, state.steps)

    def look(model: Model) -> Planned:
        spec, package = packaged_for(project, model, facts)
        return _recorded(model, package, graph_for(config, settled, pins, spec, package), state)

    there = [record.slug for name, record in state.steps.items() if _is_deployment(name, record.slug)]
    return Plan((*_each(config, look), *_left(config, map(_place, there))), basis="record")


def _each(config: Config, look: Callable[[Model], Planned]) -> list[Planned]:
    """The line of each model; what is wrong with one's files or roles is told on its line and stops nobody."""

    def line(model: Model) -> Planned:
        try:
            return look(model)
        except (errors.UsageError, errors.ConfigError) as error:
            return replace(_same(model), problem="; ".join(filter(None, (error.message, error.hint))))

    return [line(model) for model in config.models]


def _live(opened: Opened, model: Model, api: KubeApi | None, serving: Collection[Where]) -> Planned:
    spec, package = packaged(opened, model)
    if api is None or (model.namespace, model.name) not in serving:
        return _new(model, package, ABSENT)
    steps = [step for step in graph(opened, spec, package) if not isinstance(step, ModelEndpoint)]
    found = make_plan(opened, steps, api)
    fields = tuple(field for line in found.changes for field in _fields(line, model.name))
    problem = "; ".join(f"{line.name}: {line.problem}" for line in found.lines if line.problem)
    return replace(_same(model), change=Change(Action.UPDATE, fields) if fields else NO_CHANGE, problem=problem)


def _recorded(model: Model, package: Package, steps: Iterable[AnyStep], state: State) -> Planned:
    deployment = state.steps.get(model_step(model.name, "deployment"))
    if deployment is None or _place(deployment.slug) != (model.namespace, model.name):
        return _new(model, package, NOT_RECORDED)
    asked = (step for step in steps if step.traits.recorded and not isinstance(step, ModelEndpoint))
    if all(map(state.is_as_recorded, asked)):
        return _same(model)
    return replace(_same(model), change=Change(Action.UPDATE, reason=OTHERWISE))


def _same(model: Model) -> Planned:
    return Planned(str(StepName(MODEL, model.name)), KIND, str(Namespaced(model.namespace, model.name)), NO_CHANGE)


def _new(model: Model, package: Package, why: str) -> Planned:
    files = f"{plural(len(package.files), 'file')} of {package.size_bytes:,} bytes"
    replicas = f"{model.replicas.min} to {model.replicas.max} replicas in namespace {model.namespace}"
    description = f"{model.runtime}, {files}, {replicas}"
    return replace(_same(model), change=Change(Action.CREATE, reason=why), description=description)


def _fields(line: Planned, model: str) -> Iterator[FieldChange]:
    """What differs in one of the model's steps, named by its part: "deployment", "files digest"."""
    part = StepName.parse(line.name).part
    if line.change.action is Action.CREATE:
        yield FieldChange(part, None, line.description or line.change.reason)
    for field in line.change.fields:
        have, want = _told(field.have), _told(field.want)
        yield FieldChange(part if field.name == "fields" else f"{part} {field.name}", have, want)


def _told(value: Any) -> Any:
    """Fields of an object, without the hashes of them, which differ with any."""
    if not isinstance(value, Mapping):
        return value
    return {key: text for key, text in value.items() if not key.endswith((RENDERED, REVISION))}


def _left(config: Config, serving: Iterable[Where]) -> Iterator[Planned]:
    named = {(model.namespace, model.name) for model in config.models}
    for namespace, name in sorted(set(serving) - named):
        yield Planned(
            str(StepName(MODEL, name)), KIND, str(Namespaced(namespace, name)), Change(Action.NONE, reason=NO_LONGER)
        )


def _serving(opened: Opened, api: KubeApi) -> Iterator[Where]:
    """The models that have a Deployment of this stack's in the cluster."""
    for resource in KubeWorkload.list_owned(api, opened.us.stack):
        if _is_deployment(resource.owner.step, resource.slug):
            yield _place(resource.slug)


def _is_deployment(step: str, slug: str) -> bool:
    return is_models(step) and not is_shared(step) and Ref.is_deployments(slug)


def _place(slug: str) -> Where:
    ref = Ref.parse(slug)
    return ref.namespace, ref.name
