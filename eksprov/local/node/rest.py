"""The API server over plain HTTPS: requests, server-side apply and watches, on aiohttp with the admin certificate.

Bodies are plain dicts; nothing of them is logged.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping

import aiohttp

from eksprov.local.contract import Json

log = logging.getLogger(__name__)

Sleep = Callable[[float], Awaitable[None]]

STRATEGIC = "application/strategic-merge-patch+json"
MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"
JSON = "application/json"

# The API server ends a watch after this long; asking for it keeps both sides agreed.
WATCH_S = 300
RETRY_S = 0.3
GONE = 410

# apiVersion and kind to the resource's path segment; True where it lives in a namespace.
RESOURCES: Mapping[tuple[str, str], tuple[str, bool]] = {
    ("v1", "ServiceAccount"): ("serviceaccounts", True),
    ("v1", "ConfigMap"): ("configmaps", True),
    ("v1", "Service"): ("services", True),
    ("apps/v1", "DaemonSet"): ("daemonsets", True),
    ("apps/v1", "Deployment"): ("deployments", True),
    ("policy/v1", "PodDisruptionBudget"): ("poddisruptionbudgets", True),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"): ("clusterroles", False),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): ("clusterrolebindings", False),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): ("rolebindings", True),
    ("storage.k8s.io/v1", "CSIDriver"): ("csidrivers", False),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"): ("customresourcedefinitions", False),
    ("karpenter.sh/v1", "NodePool"): ("nodepools", False),
    ("eks.amazonaws.com/v1", "NodeClass"): ("nodeclasses", False),
}


class ApiError(Exception):
    """The API server's refusal: HTTP `status`, Kubernetes `reason` and message."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason


class Expired(Exception):  # noqa: N818 - it is news, not an error: list again
    """The watch's resource version is too old."""


def object_path(obj: Json) -> str:
    """The URL path of an object whose kind is in RESOURCES."""
    plural, namespaced = RESOURCES[obj["apiVersion"], obj["kind"]]
    root = "/api/v1" if obj["apiVersion"] == "v1" else f"/apis/{obj['apiVersion']}"
    space = f"/namespaces/{obj['metadata']['namespace']}" if namespaced else ""
    return f"{root}{space}/{plural}/{obj['metadata']['name']}"


def pod_path(namespace: str, name: str) -> str:
    """The URL path of a pod."""
    return f"/api/v1/namespaces/{namespace}/pods/{name}"


class KubeRest:
    """A client for one API server; lives inside one event loop."""

    def __init__(self, endpoint: str, tls: ssl.SSLContext, sleep: Sleep = asyncio.sleep) -> None:
        self._endpoint = endpoint
        self._sleep = sleep
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=tls, limit=0),
            timeout=aiohttp.ClientTimeout(total=30),
        )

    async def close(self) -> None:
        await self._session.close()

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Json:
        """Read one object or list; ApiError where it cannot be read."""
        return await self.request("GET", path, params=params)

    async def request(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        params: Mapping[str, str] | None = None,
        content_type: str = JSON,
    ) -> Json:
        """One call; ApiError for every answer of 400 and above."""
        data = None if body is None else json.dumps(body)
        headers = {"Content-Type": content_type} if data is not None else {}
        async with self._session.request(
            method, self._endpoint + path, data=data, params=params, headers=headers
        ) as response:
            text = await response.text()
        answer = _parse(text)
        if response.status >= 400:
            raise ApiError(response.status, answer.get("reason", ""), answer.get("message", text[:200]))
        return answer

    async def apply(self, obj: Json, manager: str) -> Json:
        """Server-side apply; `manager` takes the fields from whoever had them."""
        params = {"fieldManager": manager, "force": "true"}
        return await self.request("PATCH", object_path(obj), obj, params, APPLY)

    async def delete(self, path: str, body: Json | None = None) -> bool:
        """Delete; False where it was already gone."""
        try:
            await self.request("DELETE", path, body)
        except ApiError as error:
            if error.status in (404, 409):
                return False
            raise
        return True

    async def watch(
        self,
        path: str,
        params: Mapping[str, str],
        on_list: Callable[[list[Json]], None],
        on_event: Callable[[str, Json], None],
    ) -> None:
        """List, then follow changes for ever; lists again whenever the thread is lost."""
        while True:
            try:
                listed = await self.get(path, params)
                on_list(listed.get("items") or [])
                await self._follow(path, params, listed["metadata"]["resourceVersion"], on_event)
            except Expired:
                continue
            except (aiohttp.ClientError, ApiError, TimeoutError, ConnectionError) as error:
                log.info("watch of %s is interrupted: %s", path, type(error).__name__)
                await self._sleep(RETRY_S)

    async def _follow(
        self, path: str, params: Mapping[str, str], version: str, on_event: Callable[[str, Json], None]
    ) -> None:
        while True:
            query = {
                **params,
                "watch": "1",
                "allowWatchBookmarks": "true",
                "timeoutSeconds": str(WATCH_S),
                "resourceVersion": version,
            }
            limit = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=WATCH_S + 30)
            async with self._session.get(self._endpoint + path, params=query, timeout=limit) as response:
                if response.status == GONE:
                    raise Expired
                if response.status >= 400:
                    raise ApiError(response.status, "", "watch refused")
                version = await self._events(response, version, on_event)

    async def _events(
        self, response: aiohttp.ClientResponse, version: str, on_event: Callable[[str, Json], None]
    ) -> str:
        buffer = b""
        async for chunk in response.content.iter_any():
            *lines, buffer = (buffer + chunk).split(b"\n")
            for kind, obj in _decoded(lines):
                version = obj["metadata"]["resourceVersion"]
                if kind != "BOOKMARK":
                    on_event(kind, obj)
        return version


def _decoded(lines: Iterable[bytes]) -> Iterable[tuple[str, Json]]:
    for line in lines:
        if not line.strip():
            continue
        event = json.loads(line)
        if event["type"] == "ERROR":
            if event["object"].get("code") == GONE:
                raise Expired
            raise ApiError(int(event["object"].get("code", 500)), "", str(event["object"].get("message")))
        yield event["type"], event["object"]


def _parse(text: str) -> Json:
    try:
        answer = json.loads(text)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
