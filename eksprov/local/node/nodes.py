"""One node's life: it registers, keeps its lease, becomes Ready once the CNI's pod runs, and leaves.

As on EKS a node without the CNI stays NotReady ("cni plugin not initialized"); the API server and its controllers
keep ordinary pods away meanwhile. Devices count from the moment their plugin's pod runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

import aiohttp

from eksprov.local.contract import NodeSpec
from eksprov.local.node import machine
from eksprov.local.node.events import EventRecorder
from eksprov.local.node.rest import APPLY, MERGE, STRATEGIC, ApiError, KubeRest

log = logging.getLogger(__name__)

RENEW_S = 10.0
RETRY_S = 0.3


class NodeRun:
    """Keeps one Node object; `ready` is true once the API server has been told so."""

    def __init__(
        self,
        spec: NodeSpec,
        version: str,
        rest: KubeRest,
        events: EventRecorder,
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self.spec = spec
        self.ready = False
        self._version = version
        self._rest = rest
        self._events = events
        self._now = now
        self._sleep = sleep
        self._roles: dict[str, set[str]] = {}
        self._networked = spec.complete
        self._told: tuple[bool, frozenset[str]] | None = None
        self._ever: frozenset[str] = frozenset()
        self._changed = asyncio.Event()
        self._path = f"/api/v1/nodes/{spec.name}"

    def role(self, role: str, pod_uid: str, runs: bool) -> None:
        """A stand-in that plays `role` runs here, or does so no longer."""
        players = self._roles.setdefault(role, set())
        before = (self._networked, self._plugins())
        (players.add if runs else players.discard)(pod_uid)
        # The CNI leaves its configuration on the node, so it stays networked when its pod is restarted.
        self._networked = self._networked or bool(self._roles.get("cni"))
        if before != (self._networked, self._plugins()):
            self._changed.set()

    def plays(self, role: str) -> bool:
        """Whether a stand-in that plays `role` runs here."""
        return bool(self._roles.get(role))

    async def run(self) -> None:
        """Register and live, for ever."""
        uid = await self._register()
        self._told = None  # whatever was written before, somebody may have changed it
        while True:
            self._changed.clear()
            await self._write(uid)
            await self._renew()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), RENEW_S)

    async def leave(self) -> None:
        """Take the Node object away."""
        self.ready = False
        await self._rest.delete(self._path)

    async def cordon(self) -> None:
        """Let nothing new come here."""
        with contextlib.suppress(ApiError):
            await self._rest.request("PATCH", self._path, {"spec": {"unschedulable": True}}, content_type=MERGE)

    async def _register(self) -> str:
        while True:
            try:
                made = await self._rest.request("POST", "/api/v1/nodes", machine.node(self.spec))
                return str(made["metadata"]["uid"])
            except ApiError as error:
                if error.status == 409:
                    return str((await self._rest.get(self._path))["metadata"]["uid"])
                log.info("node %s does not register: %s", self.spec.name, error.reason)
            except (aiohttp.ClientError, TimeoutError) as error:
                log.info("node %s does not register: %s", self.spec.name, type(error).__name__)
            await self._sleep(RETRY_S)

    async def _write(self, uid: str) -> None:
        facts = (self._networked, self._plugins())
        if facts == self._told:
            return
        networked, plugins = facts
        self._ever |= plugins
        status = machine.status(self.spec, self._version, networked, plugins, self._now())
        # A patch leaves alone what it does not name, so a plugin that went has to be named.
        status["allocatable"] |= {machine.DEVICES[lost]: "0" for lost in self._ever - plugins}
        await self._rest.request("PATCH", f"{self._path}/status", {"status": status}, content_type=STRATEGIC)
        if networked and not self.ready:
            message = f"Node {self.spec.name} status is now: NodeReady"
            self._events.node(self.spec.name, uid, "Normal", "NodeReady", message)
        self.ready = networked
        self._told = facts

    async def _renew(self) -> None:
        path = f"/apis/coordination.k8s.io/v1/namespaces/{machine.NAMESPACE_OF_LEASES}/leases/{self.spec.name}"
        try:
            lease = machine.lease(self.spec, self._now())
            await self._rest.request("PATCH", path, lease, {"fieldManager": "kubelet", "force": "true"}, APPLY)
        except ApiError as error:
            # The namespace of leases comes a moment after the API server.
            log.info("lease of node %s: %s", self.spec.name, error.reason)

    def _plugins(self) -> frozenset[str]:
        own = machine.DEVICES if self.spec.complete else self.spec.plugins
        return frozenset(role for role in machine.DEVICES if role in own or self._roles.get(role))
