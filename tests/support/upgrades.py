"""Requests that upgrade their connection, as kubectl and others send them, and what an API server answers in words."""

from __future__ import annotations

import base64
import http.client
import json
import os
import ssl
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

WAIT_S = 20.0
# The protocols that clients of the last years offer: SPDY, WebSockets of two ages, SPDY within a WebSocket.
SPDY = ("SPDY/3.1", "")
WEBSOCKETS = (
    ("websocket", "v4.channel.k8s.io"),
    ("websocket", "v5.channel.k8s.io"),
    ("websocket", "SPDY/3.1+portforward.k8s.io"),
)


class ApiServer:
    """One API server and the administrator's keys to it."""

    def __init__(self, endpoint: str, keys: Path) -> None:
        self._place, self._keys = urlsplit(endpoint), keys

    def upgrade(self, path: str, way: tuple[str, str]) -> tuple[int, str]:
        """Ask for an upgrade: the status, and the message of what came back instead of (or over) it."""
        context = ssl.create_default_context(cafile=str(self._keys / "ca.crt"))
        context.load_cert_chain(str(self._keys / "admin.crt"), str(self._keys / "admin.key"))
        host, port = self._place.hostname or "", self._place.port
        connection = http.client.HTTPSConnection(host, port, timeout=WAIT_S, context=context)
        try:
            connection.request("POST" if way == SPDY else "GET", path, headers=_headers(*way))
            answer = connection.getresponse()
            if answer.status != 101:
                return answer.status, str(json.loads(answer.read())["message"])
            assert answer.fp is not None
            said = [json.loads(frame[1:])["message"] for frame in _frames(answer.fp) if frame[:1] == b"\x03"]
            return answer.status, said[0]
        finally:
            connection.close()


def _headers(upgrade: str, protocol: str) -> dict[str, str]:
    headers = {"Connection": "Upgrade", "Upgrade": upgrade}
    if upgrade != "websocket":
        return {**headers, "X-Stream-Protocol-Version": "v4.channel.k8s.io", "Content-Length": "0"}
    key = base64.b64encode(os.urandom(16)).decode()
    return {**headers, "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key, "Sec-WebSocket-Protocol": protocol}


def _frames(file: Any) -> Iterator[bytes]:
    """The payloads of a server's WebSocket frames (https://www.rfc-editor.org/rfc/rfc6455#section-5.2)."""
    while head := file.read(2):
        length = head[1] & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", file.read(2))
        payload = file.read(length)
        if head[0] & 0x0F == 8:  # close
            return
        yield payload
