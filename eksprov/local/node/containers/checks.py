"""How a probe looks: a real request to the local port that stands for the pod's.

httpGet and tcpSocket are carried out; grpc is looked at as a TCP port; exec is not possible without a container and
counts as passed (the pod gets an event that says so). Words of failure are the kubelet's, with the pod's address.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

import aiohttp

from eksprov.local.contract import Json
from eksprov.local.node.network import LOOPBACK


class Prober:
    """Looks at one container's ports; `ports` maps the pod's ports to local ones."""

    def __init__(self, session: aiohttp.ClientSession, container: Json, pod_ip: str, ports: Mapping[int, int]) -> None:
        self._session = session
        self._named = {port["name"]: port["containerPort"] for port in container.get("ports", []) if "name" in port}
        self._pod_ip = pod_ip
        self._ports = ports

    async def look(self, probe: Json) -> str | None:
        """None when all is well, else what is wrong."""
        if "httpGet" in probe:
            return await self._http(probe["httpGet"])
        if "tcpSocket" in probe:
            return await self._tcp(probe["tcpSocket"]["port"])
        if "grpc" in probe:
            return await self._tcp(probe["grpc"]["port"])
        return None

    async def _http(self, action: Json) -> str | None:
        number = self._number(action["port"])
        scheme = action.get("scheme", "HTTP").lower()
        path = "/" + action.get("path", "/").removeprefix("/")
        shown = f"{scheme}://{self._pod_ip}:{number}{path}"
        local = self._ports.get(number)
        if local is None:
            return f'Get "{shown}": dial tcp {self._pod_ip}:{number}: connect: connection refused'
        headers = {"User-Agent": "kube-probe/eksprov", "Accept": "*/*"}
        headers |= {one["name"]: one["value"] for one in action.get("httpHeaders", [])}
        url = f"{scheme}://{LOOPBACK}:{local}{path}"
        try:
            async with self._session.get(url, headers=headers, ssl=False, allow_redirects=False) as response:
                code = response.status
        except aiohttp.ClientConnectorError:
            return f'Get "{shown}": dial tcp {self._pod_ip}:{number}: connect: connection refused'
        except (aiohttp.ClientError, OSError) as error:
            return f'Get "{shown}": {type(error).__name__}'
        return None if 200 <= code < 400 else f"HTTP probe failed with statuscode: {code}"

    async def _tcp(self, port: Any) -> str | None:
        number = self._number(port)
        local = self._ports.get(number)
        refused = f"dial tcp {self._pod_ip}:{number}: connect: connection refused"
        if local is None:
            return refused
        try:
            _, writer = await asyncio.open_connection(LOOPBACK, local)
        except OSError:
            return refused
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return None

    def _number(self, port: Any) -> int:
        return int(self._named.get(port, port)) if isinstance(port, str) else int(port)
