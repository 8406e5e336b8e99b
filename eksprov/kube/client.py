"""Asks a Kubernetes API server, over the connections of the official package `kubernetes`.

Its `ApiClient` carries requests and tokens; what it would decide by itself is decided here. Its retries are switched
off by name, for what is not set means urllib3's three, sent again whatever the request does; its time-outs are given
with each call; its models are passed over, since a kind that is made by eksprov need not be one that it knows, and what
comes back is compared field by field as it came. `call_api` is passed over too: it keeps the last answer of any thread,
and an answer that is no text, or none at all, ends it with an error of its own
(https://github.com/kubernetes-client/python, kubernetes/client/api_client.py of 36.0). Its import costs a few tenths
of a second, so a thread does it beside what AWS is asked.

TLS is checked against the cluster's CA alone, held in memory; there is no way to turn that off. Proxies are taken from
the environment. The bearer token is asked for with each call, so a long run never uses an expired one; it goes into
one header and nowhere else. Time-outs: 5 s to connect, 30 s to answer; a service behind the API server has as long
as its caller gives it.
"""

from __future__ import annotations

import base64
import binascii
import importlib
import json
import ssl
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from eksprov import errors
from eksprov.core.convergence.pace import Clock
from eksprov.kube import faults, resources
from eksprov.kube.api import (
    FIELD_MANAGER,
    Manifest,
    Ref,
    Reply,
    SlowAnswerError,
    UnknownKindError,
)

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 30.0
# Waits of 0.5, 1, 2 and 4 s: longer than a rolling restart of the API server's endpoints shows to a client.
ATTEMPTS = 5
PAGE = 500
TOKEN = "BearerToken"  # the package's name for it
CONNECTIONS = 16  # kept open, for so many threads at once
RETRIED = frozenset({429, 500, 502, 503, 504})
# One of a cluster's API servers may know a definition that was just made before the others do.
RETRIED_FOR_NEW_KINDS = RETRIED | {404}
LONGEST_PAUSE_S = 10.0


@dataclass(frozen=True)
class _Call:
    """One request to an API server."""

    doing: str  # completes "could not …" in messages
    method: str
    path: str  # below the server's address
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None  # of ordinary calls what becomes JSON, of passed-through ones bytes
    content_type: str = "application/json"  # of the body
    repeatable: bool = True  # may be sent again after a lost answer
    retried: frozenset[int] = RETRIED  # HTTP statuses after which it is sent again
    passthrough: bool = False  # every status is an answer, none is retried
    stream: bool = False  # an answer that is well is read as it comes
    follow: bool = False  # the answer goes on for as long as it likes: no timeout
    timeout_s: float = READ_TIMEOUT_S  # without a byte of the answer


@dataclass(frozen=True)
class _Answer:
    """What an API server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""  # the whole of it; empty where it is still to be read
    open: Any = None  # the response that the body is read from; None: it has been read


class KubeClient:
    """A `KubeApi`. `server` is the endpoint's URL, `ca_data` base64 PEM, both as DescribeCluster gives them.

    `token` returns a valid bearer token whenever it is called, from any thread. Raises: ProvisioningError where the
    CA is unusable or the server is no https URL. `page` is how many objects are asked for at once, `patience_s` how
    long the API server has to say its version where a service behind it did not answer.
    """

    page = PAGE
    patience_s = CONNECT_TIMEOUT_S

    def __init__(
        self, server: str, ca_data: str, token: Callable[[], str], clock: Clock, manager: str = FIELD_MANAGER
    ) -> None:
        if urlsplit(server).scheme != "https":
            raise errors.ProvisioningError(f"the cluster's endpoint is no https URL: {server}")
        self._server, self._token, self._clock, self._manager = server.rstrip("/"), token, clock, manager
        self._tls = _tls(ca_data)
        self._lock = threading.Lock()
        self._api: ApiClient | None = None
        self._looked_up: dict[tuple[str, str], resources.Resource] = {}
        # Beside what AWS is asked until the first call.
        self._import = threading.Thread(target=importlib.import_module, args=("kubernetes.client",), daemon=True)
        self._import.start()

    def get(self, ref: Ref) -> dict[str, Any] | None:
        path = resources.object_path(ref, self._resource(ref.api_version, ref.kind))
        return self._json(_Call(f"read {ref.title}", "GET", path), absent_ok=True)

    def list(self, api_version: str, kind: str, namespace: str = "", selector: str = "") -> list[dict[str, Any]]:
        """All objects of a kind, page by page."""
        path = resources.collection_path(api_version, self._resource(api_version, kind), namespace)
        query = {"limit": str(self.page), **({"labelSelector": selector} if selector else {})}
        found: list[dict[str, Any]] = []
        while True:
            page = self._json(_Call(f"list objects of kind {kind}", "GET", path, query), absent_ok=True)
            if page is None:  # of a kind that is served there is always a list
                raise UnknownKindError(api_version, kind)
            # Items of a list do not say what they are.
            found += [{"apiVersion": api_version, "kind": kind, **item} for item in page.get("items") or ()]
            if not (more := page.get("metadata", {}).get("continue")):
                return found
            query = {**query, "continue": more}

    def apply(self, manifest: Manifest, *, dry_run: bool = False, force: bool = False) -> dict[str, Any]:
        ref = Ref.of(manifest)
        query = {"fieldManager": self._manager, "force": "true" if force else "false"}
        call = _Call(
            f"apply {ref.title}",
            "PATCH",
            resources.object_path(ref, self._resource(ref.api_version, ref.kind)),
            {**query, "dryRun": "All"} if dry_run else query,
            dict(manifest),
            "application/apply-patch+yaml",
            retried=RETRIED if (ref.api_version, ref.kind) in resources.KNOWN else RETRIED_FOR_NEW_KINDS,
        )
        return self._json(call) or {}

    def delete(self, ref: Ref, *, uid: str = "") -> None:
        """Delete in the foreground; absence is fine."""
        options: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Foreground"}
        if uid:
            options["preconditions"] = {"uid": uid}
        path = resources.object_path(ref, self._resource(ref.api_version, ref.kind))
        call = _Call(f"delete {ref.title}", "DELETE", path, body=options)
        self._json(call, absent_ok=True)

    def logs(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        tail_lines: int | None = None,
        follow: bool = False,
        previous: bool = False,
    ) -> Iterator[str]:
        """A container's log, line by line as it comes; nothing where there is none (yet)."""
        query = {"container": container}
        if tail_lines is not None:
            query["tailLines"] = str(tail_lines)
        query |= {name: "true" for name, wanted in (("follow", follow), ("previous", previous)) if wanted}
        path = f"{resources.object_path(Ref('v1', 'Pod', namespace, pod), resources.KNOWN['v1', 'Pod'])}/log"
        call = _Call(f"read the log of {namespace}/{pod}", "GET", path, query, stream=True, follow=follow)
        answer = self._send(call)
        if answer.status in (400, 404):  # the container has not begun, or has no earlier run, or is gone
            return
        if answer.status >= 400:
            raise faults.refusal(call.doing, answer.status, answer.body)
        try:
            yield from _lines(answer.open)
        finally:
            answer.open.close()

    def service_proxy(
        self,
        namespace: str,
        service: str,
        port: str,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        timeout_s: float | None = None,
    ) -> Reply:
        """An HTTP call through the API server; only the API server's own 401 and 403 are errors."""
        where, limit_s = resources.proxy_path(namespace, service, port, path), timeout_s or READ_TIMEOUT_S
        doing = f"call service {namespace}/{service}"
        call = _Call(doing, method, where, body=body, passthrough=True, timeout_s=limit_s)
        answer = self._send(call)
        if answer.status in (401, 403) and faults.status_of(answer.body) is not None:
            raise faults.refusal(call.doing, answer.status, answer.body)
        return Reply(answer.status, {key.lower(): value for key, value in answer.headers.items()}, answer.body)

    def server_version(self) -> str:
        """The API server's version, such as "v1.36.3"."""
        return str((self._json(_Call("ask for the version", "GET", "/version")) or {}).get("gitVersion", ""))

    def _resource(self, api_version: str, kind: str) -> resources.Resource:
        known = resources.KNOWN.get((api_version, kind)) or self._looked_up.get((api_version, kind))
        if known is None:
            listing = self._json(
                _Call(f"look up {api_version}", "GET", resources.group_path(api_version)), absent_ok=True
            )
            known = resources.discovered(listing or {}, kind)
            if known is None:
                raise UnknownKindError(api_version, kind)
            self._looked_up[api_version, kind] = known
        return known

    def _json(self, call: _Call, *, absent_ok: bool = False) -> dict[str, Any] | None:
        answer = self._send(call)
        if answer.status == 404 and absent_ok:
            return None
        if answer.status >= 400:
            raise faults.refusal(call.doing, answer.status, answer.body)
        try:
            found: dict[str, Any] = json.loads(answer.body)
        except ValueError as error:
            raise errors.ProvisioningError(f"could not {call.doing}: the answer is no JSON") from error
        return found

    def _send(self, call: _Call) -> _Answer:
        """Send, and again a bounded number of times where that can help and cannot do harm."""
        from urllib3.exceptions import HTTPError, NewConnectionError, ReadTimeoutError

        for attempt in range(ATTEMPTS):
            pause = 0.5 * 2**attempt
            last = attempt == ATTEMPTS - 1
            try:
                answer = self._request(call)
            except HTTPError as error:
                if call.passthrough and isinstance(error, ReadTimeoutError) and self._answers():
                    raise SlowAnswerError(f"could not {call.doing}: no answer within {call.timeout_s:g} s") from error
                unsent = isinstance(error, NewConnectionError)
                if last or not (unsent or (call.repeatable and not call.passthrough)) or _is_another(error):
                    raise self._unreachable(call, error) from error
            else:
                if last or call.passthrough or answer.status not in call.retried:
                    return answer
                pause = max(pause, min(LONGEST_PAUSE_S, _seconds(answer.headers.get("Retry-After", ""))))
            self._clock.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _answers(self) -> bool:
        """Whether the API server itself answers: then it was the service behind it that did not."""
        from urllib3.exceptions import HTTPError

        try:
            self._request(_Call("ask for the version", "GET", "/version", timeout_s=self.patience_s))
        except HTTPError:
            return False
        return True

    def _request(self, call: _Call) -> _Answer:
        api = self._client()
        from kubernetes.client.exceptions import ApiException

        headers = {"Accept": "application/json", "User-Agent": "eksprov", "Content-Type": call.content_type}
        if call.stream or call.passthrough:
            headers["Accept"] = "*/*"
        api.update_params_for_auth(headers, [], [TOKEN])
        timeout = (CONNECT_TIMEOUT_S, None if call.follow else call.timeout_s)
        url = f"{self._server}{call.path}"
        if call.passthrough:
            return self._passed_through(api, call, url, headers, timeout)
        try:
            response = api.request(
                call.method,
                url,
                query_params=list(call.query.items()),
                headers=headers,
                body=call.body,
                _preload_content=False,
                _request_timeout=timeout,
            )
        except ApiException as refused:
            if not refused.status and refused.__context__ is not None:  # TLS's error, in the package's words
                raise refused.__context__ from None
            return _Answer(refused.status, refused.headers, refused.body)
        if call.stream:
            return _Answer(response.status, response.headers, open=response)
        return _Answer(response.status, response.headers, response.data)

    def _passed_through(
        self, api: ApiClient, call: _Call, url: str, headers: dict[str, str], timeout: tuple[float, float | None]
    ) -> _Answer:
        """The body goes as it is, and every answer comes back: `ApiClient` would write JSON anew and raise."""
        import urllib3

        response = api.rest_client.pool_manager.request(
            call.method,
            url + (f"?{urlencode(call.query)}" if call.query else ""),
            body=call.body,
            headers=headers if call.body is not None else {k: v for k, v in headers.items() if k != "Content-Type"},
            timeout=urllib3.Timeout(connect=timeout[0], read=timeout[1]),
        )
        return _Answer(response.status, response.headers, response.data)

    def _client(self) -> ApiClient:
        """The package's client, made once: with this cluster's CA, one proxy or none, and no retries."""
        with self._lock:
            if self._api is None:
                self._import.join()  # two threads in one package's circle of imports may see it half made
                from kubernetes.client import ApiClient, Configuration

                settings = Configuration(host=self._server)
                settings.retries = False
                settings.proxy, settings.no_proxy = _proxy(self._server), None
                settings.connection_pool_maxsize = CONNECTIONS
                settings.api_key, settings.api_key_prefix = {TOKEN: ""}, {TOKEN: "Bearer"}
                settings.refresh_api_key_hook = self._refresh
                self._api = ApiClient(settings)
                # It takes a CA as a file alone, which would have to lie somewhere for as long as the client lives.
                self._api.rest_client.pool_manager.connection_pool_kw["ssl_context"] = self._tls
            return self._api

    def _refresh(self, settings: Any) -> None:
        settings.api_key[TOKEN] = self._token()

    def _unreachable(self, call: _Call, error: Exception) -> errors.ProvisioningError:
        if _is_another(error):
            return errors.ProvisioningError(
                f"could not {call.doing}: {self._server} shows a certificate that the cluster's CA has not signed",
                "something stands between you and the cluster, or this is another cluster's address",
            )
        silent = faults.silent(error, self._server, _proxy(self._server))
        return errors.NoAnswerError(
            f"could not {call.doing}: {silent} does not answer ({type(error).__name__})",
            "check that the cluster exists and that your network may reach its endpoint "
            "(cluster.endpoint_public_access, cluster.public_access_cidrs, HTTPS_PROXY)",
        )


def _tls(ca_data: str) -> ssl.SSLContext:
    try:
        pem = base64.b64decode(ca_data, validate=True).decode("ascii")
        context = ssl.create_default_context(cadata=pem)
    except (binascii.Error, UnicodeDecodeError, ssl.SSLError) as error:
        raise errors.ProvisioningError("the cluster's certificate authority data is unusable") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # whatever this Python was built with
    return context


def _proxy(server: str) -> str | None:
    host = urlsplit(server).hostname or ""
    if host in ("127.0.0.1", "localhost", "::1") or urllib.request.proxy_bypass(host):
        return None
    return urllib.request.getproxies().get("https")


def _is_another(error: BaseException) -> bool:
    """Whether the other side has shown a wrong certificate; a handshake that broke off says nothing of the kind."""
    from urllib3.exceptions import HTTPError

    reasons = (*error.args, getattr(error, "reason", None))
    return any(
        isinstance(one, ssl.CertificateError) or (isinstance(one, HTTPError) and _is_another(one)) for one in reasons
    )


def _seconds(retry_after: str) -> float:
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() else 0.0


def _lines(response: Any) -> Iterator[str]:
    left = b""
    for chunk in response.stream(8192):
        *lines, left = (left + chunk).split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "replace")
    if left:
        yield left.decode("utf-8", "replace")
