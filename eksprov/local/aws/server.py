"""The local AWS over HTTP on 127.0.0.1, for every tool that takes an endpoint URL.

moto's own server application finds the service by the signature's scope; ours adds what it lacks: one lock round
all requests, presigned URLs of any service (moto takes each for S3), control paths below `/eksprov/` that only
the holder of a key may use, and a call log. Request bodies are read before the lock is taken, so a slow upload
keeps nobody waiting.
"""

from __future__ import annotations

import hmac
import io
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIEnvironment

from moto.core.request import Request
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wsgi import ClosingIterator

from eksprov.local.aws import hooks
from eksprov.local.aws.calls import operation_of, signing_scope
from eksprov.local.aws.disturbed import Trouble, disturbed
from eksprov.local.aws.emulator import LocalAws

HOST = "127.0.0.1"
CONTROL = "/eksprov/"
KEY_HEADER = "X-Eksprov-Key"
# Reset, seed and data browser of moto: they would pull the ground from under our own state.
MOTO_CONTROL = "/moto-api"

Control = Mapping[str, Callable[[], dict[str, Any]]]
Told = Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]]
Afterwards = Mapping[str, Callable[[], None]]


class LocalApplication(DomainDispatcherApplication):
    """The WSGI application: control paths, or one AWS request after the other."""

    def __init__(
        self,
        world: LocalAws,
        key: str,
        control: Control,
        afterwards: Afterwards,
        told: Told,
        trouble: Trouble | None,
        heard: Callable[[str], object],
    ) -> None:
        super().__init__(create_backend_app)
        self._world = world
        self._key = key
        self._control = control
        self._afterwards = afterwards
        self._told = told
        self._trouble = trouble
        self._heard = heard

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", ""))
        self._heard(f"{environ['REQUEST_METHOD']} {path}")
        _read_body(environ)
        if path.startswith(CONTROL):
            return self._answer_control(f"{environ['REQUEST_METHOD']} {path}", environ, start_response)
        if path.startswith(MOTO_CONTROL):
            return _json(start_response, "404 Not Found", {"message": "no such path"})
        with self._world.lock:
            if self._trouble is not None and self._trouble.is_on:
                return disturbed(self._trouble, environ, start_response, self._answer_aws)
            return self._answer_aws(environ, start_response)

    def infer_service_region_host(self, environ: WSGIEnvironment, path: str) -> str | None:
        """The AWS host a request is meant for; a presigned URL names its service in the query."""
        credential = parse_qs(str(environ.get("QUERY_STRING", ""))).get("X-Amz-Credential", [""])[0].split("/")
        if "HTTP_AUTHORIZATION" not in environ and len(credential) == 5:
            return f"{credential[3]}.{credential[2]}.amazonaws.com"  # moto knows its services by this suffix alone
        return super().infer_service_region_host(environ, path)

    def _answer_aws(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        statuses: list[int] = []

        def noted(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            statuses.append(int(status.split(" ", 1)[0]))
            return start_response(status, headers, *rest)

        body = environ["wsgi.input"]
        start = body.tell() if isinstance(body, io.BytesIO) else None
        self._world.advance()
        answer: Iterable[bytes] = super().__call__(environ, noted)  # type: ignore[no-untyped-call,unused-ignore]
        if start is not None:
            body.seek(start)
        environ["wsgi.input"] = body
        request = Request({key: value for key, value in environ.items() if not key.startswith("werkzeug.request")})
        _, service = signing_scope(request)
        self._world.calls.add(
            service, operation_of(request, service), self._world.now(), statuses[-1] if statuses else 0
        )
        return answer

    def _answer_control(self, asked: str, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        given = str(environ.get("HTTP_X_EKSPROV_KEY", ""))
        if not hmac.compare_digest(given.encode(), self._key.encode()):
            return _json(start_response, "403 Forbidden", {"message": "wrong or missing key"})
        if asked == "GET /eksprov/calls":
            with self._world.lock:
                return _json(start_response, "200 OK", self._world.calls.report())
        if asked in self._told:
            return _json(start_response, "200 OK", self._told[asked](_object(environ)))
        if asked not in self._control:
            return _json(start_response, "404 Not Found", {"message": "no such path"})
        answer = _json(start_response, "200 OK", self._control[asked]())
        return ClosingIterator(answer, self._afterwards.get(asked))


class QuietHandler(MotoRequestHandler):
    """Writes no request lines: presigned URLs are credentials."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None: ...


class AwsServer:
    """The server in threads of this process; `port` 0 takes a free one. `key` guards the control paths.

    `control` maps "GET /eksprov/status" and the like to functions that give the JSON to answer with; they are
    called without the world's lock; `told` are given the JSON that was sent. `afterwards`, under the same names, is
    called once the answer was sent. `heard` is told of every request. `trouble` may stand between a request and its
    answer.
    """

    def __init__(
        self,
        world: LocalAws,
        *,
        key: str,
        control: Control | None = None,
        afterwards: Afterwards | None = None,
        told: Told | None = None,
        trouble: Trouble | None = None,
        heard: Callable[[str], object] = lambda asked: None,
        port: int = 0,
    ) -> None:
        hooks.install(world)
        application = LocalApplication(world, key, control or {}, afterwards or {}, told or {}, trouble, heard)
        self._server: BaseWSGIServer = make_server(HOST, port, application, threaded=True, request_handler=QuietHandler)
        self._server.daemon_threads = True  # type: ignore[attr-defined]  # of the threading mix-in
        self._thread = threading.Thread(target=self._server.serve_forever, name="local-aws", daemon=True)
        world.url = f"http://{HOST}:{self._server.server_port}"
        self.url = world.url

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop to answer, and give the port back."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _read_body(environ: WSGIEnvironment) -> None:
    length = str(environ.get("CONTENT_LENGTH") or "")
    if length.isdigit():
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(int(length)))


def _object(environ: WSGIEnvironment) -> dict[str, Any]:
    found = json.loads(environ["wsgi.input"].read() or b"{}")
    return found if isinstance(found, dict) else {}


def _json(start_response: StartResponse, status: str, answer: dict[str, Any]) -> Iterable[bytes]:
    body = json.dumps(answer).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
