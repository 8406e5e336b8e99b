"""How the stack's models are at this moment, as the pods that answer have them.

A Deployment says what is wanted; after a failed update that is not what is served. So contents, revision and readiness
are read from the pods. Why a model is not ready is what `serving.diagnosis.rollout` says of its rollout.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from eksprov.core.step import PhaseState
from eksprov.kube.api import KubeApi, Ref
from eksprov.kube.objects import STACK_LABEL
from eksprov.serving.diagnosis.observe import is_ready, observe
from eksprov.serving.diagnosis.rollout import complete, verdict
from eksprov.serving.workload import MODEL_DIGEST, REVISION

READY: Final = "ready"
ABSENT: Final = "not deployed"


@dataclass(frozen=True)
class Listed:
    """A model of the config or on the cluster."""

    name: str
    namespace: str
    wanted: int  # replicas asked for
    ready: int  # replicas that answer
    digest: str  # of the contents that are served; empty: none
    url: str  # its address inside the cluster
    state: str  # what it is, in a few words
    revision: str = ""  # of the replicas that answer; several, with commas, while one replaces another
    wanted_digest: str = ""  # of the contents to be served
    reason: str = ""  # why it is not ready; empty: it is
    in_config: bool = True  # whether the config has it


def listed(kube: KubeApi, stack: str, name: str, namespace: str, *, refusal: str, in_config: bool) -> Listed:
    """One model as it is now; `refusal` is what its last deployment has recorded against its answers, if anything."""
    live = kube.get(Ref("apps/v1", "Deployment", namespace, name))
    if live is None:
        return Listed(name, namespace, 0, 0, "", "", ABSENT, in_config=in_config)
    pods = kube.list("v1", "Pod", namespace, f"app.kubernetes.io/name={name},{STACK_LABEL}={stack}")
    answering = [pod for pod in pods if is_ready(pod) and not pod["metadata"].get("deletionTimestamp")]
    revision = _marks(answering, "labels", REVISION)
    state, reason = _state(kube, live, len(answering), revision)
    if state == READY and refusal:
        state, reason = "cannot answer", refusal
    return Listed(
        name=name,
        namespace=namespace,
        wanted=int(live["spec"].get("replicas", 1)),
        ready=len(answering),
        digest=_marks(answering, "annotations", MODEL_DIGEST),
        url=f"http://{name}.{namespace}.svc.cluster.local/v2/models/{name}/infer",
        state=state,
        revision=revision,
        wanted_digest=(live["metadata"].get("annotations") or {}).get(MODEL_DIGEST, ""),
        reason=reason,
        in_config=in_config,
    )


def _state(kube: KubeApi, live: Mapping[str, Any], ready: int, revision: str) -> tuple[str, str]:
    """What it is in a few words, and why it is not ready."""
    if live["metadata"].get("deletionTimestamp"):
        return "being deleted", ""
    if complete(live) and ready:
        return READY, ""
    phase = verdict(observe(kube, live))
    if not live["spec"].get("replicas", 1):
        return "scaled to 0", f"{phase.message}; deploy-model sets it back"
    replaces = ready and revision != (live["metadata"].get("labels") or {}).get(REVISION, "")
    if phase.state is PhaseState.FAILED:
        return ("update failed" if replaces else "failed"), phase.message
    if replaces:
        return "updating", phase.message
    return ("partly ready" if ready else "not ready"), phase.message


def _marks(pods: list[dict[str, Any]], where: str, key: str) -> str:
    found = {str((pod["metadata"].get(where) or {}).get(key, "")) for pod in pods}
    return ",".join(sorted(found - {""}))
