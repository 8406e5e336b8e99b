"""Pure: a pod's status from its containers' states, as the kubelet computes it.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/ defines phases and conditions.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from eksprov.local.contract import Json
from eksprov.local.node.events import timestamp

NO_DEBUGGER = "the local world's nodes run no ephemeral containers: they run pods as processes, without containers"


@dataclass(frozen=True)
class Waiting:
    """Not running yet, or not again yet."""

    reason: str
    message: str = ""


@dataclass(frozen=True)
class Running:
    """A process (or stand-in) is up since `started_at`."""

    started_at: datetime


@dataclass(frozen=True)
class Terminated:
    """It ended with `exit_code`; 128 + n stands for signal n."""

    exit_code: int
    reason: str
    started_at: datetime
    finished_at: datetime
    message: str = ""


@dataclass(frozen=True)
class ContainerState:
    """What is known of one container; a new value for every change."""

    name: str
    image: str
    state: Waiting | Running | Terminated = field(default_factory=lambda: Waiting("PodInitializing"))
    last: Terminated | None = None
    restarts: int = 0
    started: bool = False
    ready: bool = False
    container_id: str = ""
    sidecar: bool = False  # an init container with restartPolicy Always

    def now(self, state: Waiting | Running | Terminated, **changes: Any) -> ContainerState:
        """The same container in another state."""
        return replace(self, state=state, **changes)


def container_status(one: ContainerState) -> Json:
    return {
        "name": one.name,
        "image": one.image,
        "imageID": one.image if one.container_id else "",
        "containerID": one.container_id,
        "restartCount": one.restarts,
        "started": one.started,
        "ready": one.ready,
        "state": _state(one.state, one.container_id),
        "lastState": _state(one.last, one.container_id) if one.last else {},
    }


def _state(state: Waiting | Running | Terminated, container_id: str) -> Json:
    if isinstance(state, Waiting):
        waiting = {"reason": state.reason}
        return {"waiting": waiting | ({"message": state.message} if state.message else {})}
    if isinstance(state, Running):
        return {"running": {"startedAt": timestamp(state.started_at)}}
    terminated = {
        "exitCode": state.exit_code,
        "reason": state.reason,
        "startedAt": timestamp(state.started_at),
        "finishedAt": timestamp(state.finished_at),
        "containerID": container_id,
    }
    return {"terminated": terminated | ({"message": state.message} if state.message else {})}


def initialized(inits: list[ContainerState]) -> bool:
    """Whether every init container has succeeded, or is a sidecar that has started."""
    return all(_init_done(one) for one in inits)


def _init_done(one: ContainerState) -> bool:
    if one.sidecar:
        return one.started
    # Like the kubelet, an init container counts as ready once it has succeeded.
    return isinstance(one.state, Terminated) and one.state.exit_code == 0


def phase(inits: list[ContainerState], mains: list[ContainerState], restart_policy: str) -> str:
    """Pending, Running, Succeeded or Failed."""
    failed_init = any(
        isinstance(one.state, Terminated) and one.state.exit_code != 0 and not one.sidecar for one in inits
    )
    if failed_init and restart_policy == "Never":
        return "Failed"
    if not initialized(inits):
        return "Pending"
    if any(isinstance(one.state, Waiting) and one.last is None for one in mains):
        return "Pending"
    if all(isinstance(one.state, Terminated) for one in mains) and restart_policy != "Always":
        codes = [one.state.exit_code for one in mains if isinstance(one.state, Terminated)]
        if not any(codes):
            return "Succeeded"
        if restart_policy == "Never":
            return "Failed"
    return "Running"


def qos_class(pod: Json) -> str:
    """Guaranteed, Burstable or BestEffort, by the containers' requests and limits of cpu and memory alone
    (https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/)."""
    containers = pod["spec"]["containers"] + pod["spec"].get("initContainers", [])
    resources = [one.get("resources") or {} for one in containers]
    asked = {name for one in resources for of in ("requests", "limits") for name in one.get(of) or {}}
    if not asked & {"cpu", "memory"}:
        return "BestEffort"

    def guaranteed(one: Json) -> bool:
        limits, requests = one.get("limits") or {}, one.get("requests") or {}
        return all(name in limits and requests.get(name, limits[name]) == limits[name] for name in ("cpu", "memory"))

    return "Guaranteed" if all(map(guaranteed, resources)) else "Burstable"


@dataclass(frozen=True)
class PodFacts:
    """What a pod's status says beside its containers."""

    pod_ip: str
    host_ip: str
    started_at: datetime
    now: datetime


def pod_status(
    pod: Json, inits: list[ContainerState], mains: list[ContainerState], facts: PodFacts, final: bool = False
) -> Json:
    """The whole status as a patch; `final` when everything was ended on request."""
    policy = pod["spec"].get("restartPolicy", "Always")
    current = phase(inits, mains, "Never" if final else policy)
    status: Json = {
        "phase": current,
        "conditions": conditions(pod, inits, mains, current, facts.now),
        "startTime": timestamp(facts.started_at),
        "hostIP": facts.host_ip,
        "hostIPs": [{"ip": facts.host_ip}],
        "qosClass": qos_class(pod),
        "containerStatuses": [container_status(one) for one in mains],
    }
    if facts.pod_ip:
        status |= {"podIP": facts.pod_ip, "podIPs": [{"ip": facts.pod_ip}]}
    if inits:
        shown = [replace(one, ready=one.ready if one.sidecar else _init_done(one)) for one in inits]
        status["initContainerStatuses"] = [container_status(one) for one in shown]
    if debuggers := pod["spec"].get("ephemeralContainers"):
        status["ephemeralContainerStatuses"] = [container_status(_not_run(one, facts)) for one in debuggers]
    if "generation" in pod["metadata"]:
        status["observedGeneration"] = pod["metadata"]["generation"]
    return status


def _not_run(ephemeral: Json, facts: PodFacts) -> ContainerState:
    """An ephemeral container, as one that failed to start: `kubectl debug` would wait for it for ever."""
    ended = Terminated(128, "StartError", facts.started_at, facts.started_at, NO_DEBUGGER)
    return ContainerState(ephemeral["name"], ephemeral["image"], ended)


def conditions(
    pod: Json, inits: list[ContainerState], mains: list[ContainerState], current: str, now: datetime
) -> list[Json]:
    """The kubelet's conditions; a condition keeps the time of its last change."""
    unready = [one.name for one in mains if not one.ready]
    waiting_inits = [one.name for one in inits if not _init_done(one)]
    done = current in ("Succeeded", "Failed")
    reason = "PodCompleted" if current == "Succeeded" else "PodFailed" if done else "ContainersNotReady"
    message = "" if done else f"containers with unready status: [{' '.join(unready)}]"
    containers = not unready and not done
    gates = _open_gates(pod)
    init_message = f"containers with incomplete status: [{' '.join(waiting_inits)}]"
    wanted: list[tuple[str, bool, tuple[str, str]]] = [
        ("PodReadyToStartContainers", not done, ("", "")),
        ("Initialized", not waiting_inits, ("ContainersNotInitialized", init_message)),
        ("Ready", containers and not gates, _gate_reason(gates) if containers else (reason, message)),
        ("ContainersReady", containers, (reason, message)),
        ("PodScheduled", True, ("", "")),
    ]
    before = {one["type"]: one for one in pod.get("status", {}).get("conditions", [])}
    return [_condition(before.get(kind), kind, holds, why, now) for kind, holds, why in wanted]


def _open_gates(pod: Json) -> list[str]:
    gates = [gate["conditionType"] for gate in pod["spec"].get("readinessGates", [])]
    true = {one["type"] for one in pod.get("status", {}).get("conditions", []) if one["status"] == "True"}
    return [gate for gate in gates if gate not in true]


def _gate_reason(gates: list[str]) -> tuple[str, str]:
    return "ReadinessGatesNotReady", f'corresponding condition of pod readiness gate "{"".join(gates[:1])}" is not true'


def _condition(before: Json | None, kind: str, holds: bool, why: tuple[str, str], now: datetime) -> Json:
    status = "True" if holds else "False"
    changed = before is None or before["status"] != status
    at = timestamp(now) if before is None or changed else before["lastTransitionTime"]
    condition = {"type": kind, "status": status, "lastTransitionTime": at}
    # null takes back what an earlier patch has set.
    return condition | ({"reason": None, "message": None} if holds else {"reason": why[0], "message": why[1]})
