"""The kubelet's HTTPS port, one for all nodes of a cluster: container logs, and honest refusals for the rest.

The API server comes here for `kubectl logs` by way of its egress socket. Only clients with a certificate of the
cluster's CA are answered, as with a kubelet in webhook mode.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from aiohttp import web

from eksprov.local.node.containers.logs import LogQuery, read
from eksprov.local.node.network import LOOPBACK

FOLLOW_S = 0.2
CHUNK_BYTES = 64 * 1024
SHUTDOWN_S = 0.1
_WHY = "they run pods as processes, without containers"
# https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/kubelet/server/server.go names the paths.
_ENTERING = ("exec", "attach", "run")
_IN_KUBECTL = {"portForward": "port-forward"}


class LogSource(Protocol):
    """Where a container's log lies and whether it may still grow."""

    def log_file(self, namespace: str, pod: str, container: str, previous: bool) -> Path | None:
        """The file, or None where the container has not started yet. Raises LookupError for what is not known."""
        ...

    def running(self, namespace: str, pod: str, container: str) -> bool:
        """Whether the container runs now."""
        ...


class KubeletEndpoint:
    """Serves one cluster's logs; `port` is set after `start`."""

    def __init__(self, source: LogSource, ca: Path, now: Callable[[], datetime]) -> None:
        self._source = source
        self._now = now
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(ca))
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2  # whatever this Python was built with
        self._tls.verify_mode = ssl.CERT_REQUIRED
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None
        self.port = 0

    def use_certificate(self, certificate: Path, key: Path) -> None:
        """Show this certificate from the next connection on."""
        self._tls.load_cert_chain(str(certificate), str(key))

    async def start(self) -> None:
        """Listen on a free port of 127.0.0.1; a certificate must have been given."""
        app = web.Application()
        app.router.add_get("/containerLogs/{namespace}/{pod}/{container}", self._logs)
        app.router.add_get("/healthz", _healthy)
        app.router.add_route("*", "/{rest:.*}", _absent)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        assert self._runner.server is not None
        # Not a TCPSite: with that, a connection that the API server has upgraded lingers for asyncio's 30 s.
        self._server = await asyncio.get_running_loop().create_server(
            self._runner.server, LOOPBACK, 0, ssl=self._tls, ssl_shutdown_timeout=SHUTDOWN_S
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and every log that is followed."""
        if self._server is not None:
            self._server.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        where = request.match_info
        names = (where["namespace"], where["pod"], where["container"])
        try:
            query = LogQuery.of(request.query, self._now())
            path = self._source.log_file(*names, query.previous)
        except ValueError as error:
            return web.Response(status=400, text=str(error))
        except LookupError as error:
            # As the kubelet does: of a 404 the API server would not show the text.
            return web.Response(status=400, text=str(error.args[0]))
        if path is None:
            return web.Response(status=400, text=f'container "{names[2]}" in pod "{names[1]}" has not started yet')
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        end = path.stat().st_size if path.exists() else 0
        await response.write(await asyncio.to_thread(read, path, query))
        if query.follow and not query.previous:
            await self._follow(response, path, end, query, names)
        await response.write_eof()
        return response

    async def _follow(
        self, response: web.StreamResponse, path: Path, offset: int, query: LogQuery, names: tuple[str, str, str]
    ) -> None:
        buffer = b""
        while True:
            running = self._source.running(*names)
            with path.open("rb") as file:
                if path.stat().st_size < offset:  # the file was put aside and begun anew
                    offset = 0
                file.seek(offset)
                chunk = file.read(CHUNK_BYTES)
            offset += len(chunk)
            *lines, buffer = (buffer + chunk).split(b"\n")
            shown = [query.shown(line + b"\n") or b"" for line in lines]
            if shown:
                await response.write(b"".join(shown))
            if not chunk and not running:
                return
            if not chunk:
                await asyncio.sleep(FOLLOW_S)


async def _healthy(request: web.Request) -> web.Response:
    return web.Response(text="ok")


async def _absent(request: web.Request) -> web.Response:
    """Refuse in one sentence what these nodes do not offer, and name what leads to the same place.

    The body is a Status, because kubectl reads the body of a refused upgrade as one, in JSON or else in YAML: a plain
    text with a colon in it is a YAML mapping without a message, and nothing of it is shown
    (https://github.com/kubernetes/kubernetes/blob/v1.32.4/staging/src/k8s.io/apimachinery/pkg/util/httpstream/spdy/roundtripper.go).
    """
    what, *where = request.path.strip("/").split("/")
    text = f"the local world's nodes do not offer {_IN_KUBECTL.get(what, what)}: {_WHY}"
    if what == "portForward" and len(where) > 1:
        text += f"; the API server leads to this pod at /api/v1/namespaces/{where[0]}/pods/{where[1]}:PORT/proxy/"
    elif what in _ENTERING:
        text += "; kubectl logs and kubectl describe work"
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": text}
    response = web.json_response({**status, "reason": "NotImplemented", "code": 501}, status=501)
    response.force_close()  # the client has asked to upgrade this connection; nothing else can come of it
    return response
