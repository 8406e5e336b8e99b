"""All nodes of one cluster, in one thread with one event loop: the stand-in for its kubelets and for EKS's own hands.

Other threads say what they want (`add_nodes`, `install_addon`, …) and return at once; the loop brings it about and
tries again until it holds. Nothing here ends silently: every task runs under `supervised`, which logs a failure and
starts it again.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp

from eksprov.errors import LocalWorldError
from eksprov.local.contract import AddonHealth, AddonSpec, AutoMode, AwsSide, ClusterSpec, NodeSpec
from eksprov.local.controlplane.process import AdminAccess
from eksprov.local.home import private_folder
from eksprov.local.node.containers.backoff import BASE_S
from eksprov.local.node.containers.identity import CredentialEndpoint
from eksprov.local.node.containers.images import Recognised, recognise
from eksprov.local.node.containers.processes import ProcessTable
from eksprov.local.node.containers.tools import Tools, utc_now
from eksprov.local.node.desired import Desired
from eksprov.local.node.events import EventRecorder
from eksprov.local.node.fleet import Fleet
from eksprov.local.node.kubelet import KubeletEndpoint
from eksprov.local.node.network import AddressPool, DialTable
from eksprov.local.node.ondemand.provisioner import Provisioner
from eksprov.local.node.rest import KubeRest
from eksprov.local.node.supervision import supervised

log = logging.getLogger(__name__)

START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 10.0
CLOSING_S = 0.2

# (certificate, key) for a kubelet at these addresses.
Certify = Callable[[str, tuple[str, ...]], tuple[Path, Path]]


@dataclass(frozen=True)
class Surroundings:
    """Where a cluster's agent lives: its way in, its files, the AWS half, the table its egress dials by."""

    spec: ClusterSpec
    kubelet_version: str
    access: AdminAccess
    certify: Certify
    dial: DialTable
    folder: Path
    aws: AwsSide


class NodeAgent:
    """The nodes of one cluster; every public method may be called from any thread and returns at once."""

    def __init__(
        self,
        around: Surroundings,
        recognise_image: Callable[[str], Recognised] = recognise,
        now: Callable[[], datetime] = utc_now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        backoff_s: float = BASE_S,
    ) -> None:
        self._around = around
        self._recognise = recognise_image
        self._now = now
        self._sleep = sleep
        self._backoff_s = backoff_s
        self._processes = ProcessTable(around.folder)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._started = threading.Event()
        self._thread: threading.Thread | None = None
        self._fleet: Fleet | None = None
        self._desired: Desired | None = None
        self._provisioner: Provisioner | None = None

    def start(self) -> None:
        """Begin; raises LocalWorldError when the loop does not come up."""
        private_folder(self._around.folder)
        name = f"nodes-{self._around.spec.name}"
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()
        if not self._started.wait(START_TIMEOUT_S) or self._fleet is None:
            raise LocalWorldError(f"the nodes' agent of cluster {self._around.spec.name} does not start")

    def stop(self) -> list[str]:
        """End every process and the loop; the names of what was killed. May be called twice."""
        if self._loop is not None and self._stopping is not None and self._thread is not None:
            if self._thread.is_alive():
                self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(STOP_TIMEOUT_S)
        return self._processes.kill_all()

    def add_nodes(self, nodes: tuple[NodeSpec, ...]) -> None:
        """Have these nodes register; known ones stay as they are."""
        self._call(lambda fleet, _: fleet.add(nodes))

    def remove_nodes(self, names: tuple[str, ...]) -> None:
        """Drain these nodes and take them away."""
        self._call(lambda fleet, _: fleet.remove(names))

    def node_ready(self, name: str) -> bool:
        """Whether the API server has been told that the node is Ready."""
        return self._fleet is not None and self._fleet.ready(name)

    def set_auto_mode(self, wish: AutoMode | None) -> None:
        """Bring Auto Mode's pools, and nodes for whatever finds none; or take both away."""

        def act(_: Fleet, desired: Desired) -> None:
            desired.set_auto_mode(wish)
            if self._provisioner is not None:
                self._provisioner.set_auto_mode(wish)

        self._call(act)

    def install_addon(self, addon: AddonSpec) -> None:
        """Bring the add-on's objects into kube-system."""
        self._call(lambda _, desired: desired.install(addon))

    def remove_addon(self, name: str) -> None:
        """Take the add-on's objects away."""
        self._call(lambda _, desired: desired.remove(name))

    def addon_health(self, name: str) -> AddonHealth:
        """Whether the add-on's workloads are available."""
        return self._desired.health(name) if self._desired else AddonHealth(False, "the cluster is starting")

    def sync_access(self, policies: Mapping[str, str]) -> None:
        """Bind each group to its ClusterRole, and unbind what is named no longer."""
        wanted = dict(policies)
        self._call(lambda _, desired: desired.bind(wanted))

    def _call(self, act: Callable[[Fleet, Desired], Any]) -> None:
        fleet, desired, loop = self._fleet, self._desired, self._loop
        if loop is None or fleet is None or desired is None:
            raise RuntimeError("the agent was not started")
        if not loop.is_closed():
            loop.call_soon_threadsafe(act, fleet, desired)

    def _serve(self) -> None:
        try:
            asyncio.run(self._main())
        except Exception:  # the end of a thread: whatever it was must stand in the log
            log.exception("the nodes' agent of cluster %s has ended", self._around.spec.name)
        finally:
            self._started.set()

    async def _main(self) -> None:
        around = self._around
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        rest = KubeRest(around.access.endpoint, around.access.ssl_context(), self._sleep)
        events = EventRecorder(rest, self._now)
        identity = CredentialEndpoint(around.spec.arn, around.aws)
        await identity.start()
        web = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True))
        tools = self._tools(rest, events, identity, web)
        kubelet, fleet = await self._open(tools)
        desired = Desired(rest, around.spec, self._sleep)
        provisioner = Provisioner(tools, fleet, around.spec.arn)
        self._fleet, self._desired, self._provisioner = fleet, desired, provisioner
        self._started.set()
        bodies = {"events": events.run, "pods": fleet.watch, "desired": desired.run, "workloads": desired.watch}
        bodies |= {"homeless pods": provisioner.watch, "nodes on demand": provisioner.run}
        tasks = [asyncio.create_task(supervised(name, body, self._sleep)) for name, body in bodies.items()]
        await self._stopping.wait()
        for task in (*tasks, *fleet.tasks()):
            task.cancel()
        await asyncio.gather(*tasks, *fleet.tasks(), return_exceptions=True)
        await self._processes.close()
        await asyncio.to_thread(self._processes.kill_all)
        for closing in (kubelet.stop, identity.stop, web.close, rest.close):
            await closing()
        # TLS connections take a few turns of the loop to close (https://docs.aiohttp.org/en/stable/client_advanced.html).
        await asyncio.sleep(CLOSING_S)

    def _tools(
        self, rest: KubeRest, events: EventRecorder, identity: CredentialEndpoint, web: aiohttp.ClientSession
    ) -> Tools:
        return Tools(
            rest=rest,
            events=events,
            dial=self._around.dial,
            addresses=AddressPool(self._around.spec.subnet_cidrs, self._around.spec.pod_cidrs),
            processes=self._processes,
            identity=identity,
            aws=self._around.aws,
            web=web,
            folder=self._around.folder,
            recognise=self._recognise,
            now=self._now,
            sleep=self._sleep,
            backoff_s=self._backoff_s,
        )

    async def _open(self, tools: Tools) -> tuple[KubeletEndpoint, Fleet]:
        """The fleet and its kubelet endpoint, which know one another."""
        around = self._around
        fleet = Fleet(tools, around.kubelet_version)
        kubelet = KubeletEndpoint(fleet, around.access.ca_path, self._now)

        def certify(addresses: tuple[str, ...]) -> int:
            kubelet.use_certificate(*around.certify("kubelet", addresses))
            return kubelet.port

        certify(())
        await kubelet.start()
        fleet.certify = certify
        return kubelet, fleet
