"""The nodes and pods of one cluster: who runs where, what comes and what goes.

One watch over all bound pods feeds it. A pod's task begins when the pod is bound to a node of ours and ends when the
pod is deleted; a node that leaves is drained first. Also answers where a container's log lies.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from eksprov.local.contract import Json, NodeSpec
from eksprov.local.node.containers.states import NO_DEBUGGER
from eksprov.local.node.containers.tools import Tools
from eksprov.local.node.network import KUBELET_PORT
from eksprov.local.node.nodes import NodeRun
from eksprov.local.node.pods import PodRun
from eksprov.local.node.rest import ApiError, pod_path
from eksprov.local.node.supervision import supervised

log = logging.getLogger(__name__)


# How long evictions that a disruption budget forbids are tried again before the pod is deleted all the same.
DRAIN_S = 10.0
DRAIN_STEP_S = 0.5
TOO_MANY = 429
LEAVING_GRACE_S = 5


class Fleet:
    """Lives in the agent's loop; only `ready` is asked from other threads."""

    def __init__(self, tools: Tools, kubelet_version: str) -> None:
        self._tools = tools
        self._version = kubelet_version
        self._nodes: dict[str, NodeRun] = {}
        self._pods: dict[str, PodRun] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        # Makes the kubelet's certificate good for these addresses and tells its local port.
        self.certify: Callable[[tuple[str, ...]], int] = lambda _: 0

    def ready(self, name: str) -> bool:
        """Whether that node is Ready."""
        node = self._nodes.get(name)
        return node is not None and node.ready

    def has(self, name: str) -> bool:
        """Whether that node is here, be it on its way in or out."""
        return name in self._nodes

    def idle(self, name: str) -> bool:
        """Whether nothing but daemons runs on that node."""
        return not any(not _is_daemon(run.pod) for run in self._on(name))

    def plays(self, role: str) -> bool:
        """Whether a stand-in that plays `role` runs on any node."""
        return any(node.plays(role) for node in self._nodes.values())

    def tasks(self) -> list[asyncio.Task[None]]:
        return list(self._tasks.values())

    def add(self, nodes: tuple[NodeSpec, ...]) -> None:
        new = [spec for spec in nodes if spec.name not in self._nodes]
        tools = self._tools
        for spec in new:
            node = NodeRun(spec, self._version, tools.rest, tools.events, tools.now, tools.sleep)
            self._nodes[spec.name] = node
            tools.addresses.reserve(spec.private_ip)
        port = self.certify(tuple(node.spec.private_ip for node in self._nodes.values())) if new else 0
        for spec in new:
            tools.dial.open(spec.private_ip, {KUBELET_PORT: port})
            self._begin(f"node {spec.name}", self._nodes[spec.name].run)

    def remove(self, names: tuple[str, ...]) -> None:
        """Drain nodes and let them leave."""
        for name in names:
            if name in self._nodes and f"leave {name}" not in self._tasks:
                node = self._nodes[name]
                node.ready = False
                self._begin(f"leave {name}", partial(self._leave, node))

    async def watch(self) -> None:
        """Follow all bound pods, for ever."""
        params = {"fieldSelector": "spec.nodeName!="}
        await self._tools.rest.watch("/api/v1/pods", params, self._listed, self._event)

    def log_file(self, namespace: str, pod: str, container: str, previous: bool) -> Path | None:
        """For the kubelet endpoint; LookupError for what is not known."""
        run = self._named(namespace, pod)
        found = run.container(container)
        if found is None and any(one["name"] == container for one in run.pod["spec"].get("ephemeralContainers", [])):
            raise LookupError(NO_DEBUGGER)
        if found is None:
            raise LookupError(f'container "{container}" not found in pod "{pod}"')
        path = found.log_path(previous)
        if path is None and previous:
            raise LookupError(f'previous terminated container "{container}" in pod "{pod}" not found')
        return path

    def running(self, namespace: str, pod: str, container: str) -> bool:
        """Whether a container still runs."""
        return any(run.name == (namespace, pod) and run.running(container) for run in self._pods.values())

    def _named(self, namespace: str, pod: str) -> PodRun:
        for run in self._pods.values():
            if run.name == (namespace, pod):
                return run
        raise LookupError(f'pod "{pod}" not found')

    def _listed(self, pods: list[Json]) -> None:
        uids = {pod["metadata"]["uid"] for pod in pods}
        for uid in set(self._pods) - uids:
            self._pods[uid].vanish()
        for pod in pods:
            self._seen(pod)

    def _event(self, kind: str, pod: Json) -> None:
        if kind == "DELETED":
            run = self._pods.get(pod["metadata"]["uid"])
            if run is not None:
                run.vanish()
            return
        self._seen(pod)

    def _seen(self, pod: Json) -> None:
        uid = pod["metadata"]["uid"]
        run = self._pods.get(uid)
        if run is not None:
            run.update(pod)
            return
        node = self._nodes.get(pod["spec"]["nodeName"])
        finished = pod.get("status", {}).get("phase") in ("Succeeded", "Failed")
        if node is None or (finished and not pod["metadata"].get("deletionTimestamp")):
            return
        self._pods[uid] = run = PodRun(self._tools, node.spec, pod, node.role)
        self._begin(f"pod {uid}", partial(self._run_pod, run))

    async def _run_pod(self, run: PodRun) -> None:
        await run.run()
        self._pods.pop(run.uid, None)

    async def _leave(self, node: NodeRun) -> None:
        """Cordon, evict, delete what may not be evicted, then the node itself."""
        name = node.spec.name
        await node.cordon()
        await asyncio.gather(*(self._evict(run) for run in self._on(name)))
        await self._until_empty(name, DRAIN_S)
        running = self._tasks.pop(f"node {name}", None)
        if running is not None:
            running.cancel()
        await node.leave()
        for run in self._on(name):
            await self._tools.rest.delete(pod_path(*run.name), {"gracePeriodSeconds": 0})
            run.vanish()
        self._tools.dial.close(node.spec.private_ip)
        self._tools.addresses.give_back(node.spec.private_ip)
        self._nodes.pop(name, None)

    def _on(self, name: str) -> list[PodRun]:
        return [run for run in self._pods.values() if run.node_name == name]

    async def _evict(self, run: PodRun) -> None:
        """Daemons are deleted with the node, as `kubectl drain --ignore-daemonsets` leaves them."""
        owners = run.pod["metadata"].get("ownerReferences", [])
        if any(owner["kind"] == "DaemonSet" for owner in owners):
            return
        path = pod_path(*run.name)
        metadata = {"name": run.name[1], "namespace": run.name[0]}
        options = {"gracePeriodSeconds": min(LEAVING_GRACE_S, _grace_s(run.pod))}
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata, "deleteOptions": options}
        for _ in range(int(DRAIN_S / DRAIN_STEP_S)):
            try:
                await self._tools.rest.request("POST", f"{path}/eviction", body)
                return
            except ApiError as error:
                if error.status != TOO_MANY:
                    return
            await self._tools.sleep(DRAIN_STEP_S)
        await self._tools.rest.delete(path, options)

    async def _until_empty(self, name: str, limit_s: float) -> None:
        def left() -> bool:
            return any(
                run.pod["metadata"].get("deletionTimestamp") is not None or not _is_daemon(run.pod)
                for run in self._on(name)
            )

        for _ in range(int(limit_s / 0.05)):
            if not left():
                return
            await self._tools.sleep(0.05)

    def _begin(self, name: str, body: Callable[[], Any]) -> None:
        async def guarded() -> None:
            try:
                await supervised(name, body, self._tools.sleep)
            finally:
                if self._tasks.get(name) is task:
                    del self._tasks[name]

        task = asyncio.get_running_loop().create_task(guarded())
        self._tasks[name] = task


def _is_daemon(pod: Json) -> bool:
    return any(owner["kind"] == "DaemonSet" for owner in pod["metadata"].get("ownerReferences", []))


def _grace_s(pod: Json) -> int:
    return int(pod["spec"].get("terminationGracePeriodSeconds", 30))
