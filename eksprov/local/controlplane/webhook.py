"""Who an EKS token belongs to: the API server asks here, and the AWS half answers.

kube-apiserver posts a TokenReview (https://kubernetes.io/docs/reference/access-authn-authz/webhook/) for every
bearer token it doesn't know itself. One `TokenWebhook` serves all clusters of a local world: the path of the
request is the cluster's ARN, URL-quoted. Tokens are never logged or repeated, not even in errors.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from eksprov.local.contract import Identity

log = logging.getLogger(__name__)

Authenticate = Callable[[str, str], "Identity | None"]

API_VERSION = "authentication.k8s.io/v1"
# A presigned GetCallerIdentity URL has about 1.5 KiB; aws-iam-authenticator refuses tokens above 4 KiB.
MAX_BODY_BYTES = 64 * 1024
READ_TIMEOUT_S = 30.0


class TokenWebhook:
    """An HTTP server on a free port of 127.0.0.1; `authenticate(cluster_arn, token)` decides, from many threads."""

    def __init__(self, authenticate: Authenticate) -> None:
        self._server = _Server(authenticate)
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Answer from now on, on threads of its own."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="token-webhook", daemon=True
        )
        self._thread.start()

    def url(self, cluster_arn: str) -> str:
        """The address that a cluster's API server is to ask."""
        return f"http://127.0.0.1:{self._server.server_port}/{quote(cluster_arn, safe='')}"

    def stop(self) -> None:
        """Stop answering and close the port; may be called twice, and before `start`."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.server_close()


def review(identity: Identity | None) -> dict[str, Any]:
    """The TokenReview that tells `identity`, with EKS's `extra` keys, or that the token is not accepted."""
    status: dict[str, Any] = {"authenticated": identity is not None}
    if identity is not None:
        extra = {"arn": identity.arn, "accessKeyId": identity.access_key_id}
        status["user"] = {
            "username": identity.username,
            "uid": identity.uid,
            "groups": list(identity.groups),
            "extra": {key: [value] for key, value in extra.items() if value},
        }
    return {"apiVersion": API_VERSION, "kind": "TokenReview", "status": status}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, authenticate: Authenticate) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.authenticate = authenticate


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = READ_TIMEOUT_S

    def do_POST(self) -> None:
        # kube-apiserver adds ?timeout=30s
        arn = unquote(urlsplit(self.path).path.removeprefix("/"))
        try:
            token = _token(self._body())
        except ValueError as error:
            self.close_connection = True
            return self._answer(400, {"error": str(error)})
        try:
            identity = self.server.authenticate(arn, token) if token else None
        except Exception as error:
            # A bug of the AWS half must not end this server, and its traceback may hold the token.
            log.error("authenticating for %s failed: %s", arn, type(error).__name__)
            return self._answer(500, {"error": "the local AWS could not check the token"})
        return self._answer(200, review(identity))

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or int(length) > MAX_BODY_BYTES:
            raise ValueError(f"a body of at most {MAX_BODY_BYTES} bytes is expected")
        return self.rfile.read(int(length))

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep request lines out of standard error."""


def _token(body: bytes) -> str:
    try:
        token = json.loads(body)["spec"]["token"]
    except (ValueError, TypeError, KeyError):
        token = None
    if not isinstance(token, str):
        # Without a cause: it would carry the body, and with it the token.
        raise ValueError("a TokenReview with spec.token is expected") from None
    return token
