"""Rollouts as data: for each observation the verdict, the cause and the next action."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from support.memory_kube import MemoryKube

from eksprov.serving.diagnosis.diagnose import diagnose
from eksprov.serving.diagnosis.observe import Observation, last_seen, observe
from eksprov.serving.diagnosis.rollout import verdict

CASES = yaml.safe_load((Path(__file__).parents[1] / "cases" / "rollouts.yaml").read_text())


def observation(case: dict[str, Any]) -> Observation:
    deployment = {
        "metadata": {"name": "digits", "namespace": "models", "generation": 2},
        "spec": {"replicas": case.get("replicas", 1), "progressDeadlineSeconds": 780},
        "status": case["status"],
    }
    pods = tuple(
        {
            "metadata": {"name": f"digits-{number}"},
            "spec": {"nodeName": pod.get("nodeName", "")},
            "status": {key: value for key, value in pod.items() if key != "nodeName"},
        }
        for number, pod in enumerate(case.get("pods", ()))
    )
    involved = {"metadata": {}, "involvedObject": {"kind": "Pod", "name": "digits-0"}}
    events = tuple(sorted(({**involved, **event} for event in case.get("events", ())), key=last_seen))
    logs = {("digits-0", container): text for container, text in case.get("logs", {}).items()}
    return Observation(deployment, pods, events, logs)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_the_verdict_and_the_top_finding_are_as_written(case: dict[str, Any]) -> None:
    want, seen = case["want"], observation(case)
    phase, findings = verdict(seen), diagnose(seen)
    assert phase.state.value == want["state"]
    assert want.get("message", "") in phase.message
    if "cause" in want:
        assert findings[0].cause == want["cause"]
        assert want.get("evidence", "") in findings[0].evidence
        assert want.get("action", "") in findings[0].action
        assert findings[0].cause in phase.message
    else:
        assert findings == ()


def test_a_failure_says_what_to_do_next() -> None:
    failed = [verdict(observation(case)).message for case in CASES if case["want"]["state"] == "failed"]
    assert all("Next: " in message or "says why" in message for message in failed)


def test_a_final_finding_comes_before_a_heavier_one_that_may_pass() -> None:
    crash = next(c for c in CASES if c["case"] == "the server crashes, and says why")
    no_node = next(c for c in CASES if c["case"] == "there are no nodes")
    both = {**crash, "pods": [*crash["pods"], *no_node["pods"]]}
    assert diagnose(observation(both))[0].cause == "the server ends by itself"


def test_pods_and_events_are_observed_in_the_order_of_time() -> None:
    """The API server lists them by name."""
    kube = MemoryKube()
    labels = {"app": "x"}
    deployment = {
        "metadata": {"name": "digits", "namespace": "default"},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}},
    }
    made = {"digits-a": "2026-11-30T10:00:09Z", "digits-b": "2026-11-30T10:00:01Z"}
    for name, at in made.items():
        meta = {"name": name, "namespace": "default", "labels": labels, "creationTimestamp": at}
        kube.apply_as("kubelet", {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "status": {}})
    times: dict[str, dict[str, Any]] = {
        "a": {"lastTimestamp": "2026-11-30T10:00:09Z"},
        "b": {"eventTime": "2026-11-30T10:00:07.000001Z"},
        "c": {"firstTimestamp": "2026-11-30T10:00:01Z", "lastTimestamp": "2026-11-30T10:00:08Z"},
        "d": {"eventTime": "2026-11-30T10:00:00.0Z", "series": {"lastObservedTime": "2026-11-30T10:00:07.5Z"}},
    }
    for name, when in times.items():
        event = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": "default"}}
        kube.apply_as("kubelet", {**event, **when, "involvedObject": {"kind": "Pod", "name": "digits-a"}})
    seen = observe(kube, deployment)
    assert [pod["metadata"]["name"] for pod in seen.pods] == ["digits-b", "digits-a"]
    assert [event["metadata"]["name"] for event in seen.events] == ["b", "d", "c", "a"]


def test_the_log_of_a_server_without_the_model_is_read_though_it_runs() -> None:
    kube = MemoryKube()
    labels = {"app": "x"}
    deployment = {
        "metadata": {"name": "digits", "namespace": "default"},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}},
    }
    running = {"name": "server", "state": {"running": {}}, "restartCount": 0}
    meta = {"name": "digits-a", "namespace": "default", "labels": labels}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "status": {"containerStatuses": [running]}}
    kube.apply_as("kubelet", pod)
    kube.lines["default", "digits-a", "server"] = ["Traceback (most recent call last):", "x.Odd: no model"]
    assert observe(kube, deployment).logs == {}
    event = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "default"}, "count": 3}
    said = {"reason": "Unhealthy", "message": "Startup probe failed: HTTP probe failed with statuscode: 404"}
    kube.apply_as("kubelet", {**event, **said, "involvedObject": {"kind": "Pod", "name": "digits-a"}})
    phase = verdict(observe(kube, {**deployment, "status": {}}))
    assert phase.state.value == "failed"
    assert "x.Odd: no model" in phase.message


def test_only_pods_of_the_present_revision_and_their_events_are_observed() -> None:
    kube = MemoryKube()
    labels = {"app": "x", "eksprov.dev/revision": "new"}
    deployment = {
        "metadata": {"name": "digits", "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"app": "x"}}, "template": {"metadata": {"labels": labels}}},
    }
    for name, revision in (("digits-1", "new"), ("digits-2", "old")):
        meta = {"name": name, "namespace": "default", "labels": {**labels, "eksprov.dev/revision": revision}}
        ended = {"name": "server", "state": {"terminated": {"exitCode": 1}}, "restartCount": 1}
        kube.apply_as(
            "kubelet",
            {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "status": {"containerStatuses": [ended]}},
        )
        event = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": "default"}}
        kube.apply_as("kubelet", {**event, "reason": "x", "involvedObject": {"kind": "Pod", "name": name}})
        kube.lines["default", name, "server"] = [f"last words of {name}"]
    seen = observe(kube, deployment)
    assert [pod["metadata"]["name"] for pod in seen.pods] == ["digits-1"]
    assert [event["metadata"]["name"] for event in seen.events] == ["digits-1"]
    assert seen.logs == {("digits-1", "server"): "last words of digits-1"}
