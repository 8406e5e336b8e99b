"""One container's life: its image is recognised, it is started, probed, restarted with back-off, ended.

`ContainerRun.state` is the newest `ContainerState`; every change calls `on_change`, and the pod writes its status.
States, reasons and events are the kubelet's (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/).
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from eksprov.local.contract import Json
from eksprov.local.home import private_folder
from eksprov.local.node.containers import executions
from eksprov.local.node.containers.backoff import Backoff, restarts
from eksprov.local.node.containers.checks import Prober
from eksprov.local.node.containers.environment import ConfigMissingError
from eksprov.local.node.containers.images import Recognised, UnknownImageError
from eksprov.local.node.containers.launching import launch
from eksprov.local.node.containers.logs import ContainerLog, last_words
from eksprov.local.node.containers.probing import Probing
from eksprov.local.node.containers.standins import StandIn
from eksprov.local.node.containers.states import ContainerState, Running, Terminated, Waiting
from eksprov.local.node.containers.tools import Scene, Tools

# How long ErrImagePull is shown before it becomes ImagePullBackOff.
PULL_ERROR_S = 2.0


class ContainerRun:
    """Runs one container of a pod; `policy` is the pod's restartPolicy, or Always for a sidecar."""

    def __init__(
        self, tools: Tools, scene: Scene, spec: Json, policy: str, part: str, on_change: Callable[[], None]
    ) -> None:
        self._tools = tools
        self._scene = scene
        self._spec = spec
        self._policy = policy
        self._part = f"spec.{part}{{{spec['name']}}}"
        self._on_change = on_change
        self._backoff = Backoff(tools.backoff_s)
        self._execution: executions.Execution | None = None
        self._stopping = False
        self._seen = False
        self.started = asyncio.Event()
        self.stand_in: StandIn | None = None
        self._ends = part == "initContainers" and spec.get("restartPolicy") != "Always"
        sidecar = part == "initContainers" and spec.get("restartPolicy") == "Always"
        waiting = Waiting("PodInitializing")
        self.state = ContainerState(spec["name"], spec["image"], waiting, sidecar=sidecar)

    async def run(self) -> int:
        """Run until it has ended for good; its exit code."""
        while True:
            self.stand_in = (await self._pulled()).stand_in
            ended = await self._once(self.stand_in)
            if self._stopping or not restarts(self._policy, ended.exit_code):
                return ended.exit_code
            await self._wait_to_restart(ended)

    async def stop(self, grace_s: float) -> None:
        """preStop hook, SIGTERM, and SIGKILL when `grace_s` is over."""
        self._stopping = True
        execution = self._execution
        if execution is None:
            return
        self._event("Normal", "Killing", f"Stopping container {self.state.name}")
        used_s = await self._pre_stop(execution, grace_s)
        await execution.stop(max(grace_s - used_s, min(grace_s, 2.0)))

    def log_path(self, previous: bool = False) -> Path | None:
        """The log of the newest run, or of the one before; None where there is none yet."""
        number = self.state.restarts - (1 if previous else 0)
        path = self._log_folder / f"{number}.log"
        return path if path.exists() else None

    @property
    def _log_folder(self) -> Path:
        return self._scene.folder / "logs" / self.state.name

    def _set(self, state: Waiting | Running | Terminated, **changes: Any) -> None:
        self.state = self.state.now(state, **changes)
        self._on_change()

    def _event(self, kind: Literal["Normal", "Warning"], reason: str, message: str) -> None:
        self._tools.events.pod(self._scene.pod, kind, reason, message, self._part)

    async def _pulled(self) -> Recognised:
        """What stands in for the image; an unknown image is tried again for ever, as the kubelet pulls for ever."""
        image = self._spec["image"]
        self._set(self.state.state if self._seen else Waiting("ContainerCreating"))
        backoff = Backoff(self._tools.backoff_s)
        backoff.delay(0)
        while True:
            if not self._seen:
                self._event("Normal", "Pulling", f'Pulling image "{image}"')
            try:
                found = self._tools.recognise(image)
            except UnknownImageError as error:
                await self._not_pulled(image, str(error), backoff)
                continue
            self._tell_image(image, found)
            self._seen = True
            return found

    async def _not_pulled(self, image: str, problem: str, backoff: Backoff) -> None:
        self._event("Warning", "Failed", f'Failed to pull image "{image}": {problem}')
        self._event("Warning", "Failed", "Error: ErrImagePull")
        self._set(Waiting("ErrImagePull", problem))
        await self._tools.sleep(PULL_ERROR_S)
        self._event("Normal", "BackOff", f'Back-off pulling image "{image}"')
        self._event("Warning", "Failed", "Error: ImagePullBackOff")
        message = f'Back-off pulling image "{image}": ErrImagePull: {problem}'
        self._set(Waiting("ImagePullBackOff", message))
        await self._tools.sleep(backoff.delay(0))

    def _tell_image(self, image: str, found: Recognised) -> None:
        if self._seen:
            self._event("Normal", "Pulled", f'Container image "{image}" already present on machine')
            return
        self._event("Normal", "Pulled", f'Successfully recognised image "{image}"; nothing was downloaded')
        if found.stand_in.runs is None:
            self._event("Normal", "StandIn", f"stands in for {found.stand_in.name}: {found.stand_in.missing}")
        elif found.note:
            self._event("Warning", "OtherVersion", found.note)

    async def _once(self, stand_in: StandIn) -> Terminated:
        """One run, from creation to end."""
        number = self.state.restarts
        private_folder(self._log_folder)
        log = ContainerLog(self._log_folder / f"{number}.log", self._tools.now)
        began = self._tools.now()
        try:
            prepared = await self._configured(stand_in, log)
            self._event("Normal", "Created", f"Created container: {self.state.name}")
            try:
                self._execution = await executions.start(stand_in, prepared)
            except executions.StartError as error:
                self._event("Warning", "Failed", f"Error: {error}")
                ended = Terminated(128, "StartError", began, self._tools.now(), str(error))
            else:
                self._event("Normal", "Started", f"Started container {self.state.name}")
                code = await self._attended(self._execution)
                ended = self._terminated(code, log)
        finally:
            self._execution = None
            log.close()
        self._set(ended, started=False, ready=False)
        return ended

    async def _attended(self, execution: executions.Execution) -> int:
        """Watch a run: ports open, probes look, until it ends or a probe has it ended."""
        self._tools.dial.open(self._scene.address, execution.ports)
        identifier = f"eksprov://{uuid.uuid4().hex}"
        self._set(Running(self._tools.now()), container_id=identifier, last=self._last())
        end = asyncio.create_task(execution.wait())
        probing = asyncio.create_task(self._probe(execution))
        try:
            await asyncio.wait({end, probing}, return_when=asyncio.FIRST_COMPLETED)
            if not end.done():
                probing.result()  # a bug in probing is not to pass for a failed probe
                await execution.stop(self._scene.grace_s)
            return await end
        finally:
            probing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await probing
            if not end.done():
                await execution.stop(0)  # the pod's task was cancelled: nothing may go on running
            end.cancel()
            self._tools.dial.shut(self._scene.address, execution.ports)

    def _last(self) -> Terminated | None:
        return self.state.state if isinstance(self.state.state, Terminated) else self.state.last

    def _terminated(self, code: int, log: ContainerLog) -> Terminated:
        running = self.state.state
        began = running.started_at if isinstance(running, Running) else self._tools.now()
        message = ""
        if code != 0 and self._spec.get("terminationMessagePolicy") == "FallbackToLogsOnError":
            message = last_words(log.path)
        return Terminated(code, "Completed" if code == 0 else "Error", began, self._tools.now(), message)

    async def _wait_to_restart(self, ended: Terminated) -> None:
        delay = self._backoff.delay((ended.finished_at - ended.started_at).total_seconds())
        if delay:
            name, pod = self.state.name, self._scene.full_name
            self._event("Warning", "BackOff", f"Back-off restarting failed container {name} in pod {pod}")
            message = f"back-off {delay:g}s restarting failed container={name} pod={pod}"
            self._set(Waiting("CrashLoopBackOff", message), last=ended)
            await self._tools.sleep(delay)
        self.state = self.state.now(self.state.state, restarts=self.state.restarts + 1, last=ended)

    async def _configured(self, stand_in: StandIn, log: ContainerLog) -> executions.Launch:
        """Environment, mounts and folder; waits while a config map or secret is missing."""
        while True:
            try:
                return await launch(self._tools, self._scene, self._spec, stand_in, log, self._ends)
            except ConfigMissingError as error:
                self._event("Warning", "Failed", f"Error: {error}")
                self._set(Waiting("CreateContainerConfigError", str(error)))
                await self._tools.sleep(PULL_ERROR_S)

    async def _probe(self, execution: executions.Execution) -> None:
        """Returns when a probe asks for an end; a container without a process passes all probes."""
        if self._passes_all:
            self._is_started()
            await asyncio.Event().wait()
        prober = Prober(self._tools.web, self._spec, self._scene.address, execution.ports)
        probing = Probing(self._spec, prober, self._event, self._tools.sleep)
        failed = await probing.run(self._is_started, self._is_ready)
        self._event("Normal", "Killing", f"Container {self.state.name} failed {failed} probe, will be restarted")

    def _is_started(self) -> None:
        self._set(self.state.state, started=True, ready="readinessProbe" not in self._spec or self._passes_all)
        self.started.set()

    @property
    def _passes_all(self) -> bool:
        return self.stand_in is not None and not self.stand_in.answers_probes

    def _is_ready(self, ready: bool) -> None:
        self._set(self.state.state, ready=ready)

    async def _pre_stop(self, execution: executions.Execution, grace_s: float) -> float:
        """Carry out the preStop hook as far as that is possible; the seconds it was given."""
        hook = self._spec.get("lifecycle", {}).get("preStop")
        if not hook or self._passes_all:
            return 0.0
        if "sleep" in hook:
            seconds = min(float(hook["sleep"]["seconds"]), grace_s)
            await self._tools.sleep(seconds)
            return seconds
        prober = Prober(self._tools.web, self._spec, self._scene.address, execution.ports)
        problem = await prober.look(hook) if "httpGet" in hook else "exec is not possible in the local world"
        if problem:
            self._event("Warning", "FailedPreStopHook", problem)
        return 0.0
