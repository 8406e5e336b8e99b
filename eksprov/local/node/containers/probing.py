"""The three probes of one container that runs: startup first, then liveness and readiness side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

from eksprov.local.contract import Json
from eksprov.local.node.containers import probes
from eksprov.local.node.containers.checks import Prober

Tell = Callable[[Literal["Normal", "Warning"], str, str], None]


class Probing:
    """Probes one run; `tell(type, reason, message)` writes an event."""

    def __init__(self, spec: Json, prober: Prober, tell: Tell, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._spec = spec
        self._prober = prober
        self._tell = tell
        self._sleep = sleep

    async def run(
        self, on_started: Callable[[], None], on_ready: Callable[[bool], None]
    ) -> Literal["startup", "liveness"]:
        """Probe until one of them asks for an end; its name."""
        self._mention_exec()
        if "startupProbe" in self._spec:
            timing, look, complain = self._parts("startupProbe")
            if not await probes.startup(timing, look, complain, self._sleep):
                return "startup"
        on_started()
        if "readinessProbe" not in self._spec:
            await self._liveness()
            return "liveness"
        timing, look, complain = self._parts("readinessProbe")
        ready = asyncio.create_task(probes.readiness(timing, look, complain, on_ready, self._sleep))
        alive = asyncio.create_task(self._liveness())
        try:
            done, _ = await asyncio.wait({ready, alive}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            ready.cancel()
            alive.cancel()
        return "liveness"

    async def _liveness(self) -> None:
        if "livenessProbe" not in self._spec:
            await asyncio.Event().wait()
        timing, look, complain = self._parts("livenessProbe")
        await probes.liveness(timing, look, complain, self._sleep)

    def _parts(self, kind: str) -> tuple[probes.ProbeTiming, probes.Check, Callable[[str], None]]:
        probe = self._spec[kind]
        timing = probes.ProbeTiming.of(probe)
        title = kind.removesuffix("Probe").capitalize()

        async def look() -> str | None:
            return await probes.within(lambda: self._prober.look(probe), timing.timeout_s)

        return timing, look, lambda problem: self._tell("Warning", "Unhealthy", f"{title} probe failed: {problem}")

    def _mention_exec(self) -> None:
        for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
            if "exec" in self._spec.get(kind, {}):
                message = f"the local world cannot carry out the exec action of {kind}; it counts as passed"
                self._tell("Warning", "ProbeWarning", message)
