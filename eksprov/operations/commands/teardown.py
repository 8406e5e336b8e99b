"""Take a stack back to nothing, and prove it by reading the account again.

Workloads go first, while the API server lives; then what the catalog, the record and the tags name, dependents before
what they stand on. The proof asks every kind for resources with our tags; it does not ask the state. Volumes of claims
that retain them stay, and are named (`retention`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from eksprov import errors
from eksprov.aws.faults import translated
from eksprov.aws.session import Aws
from eksprov.core.convergence.converge import is_ours
from eksprov.core.names import is_models
from eksprov.core.outcome import Outcome
from eksprov.core.step import AnyStep, FoundResource, PhaseState
from eksprov.kube.api import KubeApi
from eksprov.operations.apply import Applier
from eksprov.operations.commands.provision import Report
from eksprov.operations.kinds import KINDS, step_found, step_of
from eksprov.operations.leftovers import holds_leftovers, leftovers_step, nodes_first, release
from eksprov.operations.retention import judged, remember, settled
from eksprov.operations.stack import Opened, list_owned
from eksprov.steps.cluster.cluster import Cluster
from eksprov.steps.cluster.facts import ClusterFacts
from eksprov.steps.cluster.nodes_on_demand import NodesOnDemand
from eksprov.steps.leftovers.leftovers import Leftovers, sighted
from eksprov.steps.leftovers.pieces import WHATS, Piece
from eksprov.steps.leftovers.reclaiming import Reclaiming

PROTECTION_HINT = "set cluster.deletion_protection to false and provision, then tear down"


@dataclass(frozen=True)
class Teardown:
    """What a teardown did, and what it left."""

    report: Report
    counted: dict[str, int]
    left: tuple[FoundResource, ...]
    kept: tuple[Piece, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing of the stack is left."""
        return not self.left and self.report.ok

    def why(self, resource: FoundResource) -> str:
        """Why something is left, as far as this run knows."""
        for outcome in self.report.outcomes:
            if outcome.name == resource.owner.step:
                return outcome.message or outcome.status.value
        return "made while this ran, or by another run"


def doomed(opened: Opened, objects: Iterable[FoundResource] = ()) -> tuple[tuple[AnyStep, ...], frozenset[str]]:
    """Every step to be removed, of the config, of the record and of the tags; and the names known by tags alone."""
    steps = {step.name: step for step in opened.steps}
    for name, record in opened.state.steps.items():
        steps.setdefault(name, step_of(name, record))
    resources = [*list_owned(opened.aws, opened.us.stack, KINDS, opened.stack.together), *objects]
    strays = {s.owner.step: step_found(s) for s in resources if s.owner.step not in steps}
    return (*steps.values(), *strays.values()), frozenset(strays)


@dataclass(frozen=True)
class LiveStack:
    """The stack's cluster as a teardown finds it.

    `facts` are None where there is none of ours, `kube` where its API server does not answer; its objects then go with
    it. `objects` carry our labels.
    """

    slug: str
    facts: ClusterFacts | None = None
    leaving: bool = False
    kube: KubeApi | None = None
    objects: tuple[FoundResource, ...] = ()

    def reclaiming(self, aws: Aws, *, delete_retained: bool, write: bool) -> Reclaiming:
        """Which volumes may go. Where nobody can be asked any more, it is what an earlier teardown has written."""
        if self.facts is None or self.leaving:
            return Reclaiming(delete_retained=delete_retained)
        return (settled if write else judged)(aws, self.slug, self.kube, delete_retained=delete_retained)


def teardown(opened: Opened, *, delete_retained: bool = False) -> Teardown:
    """Remove everything of the stack. The caller holds its lock and has asked the user."""
    there = live_stack(opened, refuse_protected=True)
    reclaiming = there.reclaiming(opened.aws, delete_retained=delete_retained, write=True)
    if there.kube is not None:
        release(there.kube, opened, auto_mode=there.facts.auto_mode if there.facts is not None else False)
    steps, strays = doomed(opened, there.objects)
    step = leftovers_step(opened, steps, reclaiming)
    if step is not None and not step.marked_alone:
        steps = (*steps, nodes_first(opened, steps))
    steps = (*steps, step) if step is not None else steps
    applier = Applier(opened, there.kube)
    began = opened.stack.clock.now()
    outcomes: list[Outcome] = applier.remove_all(steps, _waits(steps, strays))
    left: tuple[FoundResource, ...] = ()
    kept: tuple[Piece, ...] = ()
    if not opened.stack.stopped():
        left = list_owned(opened.aws, opened.us.stack, KINDS, opened.stack.together)
        found = _found(opened, step)
        kept = tuple(piece for piece in found if piece.stays)
        with translated("mark what is kept"):
            remember(opened.aws, kept)
        left = (*left, *(sighted(piece, opened.us.stack) for piece in found if not piece.stays))
    report = Report(tuple(outcomes), applier.state, opened.stack.clock.now() - began)
    counts = Counter(resource.kind for resource in left)
    looked_at = [*(kind.kind for kind in KINDS if kind.world == "aws"), *(WHATS if step is not None else ())]
    result = Teardown(report, {kind: counts[kind] for kind in looked_at}, left, kept)
    if result.ok:
        opened.stack.store.forget()
    return result


def _found(opened: Opened, step: Leftovers | None) -> tuple[Piece, ...]:
    """What controllers have left, read anew."""
    if step is None:
        return ()
    with translated("look for what controllers have left"):
        return step.found(opened.aws)


def _waits(steps: Iterable[AnyStep], strays: frozenset[str]) -> dict[str, list[str]]:
    """What the graph does not say: nodes, add-ons and access live until all is gone from the cluster, and what has
    lost its place in the graph (found by tags alone) goes before every kind that is made before it."""
    every = list(steps)
    lasting = {step.name for step in every if step.traits.serves_workloads and not is_models(step.name)}
    rank = {kind.kind: index for index, kind in enumerate(KINDS)}
    workloads = [step.name for step in every if is_models(step.name) or step.world == "kube"]
    waits: dict[str, list[str]] = {}
    for step in every:
        if step.name in lasting:
            waits[step.name] = workloads.copy()
        if holds_leftovers(step):
            waits.setdefault(step.name, []).extend(s.name for s in every if isinstance(s, Leftovers))
        if isinstance(step, Cluster):
            waits.setdefault(step.name, []).extend(s.name for s in every if isinstance(s, NodesOnDemand))
        later = [s.name for s in every if s.name in strays and rank.get(step.kind, 0) < rank[s.kind]]
        if step.name in workloads:  # which those wait for, and so cannot wait for them
            later = [name for name in later if name not in lasting]
        waits.setdefault(step.name, []).extend(later)
    return waits


def live_stack(opened: Opened, *, refuse_protected: bool = False) -> LiveStack:
    """The cluster, if it is ours: a stranger's of our name is asked nothing, and nothing in it is deleted.

    Raises: ProvisioningError when the cluster is protected against deletion, if asked for.
    """
    cluster = opened.cluster
    if opened.strange_cluster:
        opened.stack.progress.note(
            f"{opened.strange_cluster} is not this stack's; it and what is in it stay as they are"
        )
        return LiveStack(cluster.slug)
    found = opened.read(cluster, fresh=True)
    if found is None or not is_ours(found.owner, opened.us):
        return LiveStack(cluster.slug)
    if refuse_protected and isinstance(cluster, Cluster) and (why := cluster.protection(found)):
        raise errors.ProvisioningError(f"{cluster.name}: {why}; nothing was deleted", PROTECTION_HINT)
    there = LiveStack(cluster.slug, found, leaving=cluster.phase(found).state is PhaseState.LEAVING)
    try:
        kube = opened.api_server(cluster.outputs(found))
        if kube is None:
            return there
        objects = [s for kind in KINDS if kind.world == "kube" for s in kind.list_owned(kube, opened.us.stack)]
        return replace(there, kube=kube, objects=tuple(objects))
    except errors.EksprovError as error:
        opened.stack.progress.note(f"the cluster does not answer ({error.message}); its objects go with it")
        return there
