"""A probe's counting and its clock, apart from how it looks: pure `ProbeCount`, and `watch` with a sleep passed in.

https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/: the defaults
below are documented there. A verdict changes only after as many equal answers in a row as the threshold asks for.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

from eksprov.local.contract import Json

Sleep = Callable[[float], Awaitable[None]]
Check = Callable[[], Awaitable[str | None]]


@dataclass(frozen=True)
class ProbeTiming:
    """Seconds and thresholds of one probe."""

    initial_delay_s: float = 0.0
    period_s: float = 10.0
    timeout_s: float = 1.0
    success_threshold: int = 1
    failure_threshold: int = 3

    @staticmethod
    def of(probe: Json) -> ProbeTiming:
        """Read a probe's fields, with Kubernetes' defaults."""
        return ProbeTiming(
            initial_delay_s=float(probe.get("initialDelaySeconds", 0)),
            period_s=float(probe.get("periodSeconds", 10)),
            timeout_s=float(probe.get("timeoutSeconds", 1)),
            success_threshold=int(probe.get("successThreshold", 1)),
            failure_threshold=int(probe.get("failureThreshold", 3)),
        )


class ProbeCount:
    """Counts equal answers in a row; `verdict` is None until the first threshold is reached."""

    def __init__(self, timing: ProbeTiming, verdict: bool | None = None) -> None:
        self._timing = timing
        self._last: bool | None = None
        self._run = 0
        self.verdict = verdict

    def observe(self, success: bool) -> bool:
        """Take one answer; True when the threshold of its kind is reached (again)."""
        self._run = self._run + 1 if success == self._last else 1
        self._last = success
        threshold = self._timing.success_threshold if success else self._timing.failure_threshold
        if self._run < threshold:
            return False
        self.verdict = success
        return True


async def startup(timing: ProbeTiming, check: Check, on_failure: Callable[[str], None], sleep: Sleep) -> bool:
    """Probe until it succeeds (True) or has failed too often (False)."""
    count = ProbeCount(timing)
    async with contextlib.aclosing(_looks(timing, check, on_failure, sleep)) as looks:
        async for good in looks:
            if count.observe(good):
                return good
    raise AssertionError("looks have no end")


async def readiness(
    timing: ProbeTiming,
    check: Check,
    on_failure: Callable[[str], None],
    on_verdict: Callable[[bool], None],
    sleep: Sleep,
) -> None:
    """Probe for ever and tell each change of verdict; it begins as not ready."""
    count = ProbeCount(timing, verdict=False)
    async with contextlib.aclosing(_looks(timing, check, on_failure, sleep)) as looks:
        async for good in looks:
            before = count.verdict
            if count.observe(good) and count.verdict != before:
                on_verdict(bool(count.verdict))


async def liveness(timing: ProbeTiming, check: Check, on_failure: Callable[[str], None], sleep: Sleep) -> None:
    """Probe until it has failed too often, then return."""
    count = ProbeCount(timing, verdict=True)
    async with contextlib.aclosing(_looks(timing, check, on_failure, sleep)) as looks:
        async for good in looks:
            if count.observe(good) and not count.verdict:
                return


async def _looks(
    timing: ProbeTiming, check: Check, on_failure: Callable[[str], None], sleep: Sleep
) -> AsyncGenerator[bool]:
    """Whether each look was good. One begins a period after the one before it *began*, or at its end where that is
    later: the kubelet's ticker goes on while a probe waits for its answer
    (https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/kubelet/prober/worker.go)."""
    await sleep(timing.initial_delay_s)
    while True:
        tick = asyncio.ensure_future(sleep(timing.period_s))
        try:
            problem = await check()
            if problem is not None:
                on_failure(problem)
            yield problem is None
            await tick
        finally:
            tick.cancel()


async def within(check: Check, timeout_s: float) -> str | None:
    """`check`, but a problem when it takes longer than the probe's time-out."""
    try:
        return await asyncio.wait_for(check(), timeout_s)
    except TimeoutError:
        return f"no answer within {timeout_s:g} s (context deadline exceeded)"
