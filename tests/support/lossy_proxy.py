"""A loopback proxy that loses answers: AWS does what was asked, and the connection ends before anybody hears of it."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from eksprov.local.aws.calls import is_mutating

HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "server", "date"})


@dataclass
class LossyProxy:
    """Where it listens, and the operations whose answers it has lost."""

    url: str = ""
    lost: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def loses(self, operation: str, status: int) -> bool:
        """Whether this answer is lost: the first of each operation that has changed something."""
        with self.lock:
            if not is_mutating(operation) or status >= 400 or operation in self.lost:
                return False
            self.lost.add(operation)
            return True


@contextmanager
def lossy_proxy(upstream: str) -> Iterator[LossyProxy]:
    """Hand everything on to `upstream`, and lose the first answer of each operation that changes something."""
    proxy = LossyProxy()
    server = _Server(proxy, upstream)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, proxy: LossyProxy, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.proxy, self.upstream = proxy, urlsplit(upstream).netloc


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _any(self) -> None:
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, headers, answer = self._upstream(body)
        if self.server.proxy.loses(_operation(self, body), status):
            self.close_connection = True
            return
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    def _upstream(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(self.server.upstream, timeout=60)
        try:
            kept = {name: value for name, value in self.headers.items() if name.lower() not in ("expect",)}
            connection.request(self.command, self.path, body, {**kept, "Connection": "close"})
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815 -- the library's names

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _operation(request: BaseHTTPRequestHandler, body: bytes) -> str:
    """The operation's name; for REST, the method and the path, where reading is GET or HEAD."""
    if target := request.headers.get("X-Amz-Target"):
        return target.rpartition(".")[2]
    if "/operation/" in request.path:  # CBOR of CloudWatch
        return request.path.rpartition("/")[2]
    action = parse_qs(body.decode("latin-1")).get("Action") if request.headers.get_content_subtype() else None
    return action[0] if action else f"{request.command.replace('HEAD', 'GET').title()} {request.path}"
