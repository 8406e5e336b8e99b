"""The road from the API server to pods, services and nodes, which here are local processes.

Their addresses are made up (10.42.0.5), since Kubernetes refuses loopback addresses. So the API server is told
to reach its `cluster` network through a proxy: every such connection arrives at a unix socket of ours as
`CONNECT 10.42.0.5:8080 HTTP/1.1`
(https://kubernetes.io/docs/tasks/extend-kubernetes/setup-konnectivity/, proxyProtocol HTTPConnect over uds),
and goes on to whatever loopback port stands for that address. Made-up addresses may repeat between clusters, so
each cluster has an `EgressServer` of its own.

After the answer to CONNECT, bytes are passed on unread, both ways, until both sides have closed theirs.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

from eksprov.errors import LocalWorldError
from eksprov.local.home import discard_socket

log = logging.getLogger(__name__)

Dial = Callable[[str, int], "tuple[str, int] | None"]

CHUNK_BYTES = 64 * 1024
# The API server sends its request at once; a client silent for longer is not one.
REQUEST_TIMEOUT_S = 10.0
CONNECT_TIMEOUT_S = 5.0
START_TIMEOUT_S = 10.0


class EgressServer:
    """One cluster's egress: `dial(host, port)` names the loopback (host, port) that stands for an address.

    `dial` is called on the server's own thread for each connection, must return at once, and gives None for an
    address that nobody stands for (the API server then sees 404). `socket` is a path from `home.socket_path`.
    """

    def __init__(self, socket: Path, dial: Dial) -> None:
        self.socket = socket
        self._dial = dial
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stopping: asyncio.Event | None = None
        self._failure: OSError | None = None
        # asyncio itself holds tasks weakly, and a half-closed connection is in no selector any more: without this
        # set, the garbage collector would end it (https://docs.python.org/3/library/asyncio-task.html).
        self._connections: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Listen from now on, on a thread of its own. Raises `LocalWorldError` where the socket cannot be made."""
        started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(started)), name="egress", daemon=True)
        self._thread.start()
        if not started.wait(START_TIMEOUT_S) or self._failure is not None:
            raise LocalWorldError(f"the egress socket {self.socket} cannot be opened: {self._failure or 'time-out'}")

    def stop(self) -> None:
        """Close the socket and every connection; may be called twice, and before `start`."""
        if self._thread is None or self._loop is None or self._stopping is None:
            return
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(START_TIMEOUT_S)
        self._thread = None

    async def _serve(self, started: threading.Event) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        try:
            self.socket.unlink(missing_ok=True)  # left by a crash
            server = await asyncio.start_unix_server(self._accept, path=self.socket, limit=CHUNK_BYTES)
            os.chmod(self.socket, 0o600)
        except OSError as error:
            self._failure = error
            return
        finally:
            started.set()
        await self._stopping.wait()
        server.close()
        connections = list(self._connections)
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        discard_socket(self.socket)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._tracked(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _tracked(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection; whatever ends it, it is closed, and only bugs are loud."""
        try:
            await self._connection(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError) as error:
            log.debug("egress connection ended: %s", error)
        finally:
            writer.transport.abort()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), REQUEST_TIMEOUT_S)
        try:
            host, port = connect_target(head)
        except ValueError as error:
            return await _answer(writer, 400, str(error))
        target = self._dial(host, port)
        if target is None:
            return await _answer(writer, 404, f"nothing stands for {host}:{port}")
        try:
            remote = await asyncio.wait_for(asyncio.open_connection(*target), CONNECT_TIMEOUT_S)
        except (OSError, TimeoutError) as error:
            return await _answer(writer, 502, f"{host}:{port} does not answer: {error or 'time-out'}")
        remote_reader, remote_writer = remote
        try:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_pipe(reader, remote_writer), _pipe(remote_reader, writer))
            for side in (remote_writer, writer):
                side.close()  # sends first what is still buffered; abort would drop it
                await _finished(side.wait_closed)
        finally:
            remote_writer.transport.abort()


def connect_target(head: bytes) -> tuple[str, int]:
    """The (host, port) of a CONNECT request's head. Raises `ValueError` for anything else."""
    words = head.split(b"\r\n", 1)[0].decode("ascii", "replace").split(" ")
    if len(words) != 3 or words[0] != "CONNECT" or not words[2].startswith("HTTP/1."):
        raise ValueError("not a CONNECT request")
    host, colon, port = words[1].rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"not an address with a port: {words[1]}")
    return host.removeprefix("[").removesuffix("]"), int(port)


async def _answer(writer: asyncio.StreamWriter, status: int, reason: str) -> None:
    phrase = "".join(letter if letter.isprintable() and letter.isascii() else " " for letter in reason)
    # The API server reports the status line alone, so the reason belongs into it.
    writer.write(f"HTTP/1.1 {status} {phrase}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
    await _finished(writer.drain)
    writer.close()
    await _finished(writer.wait_closed)


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry bytes until the reader ends, then close the writing half alone: answers may still come back."""
    while data := await reader.read(CHUNK_BYTES):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def _finished(step: Callable[[], Awaitable[None]]) -> None:
    with contextlib.suppress(OSError):  # the other side has already gone
        await step()
