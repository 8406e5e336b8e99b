"""Where a rollout stands: ready, on its way, or failed and why. Pure.

Ready means that the controller has seen the present generation, that replicas are wanted, and that every one is of it
and available (the rule of `kubectl rollout status`,
https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#complete-deployment). With none wanted nothing
will ever answer: at 0 the autoscaler rests (https://github.com/kubernetes/kubernetes/issues/25238).
Failed means a finding for which waiting cannot help, or the Deployment's own progress deadline.
"""

from __future__ import annotations

from eksprov.core.step import READY, Phase, PhaseState
from eksprov.kube.api import Manifest
from eksprov.serving.diagnosis.diagnose import diagnose
from eksprov.serving.diagnosis.observe import Observation, is_ready


def complete(deployment: Manifest) -> bool:
    """Whether every replica is of the present generation and available, and there is one at all."""
    status, spec = deployment.get("status") or {}, deployment["spec"]
    wanted = spec.get("replicas", 1)
    return bool(
        wanted > 0
        and status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
        and status.get("updatedReplicas", 0) == wanted
        and status.get("replicas", 0) == wanted
        and status.get("availableReplicas", 0) == wanted
    )


def verdict(seen: Observation) -> Phase:
    """The rollout's phase; a failed one carries the top finding and what to do about it."""
    if complete(seen.deployment):
        return READY
    if not seen.deployment["spec"].get("replicas", 1):
        return Phase(PhaseState.MOVING, "0 replicas are wanted, and the autoscaler does nothing at 0")
    findings = diagnose(seen)
    top = findings[0] if findings else None
    if top is not None and (top.final or _overdue(seen.deployment)):
        return Phase(PhaseState.FAILED, f"{top.cause}: {top.evidence}. Next: {top.action}")
    if _overdue(seen.deployment):
        deadline = seen.deployment["spec"].get("progressDeadlineSeconds", 600)
        return Phase(PhaseState.FAILED, f"no progress for {deadline} s, and nothing in pods, events or logs says why")
    return Phase(PhaseState.MOVING, f"{_count(seen)}{_doing(seen, top.cause if top else '')}")


def _overdue(deployment: Manifest) -> bool:
    if (deployment.get("status") or {}).get("observedGeneration", 0) < deployment["metadata"].get("generation", 0):
        return False
    conditions = (deployment.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == "Progressing" and c.get("reason") == "ProgressDeadlineExceeded" for c in conditions)


def _count(seen: Observation) -> str:
    """How many replicas of the present revision are ready; those of the one before do not count."""
    wanted = seen.deployment["spec"].get("replicas", 1)
    return f"{sum(map(is_ready, seen.pods))} of {wanted} replicas ready"


def _doing(seen: Observation, trouble: str) -> str:
    """What the rollout is at, in a few words."""
    if trouble:
        return f"; {trouble}"
    stages = {_stage(pod) for pod in seen.pods} - {""}
    return f"; {', '.join(sorted(stages))}" if stages else ""


def _stage(pod: Manifest) -> str:
    status = pod.get("status") or {}
    if is_ready(pod):
        return ""
    inits = status.get("initContainerStatuses") or ()
    if any("running" in (one.get("state") or {}) for one in inits):
        return "fetching the model"
    if any("running" in (one.get("state") or {}) for one in status.get("containerStatuses") or ()):
        return "the server is loading the model"
    return "waiting for a node" if not pod.get("spec", {}).get("nodeName") else "starting"
