"""One request of the server with a fault in its way: answered by the fault, lost, or answered after all."""

from __future__ import annotations

import contextlib
import io
import socket
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, Protocol
from wsgiref.types import StartResponse, WSGIEnvironment

from botocore.exceptions import HTTPClientError
from moto.core.request import Request

from eksprov.local.aws.calls import is_mutating, operation_of, signing_scope
from eksprov.local.faults.wire import Answer, Asked

Answering = Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]


class Trouble(Protocol):
    """Who may stand between a request and its answer; `faults.switchboard.Switchboard` is it."""

    @property
    def is_on(self) -> bool:
        """Whether it stands there now."""

    def around(self, call: Asked, carry_out: Callable[[], Any]) -> Any:
        """The answer; HTTPClientError where there is to be none."""


def disturbed(
    trouble: Trouble, environ: WSGIEnvironment, start_response: StartResponse, answering: Answering
) -> Iterable[bytes]:
    """Answer one request, unless trouble will not have it; the world's lock must be held."""
    body = environ["wsgi.input"]
    sent: bytes = body.getvalue() if isinstance(body, io.BytesIO) else b""
    try:
        status, headers, answer = trouble.around(_asked(environ, sent), lambda: _carried_out(environ, sent, answering))
    except HTTPClientError:
        _hang_up(environ)
        return []
    line = f"{status} {HTTPStatus(status).phrase}"
    if environ["REQUEST_METHOD"] != "HEAD":  # the length that HEAD tells is that of what it does not send
        headers = {name: value for name, value in headers.items() if name.lower() != "content-length"}
        headers["Content-Length"] = str(len(answer))
    start_response(line, list(headers.items()))
    return [answer]


def _asked(environ: WSGIEnvironment, sent: bytes) -> Asked:
    request = Request({**environ, "wsgi.input": io.BytesIO(sent)})
    _, service = signing_scope(request)
    operation = operation_of(request, service)
    text = "" if service == "s3" else sent.decode(errors="replace")
    return Asked(service, operation, is_mutating(operation), request.full_path, text)


def _carried_out(environ: WSGIEnvironment, sent: bytes, answering: Answering) -> Answer:
    told: list[tuple[str, list[tuple[str, str]]]] = []

    def noted(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
        told.append((status, headers))
        return lambda _: None

    body = answering({**environ, "wsgi.input": io.BytesIO(sent)}, noted)
    try:
        answer = b"".join(body)
    finally:
        if (close := getattr(body, "close", None)) is not None:
            close()
    status, headers = told[-1]
    return int(status.split(" ", 1)[0]), dict(headers), answer


def _hang_up(environ: WSGIEnvironment) -> None:
    """Close the connection with nothing said."""
    with contextlib.suppress(OSError):
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
