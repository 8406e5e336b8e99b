"""Reads what a Deployment's rollout looks like: the object, its pods, their events, the logs of what failed.

The only reading that `rollout` and `diagnose` need; both are pure functions of what it returns, so a failure's text
and the `diagnose` command say the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from eksprov.kube.api import KubeApi, Ref
from eksprov.serving.workload import REVISION

LOG_LINES = 200  # a traceback of a server, and what the server says after it
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Observation:
    """A rollout as seen at one moment. `pods` are those of the present revision; `logs` are by (pod, container)."""

    deployment: Json
    pods: tuple[Json, ...] = ()
    events: tuple[Json, ...] = ()
    logs: Mapping[tuple[str, str], str] = field(default_factory=dict)


def observe(kube: KubeApi, deployment: Json) -> Observation:
    """Read what belongs to a Deployment that has been read already."""
    meta, spec = deployment["metadata"], deployment["spec"]
    namespace, name = meta["namespace"], meta["name"]
    marks = spec["template"]["metadata"]["labels"]
    wanted = {**spec["selector"]["matchLabels"], **({REVISION: marks[REVISION]} if REVISION in marks else {})}
    pods = tuple(
        pod
        for pod in kube.list("v1", "Pod", namespace, ",".join(f"{k}={v}" for k, v in sorted(wanted.items())))
        if not pod["metadata"].get("deletionTimestamp")
    )
    known = {pod["metadata"]["name"] for pod in pods}
    events = tuple(e for e in kube.list("v1", "Event", namespace) if _concerns(e, name, known))
    return Observation(deployment, pods, events, _logs(kube, namespace, pods))


def observe_model(kube: KubeApi, namespace: str, name: str) -> Observation | None:
    """The same for a model by name, or None when it has no Deployment."""
    found = kube.get(Ref("apps/v1", "Deployment", namespace, name))
    return observe(kube, found) if found is not None else None


def _concerns(event: Json, deployment: str, pods: set[str]) -> bool:
    target = event.get("involvedObject") or {}
    name = str(target.get("name", ""))
    if target.get("kind") == "Pod":
        return name in pods
    if target.get("kind") == "ReplicaSet":
        return name.rpartition("-")[0] == deployment
    return target.get("kind") in ("Deployment", "HorizontalPodAutoscaler") and name == deployment


def _logs(kube: KubeApi, namespace: str, pods: tuple[Json, ...]) -> dict[tuple[str, str], str]:
    """The last lines of each container that has ended badly: of the run before and of the present one, because it may
    have been started again since its status was read."""
    found: dict[tuple[str, str], str] = {}
    for pod in pods:
        name = pod["metadata"]["name"]
        for status in container_statuses(pod):
            if not (ended := ended_badly(pod, status)):
                continue
            lines = [
                line
                for previous in (True, False)
                for line in kube.logs(namespace, name, status["name"], tail_lines=LOG_LINES, previous=previous)
            ]
            found[name, status["name"]] = "\n".join(lines) or str(ended.get("message", ""))
    return found


def container_statuses(pod: Json) -> Iterator[Json]:
    """The statuses of all containers, the init containers first."""
    status = pod.get("status") or {}
    yield from status.get("initContainerStatuses") or ()
    yield from status.get("containerStatuses") or ()


def ended_badly(pod: Json, status: Json) -> Json | None:
    """How a container's present or last run ended, when it should not have ended so.

    An init container is meant to end, with exit code 0. A server is not: MLServer, for one, ends with 0 when it cannot
    load a model.
    """
    meant_to_end = status in ((pod.get("status") or {}).get("initContainerStatuses") or ())
    for state in (status.get("state") or {}, status.get("lastState") or {}):
        ended: Json | None = state.get("terminated")
        if ended and (ended.get("exitCode", 0) != 0 or not meant_to_end):
            return ended
    return None
