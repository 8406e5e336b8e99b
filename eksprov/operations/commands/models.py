"""Models on the cluster: deploy, undeploy, plan, list.

A deployment is one graph of AWS and Kubernetes steps, walked like any other: the role that may read this model's
prefix and its association to the service account, the files in the bucket, the objects in the cluster, and a last
step that is done when the model answers. What all models of a namespace share goes with the last of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from eksprov import errors
from eksprov.config.schema import Config, Model
from eksprov.core.names import StepName, is_models, model_step
from eksprov.core.outcome import Outcome, Status
from eksprov.core.plan import Plan
from eksprov.core.step import AnyStep
from eksprov.errors import Problem
from eksprov.kube.api import KubeApi, Ref
from eksprov.operations.api_server import ALWAYS_THERE, live_cluster
from eksprov.operations.apply import Applier
from eksprov.operations.commands.plan import make_plan
from eksprov.operations.commands.provision import Report
from eksprov.operations.given_roles import refuse_wrong_roles
from eksprov.operations.kinds import MODEL_OBJECTS, step_found, step_of
from eksprov.operations.pinning import pinned
from eksprov.operations.rebuilding import rebuilt
from eksprov.operations.serving import closing
from eksprov.operations.serving import states as model_states
from eksprov.operations.serving.carriers import node_types
from eksprov.operations.serving.nodeless import refuse_without_nodes
from eksprov.operations.serving.states import Listed as Listed
from eksprov.operations.stack import Opened
from eksprov.pins.lockfile import Pins
from eksprov.serving.graph import is_shared, model_steps
from eksprov.serving.inspection.package import Package, read_package
from eksprov.serving.runtimes.presets import runtime
from eksprov.serving.sizing import fit, memory
from eksprov.serving.spec import ModelSpec, StackFacts, model_spec, service_account
from eksprov.state.record import Record
from eksprov.steps.catalog import bucket_name, model_association, model_dashboard, model_role
from eksprov.steps.catalog.names import has_auto_mode
from eksprov.steps.network.existing_subnet import ExistingSubnet
from eksprov.steps.network.subnet import Subnet
from eksprov.steps.settled import Settled


@dataclass(frozen=True)
class Served:
    """A model that is loaded."""

    name: str
    url: str  # its address inside the cluster
    proxy_path: str  # its path on the API server
    answered: bool = True  # it has answered the closing request; else a note says why that proves nothing


@dataclass(frozen=True)
class Deployed:
    """What a deployment of models did."""

    report: Report
    served: tuple[Served, ...]
    notes: tuple[str, ...]  # worth reading even when all went well


def cluster_api(opened: Opened) -> KubeApi:
    """The stack's API server. Raises: NotThereError when there is no cluster, NoAnswerError while it has no address."""
    return opened.stack.kube(*live_cluster(opened))


def stack_facts(opened: Opened) -> StackFacts:
    """What a model's objects need to know of the stack."""
    return facts_for(opened.stack.config, opened.settled, opened.us.stack_id, opened.steps, opened.state.steps)


def facts_for(
    config: Config, settled: Settled, stack_id: str, steps: Iterable[AnyStep], records: Mapping[str, Record]
) -> StackFacts:
    """The same of a stack that is not opened: by its config and its record."""
    cidrs, ipv6 = subnet_ranges(steps, records), config.network.ipv6
    bucket, auto = bucket_name(config, settled), has_auto_mode(config)
    return StackFacts(config.name, stack_id, settled.region, bucket, cidrs, ipv6, auto)


def subnet_ranges(steps: Iterable[AnyStep], records: Mapping[str, Record]) -> tuple[str, ...]:
    """The ranges of the cluster's subnets, as far as config and record know them; the IPv6 ones are AWS's choice."""
    subnets: list[AnyStep] = [step for step in steps if isinstance(step, Subnet | ExistingSubnet)]
    known = {step: records[step.name].outputs if step.name in records else {} for step in subnets}
    wanted: dict[AnyStep, str] = {step: step.cidr for step in subnets if isinstance(step, Subnet)}
    ipv4 = (wanted.get(step) or outputs.get("cidr", "") for step, outputs in known.items())
    return tuple(filter(None, (*ipv4, *(outputs.get("ipv6_cidr", "") for outputs in known.values()))))


def model_of(opened: Opened, name: str) -> Model:
    """The config's model of that name. Raises: UsageError naming those there are."""
    models = {model.name: model for model in opened.stack.config.models}
    if name not in models:
        known = ", ".join(models) or "none"
        raise errors.UsageError(f"the config has no model {name!r}; it has: {known}", "add it under models")
    return models[name]


def packaged(opened: Opened, model: Model) -> tuple[ModelSpec, Package]:
    """A model's files as they are now. Raises: UsageError when the folder is missing or not understood."""
    return packaged_for(opened.stack.project, model, stack_facts(opened))


def packaged_for(project: Path, model: Model, facts: StackFacts) -> tuple[ModelSpec, Package]:
    """The same by what is known of the stack. Raises: UsageError."""
    package = read_package(project / model.path, model.name, runtime(model.runtime))
    return model_spec(model, facts, package.digest, package.size_bytes), package


def graph(opened: Opened, spec: ModelSpec, package: Package) -> tuple[AnyStep, ...]:
    """All steps of one model's deployment."""
    return graph_for(opened.stack.config, opened.settled, opened.stack.pins, spec, package)


def graph_for(config: Config, settled: Settled, pins: Pins, spec: ModelSpec, package: Package) -> tuple[AnyStep, ...]:
    """The same by config and record."""
    account = service_account(spec.name)
    association = model_association(config, spec.name, spec.namespace, account)
    role = model_role(config, settled, spec.name)
    shown = model_dashboard(config, settled, spec.name, spec.namespace)
    return pinned((role, association, *shown, *model_steps(spec, package, association.name)), pins)


def deploy(opened: Opened, names: Sequence[str]) -> Deployed:
    """Serve these models of the config and wait until each answers. The caller holds the stack's lock.

    Raises: UsageError before anything is made, when a model is unknown, unreadable or fits on no node, or has a sample
    that is no request; NoAnswerError, AccessError when the API server does not answer or does not let us in.
    """
    began = opened.stack.clock.now()
    chosen = [packaged(opened, model_of(opened, name)) for name in names]
    samples = closing.samples(opened, chosen)
    kube = cluster_api(opened)
    kube.get(ALWAYS_THERE)  # before anything is made: does it answer, and does it let us in
    nodes = node_types(opened)
    homeless = tuple(problem for spec, _ in chosen if (problem := fit(spec, nodes)) is not None)
    tight = _refuse_too_little_memory(chosen, homeless)
    steps = _unique(step for spec, package in chosen for step in graph(opened, spec, package))
    doubts = refuse_wrong_roles(opened, steps)
    found = rebuilt(opened)
    refuse_without_nodes(found, kube)
    closing.start_again(kube, steps)
    applier = Applier(found, kube)
    outcomes, asked = closing.ask_each(applier, kube, chosen, samples, applier.converge_all(steps))
    report = Report(tuple(outcomes), applier.state, opened.stack.clock.now() - began)
    answering = {o.name: o.outputs for o in outcomes if o.good}
    served = tuple(
        Served(spec.name, known["url"], known["proxy_path"], asked[spec.name].answered)
        for spec, _ in chosen
        if (known := answering.get(model_step(spec.name, "endpoint")))
    )
    warnings = [f"{spec.name}: {text}" for spec, package in chosen for text in package.warnings]
    answered = [spec for spec, _ in chosen if spec.name in {s.name for s in served}]
    blind = _scaling_notes(opened, kube, answered, outcomes)
    unproven = [f"{name}: {said.note}" for name, said in asked.items() if said.note]
    return Deployed(report, served, (*doubts, *warnings, *tight, *unproven, *blind))


def _refuse_too_little_memory(
    chosen: Sequence[tuple[ModelSpec, Package]], others: tuple[Problem, ...] = ()
) -> tuple[str, ...]:
    """Notes on tight memory. Raises: ConfigError for memory that can never hold its model, and for `others`."""
    found = [problem for spec, package in chosen if (problem := memory(spec, package.loaded_bytes))]
    if wrong := (*others, *(problem for problem in found if problem.level == "error")):
        raise errors.ConfigError(wrong)
    return tuple(str(problem) for problem in found)


def plan_models(opened: Opened, names: Sequence[str]) -> Plan:
    """What `deploy` would do, without doing it."""
    chosen = [packaged(opened, model_of(opened, name)) for name in names]
    _refuse_too_little_memory(chosen)
    kube = cluster_api(opened)
    return make_plan(opened, _unique(step for spec, pack in chosen for step in graph(opened, spec, pack)), kube)


def deployed_names(opened: Opened, kube: KubeApi | None = None) -> tuple[str, ...]:
    """The models that the record, or where given the cluster, knows of."""
    names = {StepName.parse(name).of for name in opened.state.steps if is_models(name) and not is_shared(name)}
    if kube is not None:
        names |= {StepName.parse(step.name).of for step in _sighted(opened, kube) if not is_shared(step.name)}
    return tuple(sorted(names))


def undeployment(opened: Opened, names: Sequence[str]) -> dict[str, int]:
    """How many of each kind `undeploy` would take away now. Raises: as it does."""
    return dict(Counter(step.kind for step in _leaving(opened, cluster_api(opened), names)))


def undeploy(opened: Opened, names: Sequence[str]) -> Report:
    """Take these models off the cluster, with their roles and their files. The caller holds the stack's lock.

    Raises: NotThereError for a model that is not deployed, UsageError for one that the config lacks too.
    """
    began = opened.stack.clock.now()
    kube = cluster_api(opened)
    going = _leaving(opened, kube, names)
    applier = Applier(rebuilt(opened), kube)
    outcomes = applier.remove_all(going)
    return Report(tuple(outcomes), applier.state, opened.stack.clock.now() - began)


def _leaving(opened: Opened, kube: KubeApi, names: Sequence[str]) -> list[AnyStep]:
    """The steps of these models, and what only models that are gone share."""
    known: dict[str, AnyStep] = {step.name: step for step in _sighted(opened, kube)}
    known |= {name: step_of(name, record) for name, record in opened.state.steps.items() if is_models(name)}
    going = {name for name in known if StepName.parse(name).of in names}
    staying = {
        Ref.parse(step.slug).namespace for name, step in known.items() if _is_deployment(step) and name not in going
    }
    # What only models that are gone have used, too: an undeployment may have been cut off just before it.
    shared = {n for n in known if is_shared(n) and StepName.parse(n).of.removeprefix("@") not in staying}
    unknown = [name for name in names if not any(StepName.parse(step).of == name for step in going)]
    if unknown and (going or not shared):
        for name in unknown:
            model_of(opened, name)  # a name that the config lacks too is a mistake
        raise errors.NotThereError(f"not deployed: {', '.join(unknown)}", "`eksprov models` lists what is")
    return [known[name] for name in sorted(going | shared)]


def listed(opened: Opened) -> tuple[Listed, ...]:
    """Every model of the config and every one on the cluster, as it is now."""
    kube = cluster_api(opened)
    known = {model.name: model.namespace for model in opened.stack.config.models}
    spaces = dict(known)
    for step in _sighted(opened, kube):
        if _is_deployment(step):
            at = Ref.parse(step.slug)
            spaces.setdefault(at.name, at.namespace)
    return tuple(
        model_states.listed(kube, opened.us.stack, name, space, refusal=_refusal(opened, name), in_config=name in known)
        for name, space in sorted(spaces.items())
    )


def _refusal(opened: Opened, name: str) -> str:
    """Why the closing request of the model's last deployment failed, by the record; empty where it did not."""
    record = opened.state.steps.get(model_step(name, "endpoint"))
    return record.error if record is not None and record.status == "failed" else ""


def states(opened: Opened) -> dict[str, str]:
    """How each deployed model is now, by the name of its Deployment's step: what it is, and why it is not ready.

    Without a cluster there is none; of one whose API server does not answer nothing is known, and that is said.
    """
    deployed = [model_step(name, "deployment") for name in deployed_names(opened)]
    if not deployed:
        return {}
    try:
        found = {model_step(one.name, "deployment"): one for one in listed(opened)}
    except errors.EksprovError as error:
        return dict.fromkeys(deployed, f"not known: {error.message}")
    said = {name: found[name] for name in deployed if name in found}
    # The cause alone; `models` has its evidence and its cure.
    return {n: ": ".join(filter(None, (one.state, one.reason.partition(": ")[0]))) for n, one in said.items()}


def _unique(steps: Iterable[AnyStep]) -> list[AnyStep]:
    """The steps without repetition: models of one namespace share its first objects."""
    return list({step.name: step for step in steps}.values())


def _sighted(opened: Opened, kube: KubeApi) -> list[AnyStep]:
    resources = [s for kind in MODEL_OBJECTS for s in kind.list_owned(kube, opened.us.stack)]
    return [step_found(s) for s in (*resources, *opened.resources) if is_models(s.owner.step)]


def _is_deployment(step: AnyStep) -> bool:
    return Ref.is_deployments(step.slug)


def _scaling_notes(opened: Opened, kube: KubeApi, specs: Sequence[ModelSpec], made: Sequence[Outcome]) -> list[str]:
    """What keeps autoscalers from scaling, once for all models, and where it will always be so only when they are made.

    An autoscaler that has not looked yet says nothing.
    """
    if opened.stack.config.target == "local":
        new = any(o.name.endswith("/autoscaler") and o.status is Status.CREATED for o in made)
        said = "the local world measures no CPU use: models stay at their min replicas"
        return [said] if new else []
    found = {spec.name: reason for spec in specs if (reason := _blinded(kube, spec))}
    if not found:
        return []
    why = ", ".join(dict.fromkeys(found.values()))
    return [f"no CPU use is known yet of {', '.join(found)} ({why}); each stays at its min replicas until it is"]


def _blinded(kube: KubeApi, spec: ModelSpec) -> str:
    """Why a model's autoscaler cannot scale, in Kubernetes' word; empty when it can or has not said yet."""
    live = kube.get(Ref("autoscaling/v2", "HorizontalPodAutoscaler", spec.namespace, spec.name)) or {}
    for condition in live.get("status", {}).get("conditions", []):
        if condition["type"] == "ScalingActive" and condition["status"] == "False":
            return str(condition.get("reason", "unknown"))
    return ""
