"""From what was observed to what is wrong: findings, the likeliest cause first, each with its next action. Pure.

A finding is *final* when waiting cannot help: the rollout then fails at once instead of at its deadline. What the
kubelet and the scheduler say is matched by their own words (reasons and messages of Kubernetes 1.30 to 1.36).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from eksprov.serving.observe import Observation, container_statuses, ended_badly
from eksprov.serving.workload import FETCH_CONTAINER

Json = Mapping[str, Any]
CRASHES = 3  # a server that ended this often does so by itself
RETRIES = 2  # of the fetching container: the first failure may be an identity that is not there yet
RAISED = re.compile(r"(?:[a-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Interrupt|Exit|Stop\w*)(?:: .*)?$")
FAREWELLS = frozenset({"CancelledError", "KeyboardInterrupt", "SystemExit"})  # what a server that stops prints last
NO_IMAGE = ("not found", "does not know", "unknown", "denied", "unauthorized", "invalid reference")


@dataclass(frozen=True)
class Finding:
    """A cause, what shows it, what to do; `weight` ranks, `final` says that waiting cannot help."""

    cause: str
    evidence: str
    action: str
    weight: int
    final: bool = False

    def __str__(self) -> str:
        return f"{self.cause}: {self.evidence}"


def diagnose(seen: Observation) -> tuple[Finding, ...]:
    """All findings, the heaviest first; each cause once."""
    found: dict[str, Finding] = {}
    for look in _LOOKS:
        for finding in look(seen):
            known = found.get(finding.cause)
            if known is None or (finding.final and not known.final):
                found[finding.cause] = finding
    return tuple(sorted(found.values(), key=lambda f: (not f.final, -f.weight)))


def _refused_pods(seen: Observation) -> Iterator[Finding]:
    """Pods that the API server does not let in; the Deployment's condition repeats the ReplicaSet's words."""
    for condition in (seen.deployment.get("status") or {}).get("conditions") or ():
        if condition.get("type") != "ReplicaFailure" or condition.get("status") != "True":
            continue
        text = str(condition.get("message", ""))
        if "violates PodSecurity" in text:
            action = "change the fields the message names; the namespace enforces Pod Security"
            yield Finding("the namespace's Pod Security does not allow the pods", text, action, 95, final=True)
        elif "exceeded quota" in text:
            action = "lower cpu, memory_mib or replicas, or raise the namespace's ResourceQuota"
            yield Finding("the namespace's quota is used up", text, action, 90, final=True)
        else:
            yield Finding("the pods cannot be made", text, "read the message; running again tries again", 60)


def _unscheduled(seen: Observation) -> Iterator[Finding]:
    for pod in seen.pods:
        for condition in (pod.get("status") or {}).get("conditions") or ():
            if condition.get("type") == "PodScheduled" and condition.get("reason") == "Unschedulable":
                yield _no_room(str(condition.get("message", "")))


def _no_room(text: str) -> Finding:
    missing = re.findall(r"Insufficient ([\w./-]+?)(?=[,.]?(?:\s|$))", text)
    if missing:
        what = " and ".join(dict.fromkeys(missing))
        action = f"raise desired_size or choose a larger instance type in node_groups, or ask for less {what}"
        return Finding(f"no node has enough free {what}", text, action, 80)
    if "no nodes available" in text or text.startswith("0/0 nodes"):
        return Finding("the cluster has no nodes", text, "give a node group a desired_size above 0 and provision", 85)
    if "Too many pods" in text:
        return Finding("the nodes hold as many pods as they can", text, "raise desired_size in node_groups", 80)
    if "untolerated taint" in text:
        action = "nodes that are just starting become ready by themselves; else remove the taint from the node group"
        return Finding("every node has a taint that the model does not tolerate", text, action, 75)
    return Finding("no node suits the pods", text, "compare the pods' demands with the node groups", 70)


def _images(seen: Observation) -> Iterator[Finding]:
    for pod in seen.pods:
        for status in container_statuses(pod):
            waiting = (status.get("state") or {}).get("waiting") or {}
            reason, text = waiting.get("reason", ""), str(waiting.get("message", ""))
            if reason not in ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"):
                continue
            said = " ".join([text, *_event_texts(seen, pod, "Failed")])
            if "toomanyrequests" in said:
                action = "wait for the limit to pass, or mirror the image into the stack's ECR repository"
                yield Finding("Docker Hub limits how often images may be pulled", said.strip(), action, 85)
            else:
                final = reason == "InvalidImageName" or any(word in said for word in NO_IMAGE)
                action = "check that the image and tag exist and that the nodes may reach and read the registry"
                evidence = said.strip() or reason
                yield Finding(
                    f"the image {status.get('image', '')} cannot be pulled", evidence, action, 90, final=final
                )


def _fetching(seen: Observation) -> Iterator[Finding]:
    for pod in seen.pods:
        for status in (pod.get("status") or {}).get("initContainerStatuses") or ():
            ended = ended_badly(pod, status)
            if ended is None or status["name"] != FETCH_CONTAINER or ended.get("reason") == "OOMKilled":
                continue
            log = seen.logs.get((pod["metadata"]["name"], status["name"])) or str(ended.get("message", ""))
            final = status.get("restartCount", 0) >= RETRIES
            if re.search(r"AccessDenied|Access Denied|\b403\b|Forbidden", log):
                action = (
                    "run deploy-model again: it mends a role that eksprov made, which may read its own prefix alone; "
                    "one of yours (role_arn) must be allowed s3:GetObject there by whoever owns it"
                )
                yield Finding("the pod may not read the model from S3", _end(log), action, 92, final=final)
            elif "Unable to locate credentials" in log:
                action = "check the add-on eks-pod-identity-agent, then undeploy-model and deploy-model"
                yield Finding("the pod has no AWS identity", _end(log), action, 92, final=final)
            elif re.search(r"NoSuchBucket|does not exist|NoSuchKey", log):
                action = "provision, then deploy-model: the bucket or the files are gone"
                yield Finding("the model's files are not in S3", _end(log), action, 92, final=final)
            else:
                yield Finding(
                    "fetching the model failed", _end(log), "read the message; it is retried", 80, final=final
                )


def _crashes(seen: Observation) -> Iterator[Finding]:
    for pod in seen.pods:
        for status in container_statuses(pod):
            ended = ended_badly(pod, status)
            if ended is None or _killed_by_probe(seen, pod, ended):
                continue
            often = status.get("restartCount", 0)
            if ended.get("reason") == "OOMKilled":
                action = "raise the model's memory_mib"
                evidence = f"{status['name']} was killed at its memory limit {often + 1} times"
                yield Finding("the memory limit is too low", evidence, action, 93, final=often >= 1)
            elif status["name"] != FETCH_CONTAINER:
                log = seen.logs.get((pod["metadata"]["name"], status["name"]), "") or str(ended.get("message", ""))
                evidence = f"exit code {ended.get('exitCode')}, {often} restarts; last words: {_reason(log)}"
                yield Finding("the server ends by itself", evidence, _cure(log), 85, final=often >= CRASHES)


def _killed_by_probe(seen: Observation, pod: Json, ended: Json) -> bool:
    """Whether the kubelet ended a run (SIGTERM, then SIGKILL) that a probe had found wanting; `_probes` tells that."""
    told = any("probe" in text for text in _event_texts(seen, pod, "Killing"))
    return told and ended.get("exitCode") in (0, 137, 143) and ended.get("reason") != "OOMKilled"


def _cure(log: str) -> str:
    if re.search(r"InconsistentVersionWarning|incompatible dtype|Can't get attribute|__setstate__", log):
        return "train and save the model with the library versions that the runtime has"
    if found := re.search(r"No module named '?([\w.]+)", log):
        return f"the model needs {found[1]}, which the runtime does not have: use only its libraries"
    return "read the log with `eksprov logs`; try the model in the same runtime on your machine"


def _probes(seen: Observation) -> Iterator[Finding]:
    for pod in seen.pods:
        for text in _event_texts(seen, pod, "Unhealthy"):
            if text.startswith("Startup probe failed") and any(
                "startup probe" in killing for killing in _event_texts(seen, pod, "Killing")
            ):
                action = "raise the model's startup_timeout_s; if the log shows an error, mend that first"
                yield Finding("the server is not ready within its start-up time", text, action, 70)
            elif text.startswith("Liveness probe failed"):
                action = "raise cpu: a server that cannot answer in 5 s has too little of it"
                yield Finding("the server stops answering", text, action, 50)


def _evicted(seen: Observation) -> Iterator[Finding]:
    for pod in seen.pods:
        status = pod.get("status") or {}
        if status.get("reason") == "Evicted":
            text = str(status.get("message", ""))
            disk = "ephemeral" in text or "disk" in text.lower()
            action = "raise disk_size_gib of the node group" if disk else "give the node group more nodes"
            yield Finding("the node evicted the pod", text, action, 75)


def _configuration(seen: Observation) -> Iterator[Finding]:
    for pod in seen.pods:
        for status in container_statuses(pod):
            waiting = (status.get("state") or {}).get("waiting") or {}
            if waiting.get("reason") in ("CreateContainerConfigError", "CreateContainerError", "RunContainerError"):
                text = str(waiting.get("message", ""))
                yield Finding("the container cannot be made", text, "read the message", 88)


def _event_texts(seen: Observation, pod: Json, reason: str) -> list[str]:
    name = pod["metadata"]["name"]
    mine = (e for e in seen.events if (e.get("involvedObject") or {}).get("name") == name and e.get("reason") == reason)
    return [str(event.get("message", "")) for event in mine]


def _end(log: str) -> str:
    """The last lines of a log that say something, on one line."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return " | ".join(lines[-3:]) or "(no output)"


def _reason(log: str) -> str:
    """The last exception that a Python program printed, but for those of its going, else the last lines."""
    raised = [line for line in log.splitlines() if RAISED.match(line)]
    causes = [line for line in raised if line.split(":")[0].rpartition(".")[2] not in FAREWELLS]
    return (causes or raised or [_end(log)])[-1]


_LOOKS: tuple[Callable[[Observation], Iterator[Finding]], ...] = (
    _refused_pods,
    _unscheduled,
    _images,
    _fetching,
    _crashes,
    _probes,
    _evicted,
    _configuration,
)
