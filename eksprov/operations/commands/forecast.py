"""What would stop a run: the hook of `preflight` into plan and provision, with what the run would cost.

A full preflight takes some twenty reads, so a plan makes it only where something changes, and a run only where
something that quotas, names or capacity can stop is to be created or replaced: the record says so without a call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from eksprov import errors
from eksprov.config.schema import Addon
from eksprov.core.change import NO_CHANGE, Unknown
from eksprov.core.convergence.external import External
from eksprov.core.names import StepName, is_models
from eksprov.core.plan import Plan, Planned, World, preview
from eksprov.core.step import AnyStep
from eksprov.errors import Problem
from eksprov.operations.asked import asked
from eksprov.operations.commands.costs import Forecast, costs, with_cost
from eksprov.operations.commands.plan import make_plan
from eksprov.operations.pinning import addon_of
from eksprov.operations.serving.carriers import node_types
from eksprov.operations.stack import Opened
from eksprov.preflight.checks import examine
from eksprov.preflight.disk_keys import disk_keys
from eksprov.preflight.facts import DiskKey, SystemPods, Unread
from eksprov.preflight.findings import Finding, Findings, sorted_out
from eksprov.preflight.lookups import Asked
from eksprov.preflight.need import groups, quota_code
from eksprov.preflight.reading import read
from eksprov.preflight.references import references
from eksprov.preflight.reserved import reservations
from eksprov.serving.inspection.preview import preview as model_preview
from eksprov.serving.sizing import fit
from eksprov.serving.spec import StackFacts, model_spec
from eksprov.steps.addons.addon import Addon as AddonStep
from eksprov.steps.addons.versions import CNI
from eksprov.steps.node_groups.facts import NodeGroupFacts
from eksprov.steps.node_groups.launch_template import LaunchTemplate
from eksprov.steps.node_groups.node_group import NodeGroup


def forecast(opened: Opened, plan: Plan, prices_file: Path | None = None) -> Forecast:
    """Costs before and after, and where the plan changes something every error that `doctor` would find."""
    cost, note = costs(opened, plan, prices_file)
    changing = frozenset((*(line.name for line in plan.changes), ""))
    findings = preflight(opened, plan, changing.__contains__) if plan.changes else Findings()
    return Forecast(cost, with_cost(opened.stack.config, findings, cost), note)


def doctor(opened: Opened, plan: Plan, prices_file: Path | None = None) -> Findings:
    """Everything that preflight finds, whatever the plan says."""
    cost, _ = costs(opened, plan, prices_file)
    return with_cost(opened.stack.config, preflight(opened, plan), cost)


def find(opened: Opened, prices_file: Path | None = None) -> Findings:
    """What `doctor` finds of the stack as it is and is to be."""
    opened.stack.progress.doing("reading quotas, offerings, versions and names")
    return doctor(opened, make_plan(opened), prices_file)


def preflight(opened: Opened, plan: Plan, due: Callable[[str], bool] | None = None) -> Findings:
    """Read and examine; nothing is changed.

    `due` says of a step's name (or of "", for any) whether it is going to be made or changed; what the config names for
    others is not looked up. Without it everything is.
    """
    zones = [zone.name for zone in opened.settled.zones]
    together, today = opened.stack.together, datetime.now(UTC).date()
    elsewhere, questions = _elsewhere(opened), asked(opened, plan)
    facts = read(opened.aws, plan, opened.identity, zones, today, together, elsewhere, questions)
    config = opened.stack.config
    wanted = {f"node-group/{each.name}": each.capacity_reservation_id or "" for each in config.node_groups}
    facts = replace(
        facts,
        impossible=_impossible(opened),
        system_pods=_system_pods(opened),
        homeless=_homeless(opened),
        unservable=tuple(told for each in config.models for told in model_preview(each, opened.stack.project)),
        reservations=reservations(opened.aws, {group: key for group, key in wanted.items() if key}),
        disk_keys=_disk_keys(opened, plan),
    )
    found = examine(plan, facts, opened.us)
    return _sorted(opened, (*found.listed, *_references(opened, plan, due)))


def _sorted(opened: Opened, found: Iterable[Finding]) -> Findings:
    return sorted_out(found, opened.stack.config.preflight.suppress)


def _references(opened: Opened, plan: Plan, due: Callable[[str], bool] | None) -> tuple[Finding, ...]:
    """What is wrong with what the config names; without `due`, all of it, by what the plan would do."""
    changing = {line.name for line in plan.changes} | ({""} if plan.changes else set())
    images = {StepName.parse(step.name).of: str(step.ami_type) for step in opened.steps if isinstance(step, NodeGroup)}
    live = {StepName.parse(line.name).of: have for line, _, have in plan.of(NodeGroupFacts)}
    asked = Asked(opened.aws, opened.identity, opened.settled.kubernetes_version, images, live)
    waiting = due or changing.__contains__
    return tuple(references(asked, opened.stack.config, waiting, all_of_them=due is None))


def _due(opened: Opened) -> frozenset[str]:
    """The names of the steps that are not recorded as they are wanted now, and "" where there are any."""
    ours = [step for step in opened.steps if step.traits.recorded and not is_models(step.name)]
    names = {step.name for step in ours if not opened.state.is_as_recorded(step)}
    return frozenset(names | ({""} if names else set()))


def _system_pods(opened: Opened) -> SystemPods | None:
    """None where Karpenter or EKS Auto Mode makes a node for whatever finds none."""
    config = opened.stack.config
    if config.autoscaler in ("karpenter", "auto-mode"):
        return None
    return SystemPods(
        addons=frozenset(addon_of(step) for step in opened.steps if isinstance(step, AddonStep)),
        max_pods={f"node-group/{group.name}": group.max_pods for group in config.node_groups if group.max_pods},
        grows=config.autoscaler == "cluster-autoscaler",
        prefixes=config.network.ipv6 or any(_takes_prefixes(addon) for addon in config.addons),
    )


def _homeless(opened: Opened) -> dict[str, Problem]:
    """The config's models that fit on no node, whatever their files weigh; none where EC2 does not say."""
    if not opened.stack.config.models:
        return {}
    try:
        nodes = node_types(opened)
    except errors.EksprovError:
        return {}  # that types cannot be read, or are not there, is a finding of its own
    facts = StackFacts(opened.us.stack, opened.us.stack_id, opened.settled.region, bucket="", subnet_cidrs=())
    specs = [model_spec(model, facts, "", 0) for model in opened.stack.config.models]
    return {spec.name: problem for spec in specs if (problem := fit(spec, nodes)) is not None}


def _takes_prefixes(addon: Addon) -> bool:
    env = addon.configuration.get("env")
    value = env.get("ENABLE_PREFIX_DELEGATION", "") if isinstance(env, dict) else ""
    return addon.name == CNI and str(value).lower() == "true"


def _disk_keys(opened: Opened, plan: Plan) -> dict[str, DiskKey | Unread]:
    """Of the node groups that the plan makes or lets grow."""
    starting = {group.name for group in groups(plan) if group.new or group.more}
    config = opened.stack.config
    named = {f"node-group/{each.name}": each.disk_kms_key_arn or "" for each in config.node_groups}
    return disk_keys(opened.aws, opened.identity, {name: key for name, key in named.items() if name in starting})


def _elsewhere(opened: Opened) -> dict[str, frozenset[str]]:
    """The node groups that have fallbacks, and the codes of the quotas that their choices count against."""
    return {
        step.name: frozenset(quota_code(t, way.capacity_type) for way in step.alternatives for t in way.instance_types)
        for step in opened.steps
        if isinstance(step, NodeGroup) and step.fallbacks
    }


def _impossible(opened: Opened) -> dict[str, str]:
    """By node group, what its launch template would be refused for."""
    problems = {step.name: step.problem for step in opened.steps if isinstance(step, LaunchTemplate)}
    found = {step.name: problems.get(step.template, "") for step in opened.steps if isinstance(step, NodeGroup)}
    return {name: why for name, why in found.items() if why}


def guard(opened: Opened) -> None:
    """Before the first create: show warnings, stop at errors. Raises: ProvisioningError. Where nothing of weight is
    to be created, nothing is asked."""
    due = _due(opened) if opened.stack.preflight else frozenset()
    if not due:
        return
    if any(_unmade(opened)):
        found = preflight(opened, _partial_plan(opened), due.__contains__)
    else:
        found = _sorted(opened, _references(opened, Plan(()), due.__contains__))
    for finding in found.of("warning"):
        opened.stack.progress.note(f"{finding.level}: {finding.name}: {finding.message}")
    if found.errors:
        lines = [f"{finding.name}: {finding.message}" + _cure(finding) for finding in found.errors]
        raise errors.ProvisioningError(
            "\n".join(("preflight stops this run; nothing was created:", *lines)),
            f"once mended, run again; `preflight.suppress: [{found.errors[0].name}]` in the config goes on regardless",
        )


def _cure(finding: Finding) -> str:
    return f"\n  cure: {finding.cure}" if finding.cure else ""


def _unmade(opened: Opened) -> Iterator[AnyStep]:
    """Steps of weight that are not recorded as made, or recorded otherwise than they are wanted now."""
    sighted = {resource.owner.step for resource in opened.resources}
    for step in opened.steps:
        if not step.traits.limited or isinstance(step, External) or is_models(step.name):
            continue
        record = opened.state.steps.get(step.name)
        if record is None or record.status != "ready":
            if step.name not in sighted:
                yield step
        elif isinstance(step, NodeGroup) and not opened.state.is_as_recorded(step):
            yield step


def _partial_plan(opened: Opened) -> Plan:
    """The lines that preflight looks at: what is counted, and what has a name that a stranger may have."""
    recorded = {name for name, record in opened.state.steps.items() if record.status == "ready"}
    steps = [
        step
        for step in opened.steps
        if step.world == "aws"
        and not is_models(step.name)
        and (step.traits.limited or (step.traits.by_name and step.name not in recorded))
    ]
    world = World(opened.read_all(steps), opened.us, outputs=opened.state.outputs)
    return Plan(tuple(map(_as_far_as_known, preview(steps, world).lines)))


def _as_far_as_known(line: Planned) -> Planned:
    """What is not known here (outputs of steps that were not looked at) is no difference.

    Of a problem counts what it is: what a run would do about it, does not, for the run is stopped.
    """
    fields = line.change.fields
    change = NO_CHANGE if fields and all(_is_open(one.want) for one in fields) else line.change
    return replace(line, change=change, problem=line.problem.partition(";")[0])


def _is_open(value: object) -> bool:
    if isinstance(value, tuple | frozenset):
        return any(_is_open(item) for item in value)
    return isinstance(value, Unknown)
