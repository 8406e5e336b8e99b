"""Events as the kubelet writes them: one object per thing that happened, counted up when it happens again.

https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/. Writing is queued: nobody waits for
an event, and a lost one is logged and harms nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Literal

import aiohttp

from eksprov.local.contract import Json
from eksprov.local.node.rest import MERGE, ApiError, KubeRest

log = logging.getLogger(__name__)

QUEUE_LIMIT = 1000


def timestamp(moment: datetime) -> str:
    """metav1.Time: RFC 3339, UTC, whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class EventRecorder:
    """Queues events; `run` writes them."""

    def __init__(self, rest: KubeRest, now: Callable[[], datetime]) -> None:
        self._rest = rest
        self._now = now
        self._queue: asyncio.Queue[Json] = asyncio.Queue(QUEUE_LIMIT)
        self._known: dict[tuple[str, ...], tuple[str, int]] = {}
        self._serial = 0

    def pod(self, pod: Json, kind: Literal["Normal", "Warning"], reason: str, message: str, part: str = "") -> None:
        """Something happened to a pod, or to its container when `part` is `spec.containers{name}`."""
        metadata = pod["metadata"]
        involved = {
            "apiVersion": "v1",
            "kind": "Pod",
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
        }
        if part:
            involved["fieldPath"] = part
        self._put(involved, metadata["namespace"], pod["spec"].get("nodeName", ""), kind, reason, message)

    def node(self, name: str, uid: str, kind: Literal["Normal", "Warning"], reason: str, message: str) -> None:
        """Something happened to a node."""
        involved = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": uid}
        self._put(involved, "default", name, kind, reason, message)

    async def run(self) -> None:
        """Write what is queued, for ever."""
        while True:
            event = await self._queue.get()
            try:
                await self._write(event)
            except (ApiError, aiohttp.ClientError, TimeoutError) as error:
                # 404: the namespace is going away; then nobody reads the event either.
                log.debug("an event was not written: %s", type(error).__name__)

    def _put(self, involved: Json, namespace: str, host: str, kind: str, reason: str, message: str) -> None:
        now = timestamp(self._now())
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"namespace": namespace},
            "involvedObject": involved,
            "reason": reason,
            "message": message[:1024],
            "type": kind,
            "source": {"component": "kubelet", "host": host},
            "reportingComponent": "kubelet",
            "reportingInstance": host,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            log.warning("events are written too slowly; one is dropped")

    async def _write(self, event: Json) -> None:
        involved = event["involvedObject"]
        key = (involved["uid"], involved.get("fieldPath", ""), event["reason"], event["message"])
        folder = f"/api/v1/namespaces/{event['metadata']['namespace']}/events"
        if key in self._known:
            name, count = self._known[key]
            patch = {"count": count + 1, "lastTimestamp": event["lastTimestamp"]}
            await self._rest.request("PATCH", f"{folder}/{name}", patch, content_type=MERGE)
            self._known[key] = (name, count + 1)
            return
        self._serial += 1
        name = f"{involved['name']}.{int(self._now().timestamp() * 1e6):x}{self._serial:04x}"
        event["metadata"]["name"] = name
        await self._rest.request("POST", folder, event)
        self._known[key] = (name, 1)
        if len(self._known) > QUEUE_LIMIT:
            self._known.pop(next(iter(self._known)))
