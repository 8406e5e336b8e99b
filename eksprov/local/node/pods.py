"""One pod's life on a node: volumes, init containers in order, containers side by side, status, deletion.

The agent makes a `PodRun` for every pod that the scheduler binds to one of its nodes, hands it each newer version of
the object, and lets `run` go on until the pod has been deleted.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp

from eksprov.local.contract import Json, NodeSpec
from eksprov.local.home import private_folder
from eksprov.local.node.containers.container import ContainerRun
from eksprov.local.node.containers.images import UnknownImageError
from eksprov.local.node.containers.standins import ANNOTATION, StandIn
from eksprov.local.node.containers.states import PodFacts, Running, pod_status
from eksprov.local.node.containers.tools import Scene, Tools
from eksprov.local.node.containers.volumes import VolumeError, Volumes
from eksprov.local.node.rest import MERGE, STRATEGIC, ApiError, pod_path

log = logging.getLogger(__name__)


RETRY_S = 2.0
# Changes that come together are written together.
GATHER_S = 0.02
# What is still running when a node or the API server has dropped the pod gets no more than this.
HURRY_S = 1.0


class PodRun:
    """`on_role(role, pod uid, runs)` tells which part a stand-in of the pod plays on its node."""

    def __init__(self, tools: Tools, node: NodeSpec, pod: Json, on_role: Callable[[str, str, bool], None]) -> None:
        self._tools = tools
        self._on_role = on_role
        self.uid: str = pod["metadata"]["uid"]
        self.name = (pod["metadata"]["namespace"], pod["metadata"]["name"])
        self._scene = Scene(pod, node, "", tools.folder / "pods" / self.uid, {})
        self._started_at = tools.now()
        self._changed = asyncio.Event()
        self._leaving = asyncio.Event()
        self._gone = False
        self._written: Json = {}
        policy = pod["spec"].get("restartPolicy", "Always")
        init_policy = "Never" if policy == "Never" else "OnFailure"
        self._inits = [
            self._container(one, one.get("restartPolicy", init_policy), "initContainers")
            for one in pod["spec"].get("initContainers", [])
        ]
        self._mains = [self._container(one, policy, "containers") for one in pod["spec"]["containers"]]
        self.update(pod)

    @property
    def node_name(self) -> str:
        """The node it is bound to."""
        return self._scene.node.name

    @property
    def pod(self) -> Json:
        """The newest version of the object."""
        return self._scene.pod

    def update(self, pod: Json) -> None:
        """A newer version; a deletion timestamp begins the end."""
        self._scene.pod = pod
        if pod["metadata"].get("deletionTimestamp"):
            self._leaving.set()
        elif pod["spec"].get("readinessGates") or pod["spec"].get("ephemeralContainers"):
            self._changed.set()

    def vanish(self) -> None:
        """The object is gone (forced deletion): end without writing anything."""
        self._gone = True
        self._leaving.set()

    def container(self, name: str) -> ContainerRun | None:
        """The container of that name, or None."""
        return next((one for one in (*self._mains, *self._inits) if one.state.name == name), None)

    def running(self, name: str) -> bool:
        """Whether that container runs now."""
        found = self.container(name)
        return found is not None and isinstance(found.state.state, Running)

    async def run(self) -> None:
        """Run the pod from its binding to a node until its deletion is confirmed."""
        writing = asyncio.create_task(self._write_for_ever())
        # A pod that is being deleted when it is first seen is not begun any more.
        begins = asyncio.Event().wait if self._leaving.is_set() else self._live
        living: asyncio.Task[Any] = asyncio.create_task(begins())
        self._changed.set()
        try:
            await self._leaving.wait()
            await self._end(living)
        finally:
            for task in (writing, living):
                task.cancel()
            await asyncio.gather(writing, living, return_exceptions=True)
            self._forget()
        await self._confirm()

    def _container(self, spec: Json, policy: str, part: str) -> ContainerRun:
        return ContainerRun(self._tools, self._scene, spec, policy, part, self._change)

    def _change(self) -> None:
        for one in self._mains:
            if one.stand_in is not None and one.stand_in.role:
                self._on_role(one.stand_in.role, self.uid, isinstance(one.state.state, Running))
        self._changed.set()

    async def _live(self) -> None:
        """Everything that runs, again from the start after a failure of our own."""
        while True:
            try:
                await self._prepare()
                return await self._work()
            except (VolumeError, ApiError, aiohttp.ClientError, TimeoutError, OSError) as error:
                text = str(error) or type(error).__name__
                self._tools.events.pod(self._scene.pod, "Warning", "FailedMount", f"MountVolume.SetUp failed: {text}")
                log.info("pod %s/%s: %s", *self.name, type(error).__name__)
            except Exception as error:
                message = f"internal error of the local world: {type(error).__name__}"
                self._tools.events.pod(self._scene.pod, "Warning", "FailedSync", message)
                log.exception("pod %s/%s", *self.name)
            await self._tools.sleep(RETRY_S)

    async def _prepare(self) -> None:
        private_folder(self._scene.folder)
        if not self._scene.address:
            host = self._scene.pod["spec"].get("hostNetwork", False)
            address = self._scene.node.private_ip
            self._scene.address = address if host else self._tools.addresses.take(address)
        found = [self._stand_in(one) for one in (*self._inits, *self._mains)]
        if all(one is not None and one.runs is None for one in found):
            await self._mark()
        if any(one is not None and one.runs is not None for one in found):
            volumes = Volumes(self._tools.rest, self._scene.folder, self._scene.pod, self._scene.status)
            self._scene.volumes.update(await volumes.prepare())

    def _stand_in(self, one: ContainerRun) -> StandIn | None:
        try:
            return self._tools.recognise(one.state.image).stand_in
        except UnknownImageError:
            return None

    async def _mark(self) -> None:
        if self._scene.pod["metadata"].get("annotations", {}).get(ANNOTATION) != "true":
            patch = {"metadata": {"annotations": {ANNOTATION: "true"}}}
            with contextlib.suppress(ApiError):
                await self._tools.rest.request("PATCH", pod_path(*self.name), patch, content_type=MERGE)

    async def _work(self) -> None:
        sidecars: list[asyncio.Task[int]] = []
        try:
            for one in self._inits:
                if one.state.sidecar:
                    sidecars.append(asyncio.create_task(one.run()))
                    await one.started.wait()
                elif await one.run() != 0:
                    return
            async with asyncio.TaskGroup() as group:
                for one in self._mains:
                    group.create_task(one.run())
            for one in self._inits:
                if one.state.sidecar:
                    await one.stop(HURRY_S)
        finally:
            for task in sidecars:
                task.cancel()

    async def _end(self, living: asyncio.Task[Any]) -> None:
        metadata = self._scene.pod["metadata"]
        grace_s = HURRY_S if self._gone else float(metadata.get("deletionGracePeriodSeconds", 30))
        await asyncio.gather(*(one.stop(grace_s) for one in self._mains))
        await asyncio.gather(*(one.stop(min(grace_s, HURRY_S)) for one in reversed(self._inits)))
        # Containers that ran end by themselves now and tell their exit codes; those that never ran are dropped.
        if any(isinstance(one.state.state, Running) for one in self._mains):
            await asyncio.wait({living}, timeout=HURRY_S)

    def _forget(self) -> None:
        for one in self._mains:
            if one.stand_in is not None and one.stand_in.role:
                self._on_role(one.stand_in.role, self.uid, False)
        if not self._scene.pod["spec"].get("hostNetwork", False) and self._scene.address:
            self._tools.dial.close(self._scene.address)
            self._tools.addresses.give_back(self._scene.address)
        self._tools.identity.forget(self._scene.who)
        shutil.rmtree(self._scene.folder, ignore_errors=True)

    async def _confirm(self) -> None:
        """Tell the API server that nothing of the pod runs any more, so that it drops the object."""
        while not self._gone:
            body = {"gracePeriodSeconds": 0, "preconditions": {"uid": self.uid}}
            try:
                with contextlib.suppress(ApiError):
                    await self._write(final=True)
                await self._tools.rest.delete(pod_path(*self.name), body)
                return
            except (ApiError, aiohttp.ClientError, TimeoutError) as error:
                log.info("pod %s/%s is not confirmed as deleted: %s", *self.name, type(error).__name__)
                await self._tools.sleep(RETRY_S)

    async def _write_for_ever(self) -> None:
        while True:
            await self._changed.wait()
            await self._tools.sleep(GATHER_S)
            self._changed.clear()
            try:
                await self._write()
            except (ApiError, aiohttp.ClientError, TimeoutError) as error:
                if isinstance(error, ApiError) and error.status == 404:
                    continue
                log.info("status of pod %s/%s: %s", *self.name, error)
                await self._tools.sleep(RETRY_S)
                self._changed.set()

    async def _write(self, final: bool = False) -> None:
        inits = [one.state for one in self._inits]
        mains = [one.state for one in self._mains]
        node = self._scene.node
        facts = PodFacts(self._scene.address, node.private_ip, self._started_at, self._tools.now())
        status = pod_status(self._scene.pod, inits, mains, facts, final)
        if status == self._written:
            return
        answer = await self._tools.rest.request(
            "PATCH", f"{pod_path(*self.name)}/status", {"status": status}, content_type=STRATEGIC
        )
        self._written = status
        self._scene.pod["status"] = answer.get("status", {})

    @property
    def folder(self) -> Path:
        """Where the pod's files lie."""
        return self._scene.folder
