"""The objects of controllers as steps: kinds beyond those of models, workloads whose rollout is waited for, and
objects of kinds that the stack itself defines.

One that belongs to a kind whose definition is gone is gone with it; so these answer "absent" where the API server does
not know the kind.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, ClassVar, Final

from eksprov.core.billing import UNBILLED, BilledItem, Billing, Terms
from eksprov.core.step import READY, FoundResource, Phase, PhaseState, Timing, Traits
from eksprov.kube.api import KubeApi, Manifest, UnknownKindError
from eksprov.kube.blockers import blocked, pods_of
from eksprov.kube.objects import KubeObject, ObjectFacts, leaving, resources
from eksprov.kube.owned import flat

RBAC: Final = "rbac.authorization.k8s.io/v1"
DEFINITIONS: Final = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")
CLAIM: Final = ("karpenter.sh/v1", "NodeClaim")
POOL: Final = "karpenter.sh/nodepool"  # the label of claims and nodes that names their pool


OF_POOL: Final = "/node-pool-"  # in the name of the step of a Karpenter NodePool


def _billed(step: str, _facts: Any, _terms: Terms) -> Iterator[BilledItem]:
    """Karpenter's pools; its node classes cost nothing. How many nodes a pool has, pods decide."""
    if OF_POOL in step:
        yield BilledItem("unknown.node-pool", Decimal(1), f"nodes that Karpenter launches for {step.split(OF_POOL)[1]}")


@dataclass(frozen=True, kw_only=True)
class ControllerObject(KubeObject):
    """An object that is ready as soon as it is there. What models have too (service accounts, …) is surveyed there."""

    kind: ClassVar[str] = "controller-object"
    billing: ClassVar[Billing | None] = UNBILLED
    traits: ClassVar[Traits] = Traits(delete_in_motion=True)  # a rollout that finds no node would never end
    surveyed: ClassVar[tuple[tuple[str, str], ...]] = (
        (RBAC, "ClusterRole"),
        (RBAC, "ClusterRoleBinding"),
        (RBAC, "Role"),
        (RBAC, "RoleBinding"),
        ("v1", "ConfigMap"),
        ("scheduling.k8s.io/v1", "PriorityClass"),
        ("apps/v1", "DaemonSet"),
        DEFINITIONS,
    )

    def _phase(self, client: KubeApi, live: Manifest, fields: Mapping[str, str]) -> Phase:
        if (phase := leaving(live)) is not None:
            held = _held(client, live)
            return Phase(phase.state, f"{phase.message}, after {'; '.join(held)}") if held else phase
        served = _conditions(live).get("Established") == "True"
        if live["kind"] == DEFINITIONS[1] and self.manifest and not served:
            return Phase(PhaseState.MOVING, "the API server does not serve the kind yet")
        return super()._phase(client, live, fields)


@dataclass(frozen=True, kw_only=True)
class ControllerWorkload(ControllerObject):
    """A Deployment, in motion until every replica of the present generation is available."""

    kind: ClassVar[str] = "controller-workload"
    billing: ClassVar[Billing | None] = UNBILLED
    timing: ClassVar[Timing] = Timing(create_s=40, delete_s=35, create_limit_s=1800)
    surveyed: ClassVar[tuple[tuple[str, str], ...]] = ()  # the kind of models' Deployments finds these too

    def _phase(self, client: KubeApi, live: Manifest, fields: Mapping[str, str]) -> Phase:
        if (phase := leaving(live)) is not None:
            return phase
        if not self.manifest or fields != flat(self.manifest):
            return READY
        phase = rollout(live)
        if phase == READY or not (why := blocked(pods_of(client, live))):
            return phase
        return replace(phase, message=f"{phase.message}; {why}")


@dataclass(frozen=True, kw_only=True)
class CustomObject(ControllerObject):
    """An object of a kind that a definition of the stack brings."""

    kind: ClassVar[str] = "custom-object"
    billing: ClassVar[Billing | None] = Billing(_billed)
    timing: ClassVar[Timing] = Timing(create_s=1, delete_s=120)  # a controller's finalizer may have nodes to drain
    surveyed: ClassVar[tuple[tuple[str, str], ...]] = (
        ("karpenter.sh/v1", "NodePool"),
        CLAIM,
        ("karpenter.k8s.aws/v1", "EC2NodeClass"),
    )

    def discover(self, client: KubeApi, *, fresh: bool = False) -> ObjectFacts | None:
        """None also where the kind is not known: nothing of it can exist."""
        try:
            return super().discover(client, fresh=fresh)
        except UnknownKindError:
            return None

    @classmethod
    def list_owned(cls, client: KubeApi, stack: str) -> Iterable[FoundResource]:
        """Only those whose definition is there, and served: one just made, or on its way out, may not be."""
        names = {d["spec"]["names"]["kind"] for d in client.list(*DEFINITIONS) if "spec" in d}
        for one in cls.surveyed:
            if one[1] in names:
                with contextlib.suppress(UnknownKindError):
                    yield from resources(client, stack, one, cls.kind)


def rollout(live: Mapping[str, Any]) -> Phase:
    """Where a Deployment stands, by the rule of `kubectl rollout status`
    (https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#complete-deployment).
    """
    status, wanted = live.get("status") or {}, live["spec"].get("replicas", 1)
    seen = status.get("observedGeneration", 0) >= live["metadata"].get("generation", 0)
    counts = [status.get(key, 0) for key in ("updatedReplicas", "replicas", "availableReplicas")]
    if seen and counts == [wanted] * 3:
        return READY
    if seen and _conditions(live, "reason").get("Progressing") == "ProgressDeadlineExceeded":
        deadline = live["spec"].get("progressDeadlineSeconds", 600)
        return Phase(
            PhaseState.FAILED, f"no progress for {deadline} s: {_conditions(live, 'message').get('Available', '')}"
        )
    return Phase(PhaseState.MOVING, f"{status.get('availableReplicas', 0)} of {wanted} replicas available")


def _held(client: KubeApi, live: Manifest) -> tuple[str, ...]:
    """What must be gone before an object can go: a kind's objects before its definition, a pool's claims before it."""
    if live["kind"] == DEFINITIONS[1]:
        spec = live["spec"]
        return _leaving(client, f"{spec['group']}/{spec['versions'][0]['name']}", spec["names"]["kind"])
    if live["kind"] == "NodePool":
        return _leaving(client, *CLAIM, f"{POOL}={live['metadata']['name']}")
    return ()


def _leaving(client: KubeApi, api_version: str, kind: str, selector: str = "") -> tuple[str, ...]:
    """The objects on their way out, each with what it says it waits for, or its finalizers; none of a lost kind."""
    try:
        there = client.list(api_version, kind, selector=selector)
    except UnknownKindError:
        return ()
    found = []
    for live in there:
        meta = live["metadata"]
        if meta.get("deletionTimestamp"):
            conditions = (live.get("status") or {}).get("conditions") or ()
            told = [c["message"] for c in conditions if c.get("status") != "True" and c.get("message")]
            held = told or [f"finalizer {name}" for name in meta.get("finalizers") or ()]
            found.append(f"{kind} {meta['name']}" + (f" ({', '.join(held)})" if held else ""))
    return tuple(found)


def _conditions(live: Mapping[str, Any], key: str = "status") -> dict[str, str]:
    return {c["type"]: c.get(key, "") for c in (live.get("status") or {}).get("conditions") or ()}
