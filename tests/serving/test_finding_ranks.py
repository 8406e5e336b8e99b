"""Which of two findings comes first: every pair of all there are, with the reason for each one's place.

The table is written down beside the product, and must name every finding that its source can make.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import pytest

from eksprov.preflight.findings import Finding as Checked
from eksprov.preflight.findings import Level, sorted_out
from eksprov.serving import diagnose as product
from eksprov.serving.diagnose import diagnose
from eksprov.serving.observe import Observation
from eksprov.serving.workload import FETCH_CONTAINER, SERVER_CONTAINER


@dataclass(frozen=True)
class Seen:
    """What shows a cause: a pod's status, events of it, conditions of the Deployment."""

    status: dict[str, Any] = field(default_factory=dict)
    events: tuple[tuple[str, str], ...] = ()
    conditions: tuple[dict[str, str], ...] = ()


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
            waiting("CreateContainerConfigError", "secret not found"),
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
            container({"running": {}}, 1, PROBED),
        ),
    ),
    (Row("the pods cannot be made", "not understood, and tried again", refused("internal error")),),
    (
        Row(
            "the server stops answering",
            "it has answered before, so it is no reason that a rollout fails",
            container({"running": {}}, 1, (("Unhealthy", "Liveness probe failed: timeout"),)),
        ),
    ),
)
ROWS = tuple(row for line in RANKS for row in line)
PLACE = {row.cause: place for place, line in enumerate(RANKS) for row in line}


def observation(*some: Seen) -> Observation:
    """All of it at once, each on a pod of its own."""
    pods, events = [], []
    for number, seen in enumerate(some):
        name = f"digits-{number}"
        pods.append({"metadata": {"name": name}, "spec": {}, "status": seen.status})
        for reason, message in seen.events:
            events.append({"reason": reason, "message": message, "involvedObject": {"kind": "Pod", "name": name}})
    status = {"conditions": [condition for seen in some for condition in seen.conditions]}
    return Observation({"metadata": {"name": "digits"}, "spec": {}, "status": status}, tuple(pods), tuple(events), {})


def shown() -> Iterator[tuple[str, bool, Seen]]:
    """Each cause in each of its two forms."""
    for row in ROWS:
        for final, seen in ((False, row.passing), (True, row.final)):
            if seen is not None:
                yield row.cause, final, seen


SHOWN = tuple(shown())


@pytest.mark.parametrize(("cause", "final", "seen"), SHOWN, ids=lambda value: str(value)[:40])
def test_what_shows_a_cause_shows_it_alone_and_whether_waiting_helps(cause: str, final: bool, seen: Seen) -> None:
    """So a run that was ended for its memory is no crash, nor one that a probe has ended."""
    assert [(one.cause, one.final) for one in diagnose(observation(seen))] == [(cause, final)]


KILLED = container({"waiting": {"reason": "CrashLoopBackOff"}}, 4, PROBED).status["containerStatuses"][0]
ENDED = {"exitCode": 137, "reason": "Error"}
LOOKS_LIKE_ANOTHER = {
    "memory, not S3": (
        "the memory limit is too low",
        Seen(
            {
                "initContainerStatuses": [
                    {
                        "name": FETCH_CONTAINER,
                        "restartCount": 0,
                        "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "message": "Access Denied"}},
                    }
                ]
            }
        ),
    ),
    "a probe, not the server": (
        "the server is not ready within its start-up time",
        Seen({"containerStatuses": [{**KILLED, "lastState": {"terminated": ENDED}}]}, PROBED),
    ),
    "the server, though a probe ended another run": (
        "the server ends by itself",
        Seen({"containerStatuses": [{**KILLED, "lastState": {"terminated": {**ENDED, "exitCode": 1}}}]}, PROBED[1:]),
    ),
    "something that is no probe": (
        "the server ends by itself",
        Seen(
            {"containerStatuses": [{**KILLED, "lastState": {"terminated": ENDED}}]},
            (("Killing", "Stopping container server"),),
        ),
    ),
}


@pytest.mark.parametrize("what", LOOKS_LIKE_ANOTHER)
def test_one_end_of_one_container_is_told_once_by_what_ended_it(what: str) -> None:
    cause, seen = LOOKS_LIKE_ANOTHER[what]
    assert [one.cause for one in diagnose(observation(seen))] == [cause]


def may_be_together(one: Seen, other: Seen) -> bool:
    """A Deployment has one condition of a type (https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/deployment-v1/)."""
    return not (one.conditions and other.conditions)


def test_of_every_two_findings_the_first_is_the_one_that_cannot_pass_and_else_the_heavier_one() -> None:
    wrong, looked = [], 0
    for (cause, final, seen), (other, other_final, other_seen) in itertools.permutations(SHOWN, 2):
        if cause == other or not may_be_together(seen, other_seen):
            continue
        first, second = (not final, PLACE[cause]), (not other_final, PLACE[other])
        if first >= second:
            continue
        looked += 1
        for together in ((seen, other_seen), (other_seen, seen)):
            found = [one.cause for one in diagnose(observation(*together))]
            if found != [cause, other]:
                wrong.append(f"{cause} (final: {final}) before {other} (final: {other_final}), but {found}")
    assert wrong == []
    assert looked > 300


def test_all_at_once_come_in_the_order_of_the_table() -> None:
    for final in (False, True):
        some = [(cause, seen) for cause, known, seen in SHOWN if known is final]
        for ordered in (some, some[::-1]):
            found = [PLACE[one.cause] for one in diagnose(observation(*(seen for _, seen in ordered)))]
            assert found == sorted(found)
            assert len(found) == len(some)


def test_a_cause_that_is_final_on_one_pod_is_told_as_final() -> None:
    for row in ROWS:
        if row.passing and row.final:
            for together in ((row.passing, row.final), (row.final, row.passing)):
                assert [(one.cause, one.final) for one in diagnose(observation(*together))] == [(row.cause, True)]


def causes_in_the_source() -> list[re.Pattern[str]]:
    """The first argument of every finding that `diagnose` makes; what is put into it may be anything."""
    tree = ast.parse(Path(product.__file__).read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Finding"]
    return [re.compile(_like(call.args[0])) for call in calls]


def _like(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return re.escape(str(node.value))
    assert isinstance(node, ast.JoinedStr), f"{ast.unparse(node)} is no text that this test can read"
    return "".join(_like(part) if isinstance(part, ast.Constant) else ".+" for part in node.values)


def test_the_table_names_every_finding_that_there_is_each_once() -> None:
    for like in causes_in_the_source():
        assert [row.cause for row in ROWS if like.fullmatch(row.cause)], f"no row for {like.pattern}"
    assert len(causes_in_the_source()) == len(ROWS) == len(PLACE)


def test_findings_before_a_run_come_worst_first_whatever_their_names() -> None:
    levels: tuple[Level, ...] = get_args(Level)
    assert levels == ("error", "warning", "info"), "errors stop a run, warnings may come true, the rest is news"
    for names in itertools.permutations("abc"):
        for order in itertools.permutations(zip(levels, names, strict=True)):
            listed = sorted_out((Checked(name, level, "said") for level, name in order), ()).listed
            assert tuple(one.level for one in listed) == levels
