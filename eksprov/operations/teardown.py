"""Take a stack back to nothing, and prove it by reading the account again.

Workloads go first, while the API server lives; then what the catalog, the record and the tags name, dependents before
what they stand on. The proof asks every kind for resources with our tags; it does not ask the state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from eksprov import errors
from eksprov.core.converge import is_ours
from eksprov.core.outcome import Outcome
from eksprov.core.step import Sighting, Step
from eksprov.kube.api import KubeApi
from eksprov.operations.apply import Applier
from eksprov.operations.kinds import KINDS, is_model, revive, revived
from eksprov.operations.provision import Report
from eksprov.operations.stack import Opened, survey
from eksprov.operations.sweep import broom, holds_leftovers, left_by_controllers, release
from eksprov.steps.leftovers import WHATS, Leftovers

AnyStep = Step[Any, Any]
PROTECTION_HINT = "set cluster.deletion_protection to false and provision, then tear down"
OUTLIVE_WORKLOADS = frozenset({"node-group", "addon", "access-entry", "bucket", "repository"})


@dataclass(frozen=True)
class Teardown:
    """What went, and what a last reading of the account found of each kind."""

    report: Report
    counted: dict[str, int]
    left: tuple[Sighting, ...]

    @property
    def ok(self) -> bool:
        """Nothing of ours is left."""
        return not self.left and self.report.ok

    def why(self, sighting: Sighting) -> str:
        """Why something is left, as far as this run knows."""
        for outcome in self.report.outcomes:
            if outcome.name == sighting.owner.step:
                return outcome.message or outcome.status.value
        return "made while this ran, or by another run"


def doomed(opened: Opened, objects: Iterable[Sighting] = ()) -> tuple[tuple[AnyStep, ...], frozenset[str]]:
    """Every step to be removed, of the config, of the record and of the tags; and the names known by tags alone."""
    steps = {step.name: step for step in opened.steps}
    for name, record in opened.state.steps.items():
        steps.setdefault(name, revive(name, record))
    sightings = [*survey(opened.aws, opened.us.stack, KINDS, opened.stack.together), *objects]
    strays = {s.owner.step: revived(s) for s in sightings if s.owner.step not in steps}
    return (*steps.values(), *strays.values()), frozenset(strays)


def teardown(opened: Opened) -> Teardown:
    """Remove everything of the stack. The caller holds its lock and has asked the user."""
    kube, objects = _workloads(opened)
    if kube is not None:
        release(kube, opened)
    steps, strays = doomed(opened, objects)
    swept = broom(opened, steps)
    steps = (*steps, *swept)
    applier = Applier(opened, kube)
    began = opened.stack.clock.now()
    outcomes: list[Outcome] = applier.remove_all(steps, _waits(steps, strays))
    left: tuple[Sighting, ...] = ()
    if not opened.stack.stopped():
        left = survey(opened.aws, opened.us.stack, KINDS, opened.stack.together)
        left = (*left, *left_by_controllers(opened, swept))
    report = Report(tuple(outcomes), applier.state, opened.stack.clock.now() - began)
    counts = Counter(sighting.kind for sighting in left)
    looked_at = [*(kind.kind for kind in KINDS if kind.world == "aws"), *(WHATS if swept else ())]
    result = Teardown(report, {kind: counts[kind] for kind in looked_at}, left)
    if result.ok:
        opened.stack.store.forget()
    return result


def _waits(steps: Iterable[AnyStep], strays: frozenset[str]) -> dict[str, list[str]]:
    """What the graph does not say: nodes, add-ons and access live until all is gone from the cluster, and what has
    lost its place in the graph (found by tags alone) goes before every kind that is made before it."""
    every = list(steps)
    lasting = {step.name for step in every if step.kind in OUTLIVE_WORKLOADS and not is_model(step.name)}
    rank = {kind.kind: index for index, kind in enumerate(KINDS)}
    workloads = [step.name for step in every if is_model(step.name) or step.world == "kube"]
    waits: dict[str, list[str]] = {}
    for step in every:
        if step.name in lasting:
            waits[step.name] = workloads.copy()
        if holds_leftovers(step):
            waits.setdefault(step.name, []).extend(s.name for s in every if s.kind == Leftovers.kind)
        later = [s.name for s in every if s.name in strays and rank.get(step.kind, 0) < rank[s.kind]]
        if step.name in workloads:  # which those wait for, and so cannot wait for them
            later = [name for name in later if name not in lasting]
        waits.setdefault(step.name, []).extend(later)
    return waits


def _workloads(opened: Opened) -> tuple[KubeApi | None, list[Sighting]]:
    """The stack's API server and the objects in it that carry our labels.

    None where the cluster does not exist or does not answer: its objects then go with it; and where it is a stranger's.
    Raises: ProvisioningError when the cluster is protected against deletion.
    """
    cluster = next(step for step in opened.steps if step.kind == "cluster")
    if opened.strange_cluster:
        opened.stack.progress.note(
            f"{opened.strange_cluster} is not this stack's; it and what is in it stay as they are"
        )
        return None, []
    found = opened.read(cluster, fresh=True)
    if found is not None and is_ours(found.owner, opened.us) and (why := cluster.protection(found)):
        raise errors.ProvisioningError(f"{cluster.name}: {why}; nothing was deleted", PROTECTION_HINT)
    if found is None or not {"endpoint", "certificate_authority"} <= cluster.outputs(found).keys():
        return None, []  # one that failed while it was made may have only a part of what a client needs
    try:
        kube = opened.stack.kube(cluster.slug, cluster.outputs(found))
        return kube, [s for kind in KINDS if kind.world == "kube" for s in kind.survey(kube, opened.us.stack)]
    except errors.EksprovError as error:
        opened.stack.progress.note(f"the cluster does not answer ({error.message}); its objects go with it")
        return None, []
