"""What shows each finding of a rollout, and their order: which comes first where two are there, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from eksprov.serving.workload import FETCH_CONTAINER, SERVER_CONTAINER


@dataclass(frozen=True)
class Seen:
    """What shows a cause: a pod's status, events of it and how often each happened, conditions of the Deployment."""

    status: dict[str, Any] = field(default_factory=dict)
    events: tuple[tuple[str, str], ...] = ()
    conditions: tuple[dict[str, str], ...] = ()
    count: int = 1


@dataclass(frozen=True)
class Row:
    """A cause, why it stands where it does, and what shows it: while waiting may help, and when it cannot any more."""

    cause: str
    why: str
    passing: Seen | None = None
    final: Seen | None = None


def refused(text: str) -> Seen:
    return Seen(conditions=({"type": "ReplicaFailure", "status": "True", "message": text},))


def unscheduled(text: str) -> Seen:
    return Seen({"conditions": [{"type": "PodScheduled", "reason": "Unschedulable", "message": text}]})


def container(state: dict[str, Any], restarts: int = 0, events: tuple[tuple[str, str], ...] = ()) -> Seen:
    one = {"name": SERVER_CONTAINER, "image": "a/b:1", "restartCount": restarts, "state": state}
    return Seen({"containerStatuses": [one]}, events)


def fetching(said: str, restarts: int = 0) -> Seen:
    ended = {"exitCode": 1, "reason": "Error", "message": said}
    one = {"name": FETCH_CONTAINER, "restartCount": restarts, "state": {"terminated": ended}}
    return Seen({"initContainerStatuses": [one]})


def waiting(reason: str, message: str) -> Seen:
    return container({"waiting": {"reason": reason, "message": message}})


def crashed(restarts: int, reason: str = "Error", code: int = 1) -> Seen:
    return container({"terminated": {"exitCode": code, "reason": reason}}, restarts)


PROBED = (("Unhealthy", "Startup probe failed: 503"), ("Killing", "Container server failed startup probe"))
NOT_BEGUN = {"containerStatuses": [{"name": SERVER_CONTAINER, "state": {"waiting": {"reason": "ContainerCreating"}}}]}
EVICTED = {"reason": "Evicted", "message": "The node was low on resource: memory."}

# Heaviest first. What stands in one line is of equal weight: which of them is told first is of no matter.
RANKS: tuple[tuple[Row, ...], ...] = (
    (
        Row(
            "the namespace's Pod Security does not allow the pods",
            "there are no pods at all, so whatever pods of before show is not it",
            final=refused('pods "x" is forbidden: violates PodSecurity "restricted:latest"'),
        ),
    ),
    (
        Row(
            "the memory limit is too low",
            "a crash by its memory limit is told with its cure; what its log says last is chance",
            crashed(0, "OOMKilled", 137),
            crashed(1, "OOMKilled", 137),
        ),
    ),
    (
        Row(
            "the pod may not read the model from S3",
            "the server has not begun, and nothing it does can be meant",
            fetching("An error occurred (AccessDenied) when calling ListObjectsV2: Access Denied"),
            fetching("An error occurred (AccessDenied) when calling ListObjectsV2: Access Denied", 2),
        ),
        Row(
            "the pod has no AWS identity",
            "as above",
            fetching("fatal error: Unable to locate credentials"),
            fetching("fatal error: Unable to locate credentials", 2),
        ),
        Row(
            "the model's files are not in S3",
            "as above",
            fetching("An error occurred (NoSuchBucket): the bucket does not exist"),
            fetching("An error occurred (NoSuchBucket): the bucket does not exist", 2),
        ),
    ),
    (
        Row(
            "the namespace's quota is used up",
            "some pods may run, and show what they have; the others are not made",
            final=refused('pods "x" is forbidden: exceeded quota: q'),
        ),
        Row(
            "the image a/b:1 cannot be pulled",
            "without an image nothing has run; with no such image nothing ever will",
            waiting("ErrImagePull", "dial tcp: i/o timeout"),
            waiting("InvalidImageName", "couldn't parse image name"),
        ),
    ),
    (
        Row(
            "the container cannot be made",
            "nothing has run, and the kubelet's own words say why",
            waiting("CreateContainerError", "context deadline exceeded"),
            waiting("CreateContainerConfigError", 'secret "x" not found'),
        ),
        Row(
            "the server runs and has no model of this name",
            "it answers, and nothing else that it shows is as near to the cause",
            final=Seen(
                {"containerStatuses": [{"name": SERVER_CONTAINER, "restartCount": 0, "state": {"running": {}}}]},
                (("Unhealthy", "Startup probe failed: HTTP probe failed with statuscode: 404"),),
                count=3,
            ),
        ),
    ),
    (
        Row(
            "the pods ask for a volume claim that does not exist",
            "no pod is placed before it is made",
            final=unscheduled('0/2 nodes are available: persistentvolumeclaim "x" not found.'),
        ),
    ),
    (
        Row(
            "a volume cannot be mounted",
            "nothing has run, and the kubelet's own words say why",
            Seen(NOT_BEGUN, (("FailedMount", "timed out waiting for the condition"),)),
            Seen(NOT_BEGUN, (("FailedMount", 'MountVolume.SetUp failed for volume "v" : secret "x" not found'),)),
        ),
    ),
    (
        Row(
            "the cluster has no nodes",
            "no pod finds a place, whatever it asks for",
            unscheduled("no nodes available to schedule pods"),
        ),
        Row(
            "Docker Hub limits how often images may be pulled",
            "it passes by itself",
            waiting("ErrImagePull", "toomanyrequests: You have reached your pull rate limit"),
        ),
        Row(
            "the server ends by itself",
            "its last words name the cause, but what kept it from its files or its memory comes first",
            crashed(1),
            crashed(3),
        ),
    ),
    (
        Row(
            "no node has enough free cpu",
            "an autoscaler may bring a node: a pod that runs and fails tells more",
            unscheduled("0/2 nodes are available: 2 Insufficient cpu."),
        ),
        Row(
            "the nodes hold as many pods as they can",
            "as above",
            unscheduled("0/2 nodes are available: 2 Too many pods."),
        ),
        Row(
            "fetching the model failed",
            "of unknown cause, and it is tried again: one that is known comes first",
            fetching("Connection was closed"),
            fetching("Connection was closed", 2),
        ),
    ),
    (
        Row(
            "every node has a taint that the model does not tolerate",
            "nodes that are just starting have one for a while",
            unscheduled("0/1 nodes are available: 1 node(s) had untolerated taint {team: red}."),
        ),
        Row("the node evicted the pod", "another pod has taken its place by now", Seen(EVICTED)),
    ),
    (
        Row(
            "no node suits the pods",
            "the scheduler's words, not understood",
            unscheduled("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity."),
        ),
        Row(
            "the server is not ready within its start-up time",
            "a symptom: whatever explains it comes first",
            final=container({"running": {}}, 1, PROBED),
        ),
    ),
    (
        Row(
            "the pods cannot be made",
            "not understood: whatever explains it comes first",
            refused("internal error"),
            refused('admission webhook "x" denied the request: no'),
        ),
    ),
    (
        Row(
            "the server stops answering",
            "it has answered before, so it is no reason that a rollout fails",
            container({"running": {}}, 1, (("Unhealthy", "Liveness probe failed: timeout"),)),
        ),
    ),
)
