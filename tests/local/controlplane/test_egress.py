"""Laws of the egress: what the API server sends to a made-up address arrives, whole, at the process for it."""

from __future__ import annotations

import contextlib
import gc
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from eksprov.errors import LocalWorldError
from eksprov.local.controlplane.egress import EgressServer, connect_target

Handler = Callable[[socket.socket], None]


@contextlib.contextmanager
def process(handler: Handler) -> Iterator[tuple[str, int]]:
    """A server on loopback that stands for a pod: each connection is given to `handler` on a thread."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection:
            handler(connection)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threads.append(threading.Thread(target=serve, args=(listener.accept()[0],)))
                threads[-1].start()

    acceptor = threading.Thread(target=accept)
    acceptor.start()
    try:
        yield listener.getsockname()
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        acceptor.join(5)
        for thread in threads:
            thread.join(5)
        listener.close()


@contextlib.contextmanager
def egress(folder: Path, dial: Callable[[str, int], tuple[str, int] | None]) -> Iterator[EgressServer]:
    server = EgressServer(folder / "e.sock", dial)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def connect(server: EgressServer, target: str) -> tuple[socket.socket, bytes]:
    """What kube-apiserver does: CONNECT over the socket; gives the connection and the answer's head."""
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(10)
    client.connect(str(server.socket))
    client.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        if not (byte := client.recv(1)):
            break
        head += byte
    return client, head


def read_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


def echo_all(connection: socket.socket) -> None:
    """Answer only once the other side has said everything: shows half-closed connections."""
    connection.sendall(read_all(connection)[::-1])


def test_bytes_arrive_whole_both_ways_over_a_half_closed_connection(tmp_path: Path) -> None:
    sent = bytes(range(256)) * 8192
    with process(echo_all) as address, egress(tmp_path, lambda *_: address) as server:
        client, head = connect(server, "10.42.0.5:8080")
        with client:
            assert head.startswith(b"HTTP/1.1 200 ")
            client.sendall(sent)
            client.shutdown(socket.SHUT_WR)
            assert read_all(client) == sent[::-1]


def test_dial_is_asked_for_the_made_up_address(tmp_path: Path) -> None:
    asked: list[tuple[str, int]] = []

    def dial(host: str, port: int) -> None:
        asked.append((host, port))

    with egress(tmp_path, dial) as server:
        for target in ("10.42.0.5:8080", "[fd00::1]:10250"):
            client, head = connect(server, target)
            client.close()
            assert head.startswith(b"HTTP/1.1 404 nothing stands for ")
    assert asked == [("10.42.0.5", 8080), ("fd00::1", 10250)]


def test_many_connections_at_once_do_not_wait_for_one_another(tmp_path: Path) -> None:
    with process(echo_all) as address, egress(tmp_path, lambda *_: address) as server:
        clients = [connect(server, f"10.42.0.{index}:80")[0] for index in range(1, 41)]
        for index, client in reversed(list(enumerate(clients))):  # the last one opened is served first
            with client:
                client.sendall(b"%d-answer" % index)
                client.shutdown(socket.SHUT_WR)
                assert read_all(client) == (b"%d-answer" % index)[::-1]


def test_a_late_reader_gets_the_last_byte_too(tmp_path: Path) -> None:
    """Of these sizes some end inside the egress's own buffer when everybody else has finished."""
    sizes = [size * 16 * 1024 for size in range(4, 30)]

    def send(connection: socket.socket) -> None:
        connection.sendall(b"x" * int(read_all(connection)))

    with process(send) as address, egress(tmp_path, lambda *_: address) as server:
        clients = [connect(server, "10.42.0.5:80")[0] for _ in sizes]
        for size, client in zip(sizes, clients, strict=True):
            client.sendall(str(size).encode())
            client.shutdown(socket.SHUT_WR)
        threading.Event().wait(0.3)
        received = []
        for client in clients:
            with client:
                received.append(len(read_all(client)))
        assert received == sizes


def test_an_answer_that_takes_long_survives_the_garbage_collector(tmp_path: Path) -> None:
    asked, answer = threading.Event(), threading.Event()

    def slow(connection: socket.socket) -> None:
        read_all(connection)
        asked.set()
        answer.wait(10)
        connection.sendall(b"late")

    with process(slow) as address, egress(tmp_path, lambda *_: address) as server:
        client, _ = connect(server, "10.42.0.5:80")
        with client:
            client.shutdown(socket.SHUT_WR)
            assert asked.wait(10)
            gc.collect()
            answer.set()
            assert read_all(client) == b"late"


def test_a_process_that_is_gone_is_told_with_its_address(tmp_path: Path) -> None:
    with process(echo_all) as address:
        pass
    with egress(tmp_path, lambda *_: address) as server:
        client, head = connect(server, "10.42.0.5:8080")
        client.close()
    assert head.startswith(b"HTTP/1.1 502 10.42.0.5:8080 does not answer")


@pytest.mark.parametrize("request_", [b"GET / HTTP/1.1\r\n\r\n", b"CONNECT nowhere HTTP/1.1\r\n\r\n"])
def test_anything_but_connect_is_refused(tmp_path: Path, request_: bytes) -> None:
    with egress(tmp_path, lambda *_: None) as server, socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(server.socket))
        client.sendall(request_)
        assert read_all(client).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("port", ["0", "65536", "x", "", "-1", "²"])
def test_a_port_is_a_port(port: str) -> None:
    with pytest.raises(ValueError, match="not an address with a port"):
        connect_target(f"CONNECT 10.0.0.1:{port} HTTP/1.1\r\n\r\n".encode("latin-1"))


def test_stopping_ends_open_connections_and_removes_the_socket(tmp_path: Path) -> None:
    def silent(connection: socket.socket) -> None:
        connection.recv(1)

    with process(silent) as address, egress(tmp_path, lambda *_: address) as server:
        client, _ = connect(server, "10.42.0.5:80")
        server.stop()
        with client, contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""
        assert not server.socket.exists()


def test_the_socket_is_the_owners_alone_and_one_left_by_a_crash_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as crashed:
        crashed.bind(str(tmp_path / "e.sock"))
    with egress(tmp_path, lambda *_: None) as server:
        assert stat.S_IMODE(server.socket.stat().st_mode) == 0o600


def test_a_socket_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    with pytest.raises(LocalWorldError, match="cannot be opened"):
        EgressServer(tmp_path / "missing" / "e.sock", lambda *_: None).start()
