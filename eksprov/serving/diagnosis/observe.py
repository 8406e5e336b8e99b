"""Reads what a Deployment's rollout looks like: the object, its pods, their events, the logs of what failed.

The only reading that `rollout` and `diagnose` need; both are pure functions of what it returns, so a failure's text
and the `diagnose` command say the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from eksprov.kube.api import KubeApi, Manifest
from eksprov.serving.workload import REVISION

LOG_LINES = 200  # a traceback of a server, and what the server says after it


@dataclass(frozen=True)
class Observation:
    """A rollout as seen at one moment. `pods` are those of the present revision, the oldest first; `events` are in the
    order in which they last happened; `logs` are by (pod, container)."""

    deployment: Manifest
    pods: tuple[Manifest, ...] = ()
    events: tuple[Manifest, ...] = ()
    logs: Mapping[tuple[str, str], str] = field(default_factory=dict)


def observe(kube: KubeApi, deployment: Manifest) -> Observation:
    """Read what belongs to a Deployment that has been read already."""
    meta, spec = deployment["metadata"], deployment["spec"]
    namespace, name = meta["namespace"], meta["name"]
    marks = spec["template"]["metadata"]["labels"]
    wanted = {**spec["selector"]["matchLabels"], **({REVISION: marks[REVISION]} if REVISION in marks else {})}
    selector = ",".join(f"{k}={v}" for k, v in sorted(wanted.items()))
    here = (p for p in kube.list("v1", "Pod", namespace, selector) if not p["metadata"].get("deletionTimestamp"))
    pods = tuple(sorted(here, key=lambda pod: str(pod["metadata"].get("creationTimestamp") or "")))
    known = {pod["metadata"]["name"] for pod in pods}
    concerned = (e for e in kube.list("v1", "Event", namespace) if _concerns(e, name, known))
    events = tuple(sorted(concerned, key=last_seen))
    return Observation(deployment, pods, events, _logs(kube, namespace, pods, events))


def _concerns(event: Manifest, deployment: str, pods: set[str]) -> bool:
    target = event.get("involvedObject") or {}
    name = str(target.get("name", ""))
    if target.get("kind") == "Pod":
        return name in pods
    if target.get("kind") == "ReplicaSet":
        return name.rpartition("-")[0] == deployment
    return target.get("kind") in ("Deployment", "HorizontalPodAutoscaler") and name == deployment


def last_seen(event: Manifest) -> str:
    """When an event last happened, in a form that sorts: of the two APIs for events one writes microseconds
    (https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/)."""
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    known = next((time for time in times if time), (event.get("metadata") or {}).get("creationTimestamp") or "")
    return str(known).rstrip("Z")


def asked_for_no_model(event: Manifest) -> bool:
    """Whether a start-up probe was told by the server that it has no such model."""
    message = str(event.get("message", ""))
    return event.get("reason") == "Unhealthy" and "Startup probe failed" in message and "statuscode: 404" in message


def _logs(
    kube: KubeApi, namespace: str, pods: tuple[Manifest, ...], events: tuple[Manifest, ...]
) -> dict[tuple[str, str], str]:
    """The last lines of each container that has ended badly: of the run before and of the present one, because it may
    have been started again since its status was read. So, too, of a server that runs and has no such model."""
    found: dict[tuple[str, str], str] = {}
    modelless = {str(e["involvedObject"].get("name", "")) for e in events if asked_for_no_model(e)}
    for pod in pods:
        name = pod["metadata"]["name"]
        for status in container_statuses(pod):
            ended = ended_badly(pod, status) or ({} if name in modelless else None)
            if ended is None:
                continue
            lines = [
                line
                for previous in (True, False)
                for line in kube.logs(namespace, name, status["name"], tail_lines=LOG_LINES, previous=previous)
            ]
            found[name, status["name"]] = "\n".join(lines) or str(ended.get("message", ""))
    return found


def container_statuses(pod: Manifest) -> Iterator[Manifest]:
    """The statuses of all containers, the init containers first."""
    status = pod.get("status") or {}
    yield from status.get("initContainerStatuses") or ()
    yield from status.get("containerStatuses") or ()


def is_ready(pod: Manifest) -> bool:
    """Whether a pod takes calls."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)


def ended_badly(pod: Manifest, status: Manifest) -> Manifest | None:
    """How a container's present or last run ended, when it should not have ended so.

    An init container is meant to end, with exit code 0. A server is not: MLServer, for one, ends with 0 when it cannot
    load a model.
    """
    meant_to_end = status in ((pod.get("status") or {}).get("initContainerStatuses") or ())
    for state in (status.get("state") or {}, status.get("lastState") or {}):
        ended: Manifest | None = state.get("terminated")
        if ended and (ended.get("exitCode", 0) != 0 or not meant_to_end):
            return ended
    return None
