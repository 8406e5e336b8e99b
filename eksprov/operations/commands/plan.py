"""What provision would do, without doing it: against the world, or against the record alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from eksprov import errors
from eksprov.config.schema import Config
from eksprov.core.change import NO_CHANGE, NOT_RECORDED, UNKNOWN, Action, Change
from eksprov.core.convergence.alternatives import under_any_name
from eksprov.core.convergence.converge import is_ours
from eksprov.core.convergence.external import External
from eksprov.core.names import is_models
from eksprov.core.plan import Plan, Planned, World, preview
from eksprov.core.step import AnyStep, Facts, PhaseState
from eksprov.kube.api import KubeApi
from eksprov.operations.addons import refuse_wrong_addons
from eksprov.operations.addresses import refuse_another_family
from eksprov.operations.choosing import live_choices
from eksprov.operations.given_roles import boundaries_left, refuse_wrong_roles
from eksprov.operations.kinds import step_of
from eksprov.operations.own_access import lost_access
from eksprov.operations.pinning import pinned, refuse_stale
from eksprov.operations.stack import Opened
from eksprov.operations.wanted import wanted as wanted_steps
from eksprov.pins.lockfile import NONE, Pins
from eksprov.state.record import State as Recorded
from eksprov.state.store import StateStore
from eksprov.steps.cluster.facts import ClusterFacts
from eksprov.steps.settled import Settled, from_record, unsettled

NOTHING_RECORDED = (
    "nothing is recorded of this stack: what AWS says of zones, versions and instance types (disk sizes, device "
    "plugins) is left open"
)


def make_plan(opened: Opened, steps: Sequence[AnyStep] | None = None, client: KubeApi | None = None) -> Plan:
    """Read the world side by side and compare; nothing is written, in AWS or here."""
    if steps is None:
        refuse_another_family(opened)
        refuse_stale(opened.stack.pins, opened.settled.kubernetes_version)
        refuse_wrong_addons(opened)
    doubts = refuse_wrong_roles(opened, opened.steps if steps is None else steps)
    orphans = opened.orphans if steps is None else ()
    live = live_choices(opened, opened.steps if steps is None else tuple(steps))
    wanted = live.steps
    outside, inside = ([s for s in (*wanted, *orphans) if s.world == world] for world in ("aws", "kube"))
    found = opened.read_all(outside)
    notes = (*opened.settled.notes, *doubts, *lost_access(opened), *boundaries_left(opened, found))
    if inside:
        try:
            api = client or api_server(opened, found)
            found |= opened.read_all(inside, api) if api is not None else {}
        except (errors.AccessError, errors.ProvisioningError) as error:
            if client is not None:
                raise
            notes = (*notes, f"the cluster was not asked, its objects are shown as new: {error.message}")
    left = [step for step in orphans if found.get(step.name) is not None]
    plan = preview(wanted, World(found, opened.us, opened.tags), left, (*notes, *live.notes))
    unasked = {step.name for step in wanted if not opened.asks(step)}
    by_name = {step.name: step for step in wanted}
    lines = (live.over(line, by_name[line.name], opened.tags) if line.name in by_name else line for line in plan.lines)
    lines = (_unasked(line) if line.name in unasked else line for line in lines)
    return replace(plan, lines=(*lines, *live.gone))


def _unasked(line: Planned) -> Planned:
    return replace(line, change=replace(line.change, reason="not asked: the cluster of this name is not this stack's"))


def api_server(opened: Opened, found: Mapping[str, Facts | None]) -> KubeApi | None:
    """The API server of the stack's own cluster, once it has one that is not on its way out."""
    cluster, have = opened.cluster, found.get(opened.cluster.name)
    if not isinstance(have, ClusterFacts) or not is_ours(have.owner, opened.us):
        return None
    return opened.api_server(cluster.outputs(have)) if cluster.phase(have).state is not PhaseState.LEAVING else None


def offline_plan(config: Config, store: StateStore, pins: Pins = NONE) -> Plan:
    """Compare the config with the record alone: fast, without AWS, and blind to what others changed."""
    state = store.load() or Recorded(stack=config.name)
    settled = offline_choices(config, state)
    if settled.kubernetes_version != UNKNOWN:
        refuse_stale(pins, settled.kubernetes_version)
    every = pinned(wanted_steps(config, settled, state.stack_id, state.steps), pins)
    told = [step for step in every if not step.traits.silent]  # what is not asked has nothing to mend
    names = {step.name for step in every}
    gone = [step_of(name, one) for name, one in state.steps.items() if name not in names and not is_models(name)]
    notes = [*settled.notes]
    if settled.account == UNKNOWN:
        notes.append(NOTHING_RECORDED)
    elif not config.tags.items() <= state.tags.items():
        notes.append("the config's tags are not on all resources yet")
    return replace(preview(told, Records(state), gone, tuple(notes)), basis="record")


def offline_choices(config: Config, state: Recorded) -> Settled:
    """As recorded; of a stack of which nothing is recorded, what the config says."""
    return from_record(config, state.choices) or unsettled(config)


@dataclass(frozen=True)
class Records:
    """What is recorded of a stack's steps, for a plan that asks nobody else."""

    state: Recorded

    def line(self, step: AnyStep) -> Planned:
        """What differs is not known, but that something does."""
        record = self.state.steps.get(step.name)
        step = under_any_name(step).get(record.slug, step) if record is not None else step
        line = Planned(step.name, step.kind, step.slug, NO_CHANGE, want=step.desired(self.state.outputs))
        if record is None and isinstance(step, External):  # it is used, and made by nobody here
            return line
        if record is None:
            return replace(line, change=Change(Action.CREATE, reason=NOT_RECORDED))
        if record.status != "ready":
            return replace(line, change=Change(Action.UPDATE, reason=f"its last run ended {record.status}"))
        if not self.state.is_as_recorded(step):
            return replace(line, change=Change(Action.UPDATE, reason="the config differs from what was recorded"))
        return replace(line, have=line.want)

    def deletion(self, step: AnyStep) -> Planned:
        """The line of a step that leaves the config; its resource may be gone already."""
        gone = Change(Action.DELETE, reason=f"{step.kind} is no longer in the config")
        return Planned(step.name, step.kind, step.slug, gone)
