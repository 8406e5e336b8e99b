"""From what was observed to what is wrong: findings, the likeliest cause first, each with its next action. Pure.

A finding is *final* when waiting cannot help: the rollout then fails at once instead of at its deadline. Its evidence
is the latest that there is. What the kubelet and the scheduler say is matched by their own words (reasons and messages
of Kubernetes 1.30 to 1.36), what a server says by the structure of its tracebacks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from eksprov.kube.api import Manifest
from eksprov.serving.diagnosis.cures import cause_in, cure, may_pass
from eksprov.serving.diagnosis.observe import (
    Observation,
    asked_for_no_model,
    container_statuses,
    ended_badly,
    last_seen,
)
from eksprov.serving.spec import FETCH_MEMORY_MIB
from eksprov.serving.workload import FETCH_CONTAINER

CRASHES = 3  # a server that ended this often does so by itself
RETRIES = 2  # of the fetching container: the first failure may be an identity that is not there yet
NEVER_MADE = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")
NEVER_BEGAN = ("StartError", "ContainerCannotRun")  # a run that was over before its first instruction
NO_MODEL = 3  # answers in a row: before its models are read, MLServer knows none of them for a moment
RUNTIME = "eksprov.dev/runtime"
NO_IMAGE = re.compile(
    r"not found|does not know|does not exist|(?:manifest|name) unknown|access denied|denied:|[Uu]nauthorized"
    r"|authentication required|403 Forbidden|invalid reference|no match for platform|couldn't parse image"
)
NOT_THERE = re.compile(
    r'(?:secret|configmap|persistentvolumeclaim)s? "(?!kube-root-ca)[^"]*" not found|couldn\'t find key'
)
NEVER_RUNS = re.compile(r"non-root|executable file not found|no such file or directory|permission denied|exec format")
NEVER_LET_IN = re.compile(r"denied the request|is invalid: |(?:minimum|maximum) \S+ usage per|limit to request ratio")


@dataclass(frozen=True)
class Cause:
    """A cause, what shows it, what to do; `weight` ranks, `final` says that waiting cannot help."""

    cause: str
    evidence: str
    action: str
    weight: int
    final: bool = False

    def __str__(self) -> str:
        return f"{self.cause}: {self.evidence}"


def diagnose(seen: Observation) -> tuple[Cause, ...]:
    """All findings, the heaviest first; each cause once, with its latest evidence."""
    found: dict[str, Cause] = {}
    for look in _LOOKS:
        for finding in look(seen):
            known = found.get(finding.cause)
            if known is None or finding.final >= known.final:
                found[finding.cause] = finding
    return tuple(sorted(found.values(), key=lambda f: (not f.final, -f.weight)))


def _refused_pods(seen: Observation) -> Iterator[Cause]:
    """Pods that the API server does not let in; the Deployment's condition repeats the ReplicaSet's words."""
    for condition in (seen.deployment.get("status") or {}).get("conditions") or ():
        if condition.get("type") != "ReplicaFailure" or condition.get("status") != "True":
            continue
        text = str(condition.get("message", ""))
        if "violates PodSecurity" in text:
            action = "change the fields the message names; the namespace enforces Pod Security"
            yield Cause("the namespace's Pod Security does not allow the pods", text, action, 95, final=True)
        elif "exceeded quota" in text:
            action = "lower cpu, memory_mib or replicas, or raise the namespace's ResourceQuota"
            yield Cause("the namespace's quota is used up", text, action, 90, final=True)
        else:
            final = bool(NEVER_LET_IN.search(text))
            yield Cause("the pods cannot be made", text, "mend what the message names, then deploy again", 60, final)


def _unscheduled(seen: Observation) -> Iterator[Cause]:
    for pod in seen.pods:
        for condition in (pod.get("status") or {}).get("conditions") or ():
            if condition.get("type") == "PodScheduled" and condition.get("reason") == "Unschedulable":
                yield _no_room(str(condition.get("message", "")))


def _no_room(text: str) -> Cause:
    if NOT_THERE.search(text):
        action = "make the claim that the message names, or take it out of the pods"
        return Cause("the pods ask for a volume claim that does not exist", text, action, 87, final=True)
    missing = re.findall(r"Insufficient ([\w./-]+?)(?=[,.]?(?:\s|$))", text)
    if missing:
        what = " and ".join(dict.fromkeys(missing))
        action = f"raise desired_size or choose a larger instance type in node_groups, or ask for less {what}"
        return Cause(f"no node has enough free {what}", text, action, 80)
    if "no nodes available" in text or text.startswith("0/0 nodes"):
        return Cause("the cluster has no nodes", text, "give a node group a desired_size above 0 and provision", 85)
    if "Too many pods" in text:
        return Cause("the nodes hold as many pods as they can", text, "raise desired_size in node_groups", 80)
    if "untolerated taint" in text:
        action = "nodes that are just starting become ready by themselves; else remove the taint from the node group"
        return Cause("every node has a taint that the model does not tolerate", text, action, 75)
    return Cause("no node suits the pods", text, "compare the pods' demands with the node groups", 70)


def _images(seen: Observation) -> Iterator[Cause]:
    for pod in seen.pods:
        for status in container_statuses(pod):
            waiting = (status.get("state") or {}).get("waiting") or {}
            reason, text = waiting.get("reason", ""), str(waiting.get("message", ""))
            if reason not in ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"):
                continue
            image = str(status.get("image", ""))
            told = [
                said for said in _event_texts(seen, pod, "Failed") if "Failed to pull image" in said and image in said
            ]
            said = (told[-1] if told else text).strip() or reason  # a back-off's own message says the least
            if "toomanyrequests" in said:
                action = "wait for the limit to pass, or mirror the image into the stack's ECR repository"
                yield Cause("Docker Hub limits how often images may be pulled", said, action, 85)
            else:
                final = reason in ("InvalidImageName", "ErrImageNeverPull") or bool(NO_IMAGE.search(said))
                action = "check that the image and tag exist and that the nodes may reach and read the registry"
                yield Cause(f"the image {image} cannot be pulled", said, action, 90, final=final)


def _fetching(seen: Observation) -> Iterator[Cause]:
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
                yield Cause("the pod may not read the model from S3", _end(log), action, 92, final=final)
            elif "Unable to locate credentials" in log:
                action = "check the add-on eks-pod-identity-agent, then undeploy-model and deploy-model"
                yield Cause("the pod has no AWS identity", _end(log), action, 92, final=final)
            elif re.search(r"NoSuchBucket|does not exist|NoSuchKey", log):
                action = "provision, then deploy-model: the bucket or the files are gone"
                yield Cause("the model's files are not in S3", _end(log), action, 92, final=final)
            else:
                yield Cause("fetching the model failed", _end(log), "read the message; it is retried", 80, final=final)


def _crashes(seen: Observation) -> Iterator[Cause]:
    for pod in seen.pods:
        for status in container_statuses(pod):
            ended = ended_badly(pod, status)
            if ended is None or _killed_by_probe(seen, pod, ended) or ended.get("reason") in NEVER_BEGAN:
                continue
            often, fetches = status.get("restartCount", 0), status["name"] == FETCH_CONTAINER
            if ended.get("reason") == "OOMKilled":
                action = "raise the model's memory_mib"
                if fetches:
                    action = f"fetching has {FETCH_MEMORY_MIB} MiB, which no key changes: deploy fewer, larger files"
                evidence = f"{status['name']} was killed at its memory limit {often + 1} times"
                yield Cause("the memory limit is too low", evidence, action, 93, final=often >= 1)
            elif not fetches:
                log = seen.logs.get((pod["metadata"]["name"], status["name"]), "") or str(ended.get("message", ""))
                raised = cause_in(log)
                words = raised.line() if raised else _end(log)
                evidence = f"exit code {ended.get('exitCode')}, {often} restarts; last words: {words}"
                # What a file or a library raises twice it raises for ever.
                final = often >= CRASHES or (often >= 1 and raised is not None and not may_pass(raised))
                yield Cause("the server ends by itself", evidence, cure(raised, log, _runtime(seen)), 85, final)


def _killed_by_probe(seen: Observation, pod: Manifest, ended: Manifest) -> bool:
    """Whether the kubelet ended a run (SIGTERM, then SIGKILL) that a probe had found wanting; `_probes` tells that."""
    told = any("probe" in text for text in _event_texts(seen, pod, "Killing"))
    return told and ended.get("exitCode") in (0, 137, 143) and ended.get("reason") != "OOMKilled"


def _probes(seen: Observation) -> Iterator[Cause]:
    """What the latest failed probe of each pod says; what failed before a server had started is over when it has."""
    for pod in seen.pods:
        unhealthy = [e for e in _events(seen, pod, "Unhealthy") if "Readiness probe" not in str(e.get("message", ""))]
        started = any(one.get("started") for one in (pod.get("status") or {}).get("containerStatuses") or ())
        if not unhealthy:
            continue
        text = str(unhealthy[-1].get("message", ""))
        if "Liveness probe failed" in text:
            action = (
                "raise predict_timeout_s above the longest prediction, and cpu if it is always busy; "
                "`eksprov logs` shows what it was at"
            )
            yield Cause("the server stops answering", text, action, 50)
        elif not started:
            yield from _not_started(seen, pod, unhealthy)


def _not_started(seen: Observation, pod: Manifest, unhealthy: list[Manifest]) -> Iterator[Cause]:
    killings = [e for e in _events(seen, pod, "Killing") if "startup probe" in str(e.get("message", ""))]
    # A run that has just begun refuses connections, which is no evidence of why the one before it was ended.
    ended = last_seen(killings[-1]) if killings else ""
    latest = ([e for e in unhealthy if not killings or last_seen(e) <= ended] or unhealthy)[-1]
    log = "\n".join(text for (name, _), text in seen.logs.items() if name == pod["metadata"]["name"])
    text, raised = str(latest.get("message", "")), cause_in(log)
    shown = f"{text}; its log: {raised.line()}" if raised else text
    if asked_for_no_model(latest) and int(latest.get("count") or 1) >= NO_MODEL:
        action = (
            cure(raised, log, _runtime(seen))
            if raised
            else "a model-settings.json of yours must lie in the folder itself, with the model's name and an "
            "implementation; without one eksprov writes it"
        )
        yield Cause("the server runs and has no model of this name", shown, action, 88, final=True)
    elif killings:
        action = "raise the model's startup_timeout_s; if the log shows an error, mend that first"
        yield Cause("the server is not ready within its start-up time", shown, action, 70, final=True)


def _evicted(seen: Observation) -> Iterator[Cause]:
    for pod in seen.pods:
        status = pod.get("status") or {}
        if status.get("reason") == "Evicted":
            text = str(status.get("message", ""))
            disk = "ephemeral" in text or "disk" in text.lower()
            action = "raise disk_size_gib of the node group" if disk else "give the node group more nodes"
            yield Cause("the node evicted the pod", text, action, 75)


def _configuration(seen: Observation) -> Iterator[Cause]:
    for pod in seen.pods:
        for status in container_statuses(pod):
            state = status.get("state") or {}
            waiting = state.get("waiting") or {}
            told = waiting if waiting.get("reason") in NEVER_MADE else _never_began(status)
            if told is not None:
                text = str(told.get("message", ""))
                final = bool(NOT_THERE.search(text) or NEVER_RUNS.search(text) or "not found" in text)
                action = "make what the message names; deploy-model takes back what was changed by hand"
                yield Cause("the container cannot be made", text, action, 88, final)


def _never_began(status: Manifest) -> Manifest | None:
    """How the runtime refused to begin a container, at its present or its last start."""
    states = (status.get("state") or {}, status.get("lastState") or {})
    ended = (state.get("terminated") or {} for state in states)
    return next((one for one in ended if one.get("reason") in NEVER_BEGAN), None)


def _volumes(seen: Observation) -> Iterator[Cause]:
    """Of pods that none of whose containers has begun: what was mounted late is mounted."""
    for pod in seen.pods:
        if any(set(one.get("state") or {}) & {"running", "terminated"} for one in container_statuses(pod)):
            continue
        events = [*_events(seen, pod, "FailedMount"), *_events(seen, pod, "FailedAttachVolume")]
        if events:
            text = str(events[-1].get("message", ""))
            final = bool(NOT_THERE.search(text))
            yield Cause("a volume cannot be mounted", text, "make what the message names", 86, final)


def _runtime(seen: Observation) -> str:
    return str((seen.deployment["metadata"].get("labels") or {}).get(RUNTIME, ""))


def _events(seen: Observation, pod: Manifest, reason: str) -> list[Manifest]:
    """What has happened to a pod for this reason, the latest last."""
    name = pod["metadata"]["name"]
    return [e for e in seen.events if (e.get("involvedObject") or {}).get("name") == name and e.get("reason") == reason]


def _event_texts(seen: Observation, pod: Manifest, reason: str) -> list[str]:
    return [str(event.get("message", "")) for event in _events(seen, pod, reason)]


def _end(log: str) -> str:
    """The last lines of a log that say something, on one line."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return " | ".join(lines[-3:]) or "(no output)"


_LOOKS: tuple[Callable[[Observation], Iterator[Cause]], ...] = (
    _refused_pods,
    _unscheduled,
    _images,
    _fetching,
    _crashes,
    _probes,
    _evicted,
    _configuration,
    _volumes,
)
