"""Laws of probes in virtual time, and of a pod's status as it follows from its containers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from eksprov.local.contract import Json
from eksprov.local.node.containers import probes
from eksprov.local.node.containers.probes import ProbeCount, ProbeTiming
from eksprov.local.node.containers.states import (
    ContainerState,
    PodFacts,
    Running,
    Terminated,
    Waiting,
    phase,
    pod_status,
    qos_class,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    """Time that passes only by sleeping; `answers` gives a probe's success for a moment."""

    def __init__(self, answers: Callable[[float], bool]) -> None:
        self.now_s = 0.0
        self.failures: list[float] = []
        self._answers = answers

    async def sleep(self, seconds: float) -> None:
        if self.now_s > 1000:
            raise TimeoutError
        self.now_s += seconds
        await asyncio.sleep(0)

    async def check(self) -> str | None:
        return None if self._answers(self.now_s) else "down"

    def failed(self, _: str) -> None:
        self.failures.append(self.now_s)


def test_defaults_are_those_of_kubernetes() -> None:
    assert ProbeTiming.of({}) == ProbeTiming(0, 10, 1, 1, 3)


def test_a_verdict_needs_the_threshold_in_a_row() -> None:
    count = ProbeCount(ProbeTiming(success_threshold=2, failure_threshold=3))
    reached = [count.observe(one) for one in (False, False, True, False, False, False, True, True)]
    assert reached == [False, False, False, False, False, True, False, True]


def test_startup_succeeds_at_the_first_success_after_the_delay() -> None:
    clock = Clock(lambda now: now >= 9)
    timing = ProbeTiming(initial_delay_s=2, period_s=5, failure_threshold=10)
    assert asyncio.run(probes.startup(timing, clock.check, clock.failed, clock.sleep)) is True
    assert clock.now_s == 12
    assert clock.failures == [2, 7]


def test_startup_fails_when_its_budget_is_used_up() -> None:
    clock = Clock(lambda _: False)
    timing = ProbeTiming(period_s=5, failure_threshold=4)
    assert asyncio.run(probes.startup(timing, clock.check, clock.failed, clock.sleep)) is False
    assert clock.failures == [0, 5, 10, 15]


@pytest.mark.parametrize(("look_s", "begun"), [(0, [0, 2, 4, 6]), (2, [0, 2, 4, 6]), (3, [0, 3, 6, 9])])
def test_a_look_that_waits_for_its_answer_does_not_put_off_the_next(look_s: float, begun: list[float]) -> None:
    """So a budget of n periods lasts n periods, though each look takes as long as its time-out (30 s took 61)."""
    now, looks, wakers = 0.0, list[float](), list[tuple[float, asyncio.Event]]()

    async def sleep(seconds: float) -> None:
        wakers.append((now + seconds, event := asyncio.Event()))
        await event.wait()

    async def check() -> str | None:
        looks.append(now)
        await sleep(look_s)
        return "no answer"

    async def run() -> None:
        nonlocal now
        timing = ProbeTiming(period_s=2, failure_threshold=len(begun))
        probing = asyncio.ensure_future(probes.startup(timing, check, lambda _: None, sleep))
        while not probing.done():
            for _ in range(10):
                await asyncio.sleep(0)
            if wakers:
                now = min(at for at, _ in wakers)
                for at, event in [one for one in wakers if one[0] <= now]:
                    wakers.remove((at, event))
                    event.set()
        assert await probing is False

    asyncio.run(run())
    assert looks == begun


def test_liveness_ends_only_after_failures_in_a_row() -> None:
    clock = Clock(lambda now: now not in (10, 20) and now < 40)
    asyncio.run(probes.liveness(ProbeTiming(), clock.check, clock.failed, clock.sleep))
    assert clock.now_s == 60


def test_readiness_tells_each_change_of_verdict_once() -> None:
    clock = Clock(lambda now: 20 <= now < 50 or now >= 100)
    told: list[tuple[float, bool]] = []

    async def run() -> None:
        timing = ProbeTiming(failure_threshold=2)
        await probes.readiness(
            timing, clock.check, clock.failed, lambda ready: told.append((clock.now_s, ready)), clock.sleep
        )

    with pytest.raises(TimeoutError):
        asyncio.run(run())
    assert told == [(20, True), (60, False), (100, True)]


def test_a_probe_that_hangs_is_a_failure() -> None:
    async def hang() -> str | None:
        await asyncio.Event().wait()
        return None

    assert "no answer within" in str(asyncio.run(probes.within(hang, 0.001)))


def waiting(reason: str = "ContainerCreating", **more: Any) -> ContainerState:
    return ContainerState("c", "i", Waiting(reason), **more)


def running(**more: Any) -> ContainerState:
    return ContainerState("c", "i", Running(NOW), started=True, **more)


def ended(code: int) -> ContainerState:
    return ContainerState("c", "i", Terminated(code, "Error" if code else "Completed", NOW, NOW))


CRASHED = Terminated(1, "Error", NOW, NOW)


@pytest.mark.parametrize(
    ("inits", "mains", "policy", "expected"),
    [
        ([], [waiting()], "Always", "Pending"),
        ([], [running()], "Always", "Running"),
        ([], [running(), waiting()], "Always", "Pending"),
        ([], [waiting("CrashLoopBackOff", last=CRASHED)], "Always", "Running"),
        ([], [ended(0)], "Always", "Running"),
        ([], [ended(0)], "OnFailure", "Succeeded"),
        ([], [ended(0), ended(1)], "Never", "Failed"),
        ([], [ended(1)], "OnFailure", "Running"),
        ([waiting()], [waiting("PodInitializing")], "Always", "Pending"),
        ([ended(1)], [waiting("PodInitializing")], "Always", "Pending"),
        ([ended(1)], [waiting("PodInitializing")], "Never", "Failed"),
        ([ended(0)], [running()], "Always", "Running"),
        ([running(sidecar=True)], [running()], "Always", "Running"),
    ],
)
def test_the_phase_follows_from_the_containers(
    inits: list[ContainerState], mains: list[ContainerState], policy: str, expected: str
) -> None:
    assert phase(inits, mains, policy) == expected


def status_of(mains: list[ContainerState], pod: Json | None = None) -> Json:
    plain: Json = {"metadata": {"generation": 2}, "spec": {"containers": [{"name": "c"}]}}
    return pod_status(pod or plain, [], mains, PodFacts("10.0.0.5", "10.0.0.1", NOW, NOW))


def conditions_of(status: Json) -> dict[str, str]:
    return {one["type"]: one["status"] for one in status["conditions"]}


def test_a_pod_is_ready_when_all_its_containers_are() -> None:
    assert conditions_of(status_of([running(ready=True)]))["Ready"] == "True"
    unready = status_of([running(ready=True), running(ready=False)])
    assert conditions_of(unready)["Ready"] == "False"
    assert status_of([running()])["podIPs"] == [{"ip": "10.0.0.5"}]


def test_a_readiness_gate_holds_ready_back_but_not_the_containers() -> None:
    gate = {"conditionType": "lb.example/ready"}
    pod: Json = {"metadata": {}, "spec": {"containers": [], "readinessGates": [gate]}}
    found = conditions_of(status_of([running(ready=True)], pod))
    assert (found["Ready"], found["ContainersReady"]) == ("False", "True")
    pod["status"] = {"conditions": [{"type": "lb.example/ready", "status": "True"}]}
    assert conditions_of(status_of([running(ready=True)], pod))["Ready"] == "True"


def test_a_condition_keeps_the_time_of_its_last_change() -> None:
    before = [{"type": "PodScheduled", "status": "True", "lastTransitionTime": "2025-05-05T05:05:05Z"}]
    pod: Json = {"metadata": {}, "spec": {"containers": []}, "status": {"conditions": before}}
    found = {one["type"]: one["lastTransitionTime"] for one in status_of([running()], pod)["conditions"]}
    assert found["PodScheduled"] == "2025-05-05T05:05:05Z"
    assert found["Initialized"] == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({}, "BestEffort"),
        ({"limits": {"nvidia.com/gpu": "1"}}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed"),
        ({"requests": {"cpu": "1"}, "limits": {"cpu": "2", "memory": "1Gi"}}, "Burstable"),
    ],
)
def test_quality_of_service_follows_requests_and_limits(resources: Json, expected: str) -> None:
    assert qos_class({"spec": {"containers": [{"resources": resources}]}}) == expected
