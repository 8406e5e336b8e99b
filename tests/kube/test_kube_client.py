"""How the client speaks: TLS, tokens, retries, errors. Against a server of the test's own, in virtual time."""

from __future__ import annotations

import base64
import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from support.clock import VirtualClock
from support.tls import HttpsServer, Seen, https_server

from eksprov import errors
from eksprov.kube.api import Ref, SlowAnswerError, UnknownKindError
from eksprov.kube.client import KubeClient

Answered = tuple[int, dict[str, str], bytes]
OK: Answered = (200, {}, b'{"kind": "Thing", "metadata": {}}')
POOLS: Answered = (
    200,
    {},
    json.dumps({"resources": [{"name": "pools", "kind": "Pool", "namespaced": False}]}).encode(),
)
THING = Ref("v1", "ConfigMap", "n", "x")
Answers = list[Answered]
Serve = Callable[..., tuple[KubeClient, HttpsServer, VirtualClock]]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Give a client of a server that answers as told, one answer after the other, the last one for ever."""
    with ExitStack() as stack:

        def start(*answers: tuple[int, dict[str, str], bytes]) -> tuple[KubeClient, HttpsServer, VirtualClock]:
            left: Answers = list(answers)
            server = stack.enter_context(https_server(tmp_path, lambda _: left.pop(0) if len(left) > 1 else left[0]))
            clock = VirtualClock()
            return KubeClient(server.url, server.ca_data, lambda: "secret-token", clock), server, clock

        yield start


@contextmanager
def counting_listener() -> Iterator[tuple[int, list[str]]]:
    """A port that hangs up on everybody who connects; its number, and who came."""
    seen = list[str]()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            while True:
                try:
                    one, peer = listener.accept()
                except OSError:  # closed
                    return
                seen.append(str(peer))
                one.close()

        threading.Thread(target=hang_up, daemon=True).start()
        yield listener.getsockname()[1], seen
        listener.shutdown(socket.SHUT_RDWR)


def status(code: int, message: str) -> bytes:
    return json.dumps({"kind": "Status", "code": code, "message": message}).encode()


def test_the_token_is_in_the_header_of_each_call_and_nowhere_else(serve: Serve) -> None:
    client, server, _ = serve(OK)
    client.get(THING)
    client.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "n"}})
    assert [call.headers["authorization"] for call in server.seen] == ["Bearer secret-token"] * 2
    assert all("secret-token" not in call.path + call.body.decode() for call in server.seen)
    assert server.seen[1].path == "/api/v1/namespaces/n/configmaps/x?fieldManager=eksprov&force=false"
    assert server.seen[1].headers["content-type"] == "application/apply-patch+yaml"


def test_a_server_that_the_ca_did_not_sign_gets_no_request(serve: Serve, tmp_path: Path) -> None:
    client, server, clock = serve(OK)
    (tmp_path / "other").mkdir()
    with https_server(tmp_path / "other", lambda _: OK) as stranger:
        liar = KubeClient(stranger.url, server.ca_data, lambda: "secret-token", clock)
        with pytest.raises(errors.ProvisioningError, match="certificate"):
            liar.get(THING)
        assert stranger.seen == []
    assert client.get(THING)


def test_only_https_with_a_usable_ca_is_spoken_to() -> None:
    for server, ca_data in (
        ("http://127.0.0.1:1", ""),
        ("https://127.0.0.1:1", "%%%"),
        ("https://127.0.0.1:1", base64.b64encode(b"no certificate").decode()),
    ):
        with pytest.raises(errors.ProvisioningError):
            KubeClient(server, ca_data, lambda: "t", VirtualClock())


def test_a_busy_server_is_asked_again_as_late_as_it_says(serve: Serve) -> None:
    client, server, clock = serve((429, {"Retry-After": "3"}, b""), (503, {}, b""), OK)
    assert client.get(THING)
    assert len(server.seen) == 3
    assert clock.slept == [3.0, 1.0]


def test_a_kind_is_looked_up_and_one_that_is_not_served_is_told_apart_from_one_with_no_objects(serve: Serve) -> None:
    client, _, _ = serve(POOLS, (404, {}, b"404 page not found\n"), (200, {}, b'{"items": []}'), (404, {}, b""))
    with pytest.raises(UnknownKindError, match=r"the kind Pool of example\.org/v1"):
        client.list("example.org/v1", "Pool")
    assert client.list("example.org/v1", "Pool") == []
    with pytest.raises(UnknownKindError):
        client.list("example.org/v1", "Other")


def test_an_object_of_a_kind_just_defined_is_sent_until_the_server_that_answers_knows_the_kind(serve: Serve) -> None:
    client, _, clock = serve(POOLS, (404, {}, b"404 page not found\n"), (404, {}, b"404 page not found\n"), OK)
    assert client.apply({"apiVersion": "example.org/v1", "kind": "Pool", "metadata": {"name": "a"}})
    assert clock.slept == [0.5, 1.0]


def test_retries_end_and_the_last_answer_is_told(serve: Serve) -> None:
    client, server, _ = serve((503, {}, status(503, "etcd is away")))
    with pytest.raises(errors.ProvisioningError, match="etcd is away") as caught:
        client.get(THING)
    assert len(server.seen) == 5
    assert "busy" in caught.value.hint


def test_a_server_that_is_not_there_is_told_with_its_address(serve: Serve) -> None:
    _, server, clock = serve(OK)
    gone = KubeClient("https://127.0.0.1:9", server.ca_data, lambda: "t", clock)
    with pytest.raises(errors.ProvisioningError, match=r"https://127\.0\.0\.1:9 does not answer"):
        gone.get(THING)
    assert clock.slept == [0.5, 1.0, 2.0, 4.0]


@pytest.mark.parametrize(("ask", "connections"), [("get", 5), ("service_proxy", 1)])
def test_a_lost_answer_is_asked_for_again_by_us_alone_and_only_where_that_does_no_harm(
    serve: Serve, ask: str, connections: int
) -> None:
    _, server, clock = serve(OK)
    with counting_listener() as (port, seen):
        client = KubeClient(f"https://127.0.0.1:{port}", server.ca_data, lambda: "t", clock)
        with pytest.raises(errors.ProvisioningError, match="does not answer"):
            client.get(THING) if ask == "get" else client.service_proxy("n", "svc", "http", "POST", "x", b"{}")
        assert len(seen) == connections


def test_nobody_is_followed_to_another_address(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with https_server(tmp_path / "other", lambda _: OK) as other:
        client, _, _ = serve((302, {"Location": f"{other.url}/api/v1/namespaces/n/configmaps/x"}, b""))
        with pytest.raises(errors.ProvisioningError):
            client.get(THING)
        assert client.service_proxy("n", "svc", "http", "GET", "x").status == 302
        assert other.seen == []


def test_neither_token_nor_contents_are_logged(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    body = json.dumps({"kind": "Secret", "metadata": {}, "data": {"password": "hunter2"}}).encode()
    client, _, _ = serve((200, {}, body), (404, {}, body), OK)
    with caplog.at_level(logging.DEBUG):
        client.get(THING)
        client.get(THING)
        client.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "hunter2"}})
    assert "hunter2" not in caplog.text
    assert "secret-token" not in caplog.text


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"<html>"])
def test_an_answer_that_is_no_text_is_an_error_of_ours(serve: Serve, body: bytes) -> None:
    client, _, _ = serve((200, {}, body), (418, {}, body))
    for _ in range(2):
        with pytest.raises(errors.ProvisioningError):
            client.get(THING)


def test_a_proxied_answer_comes_back_raw_whatever_its_status(serve: Serve) -> None:
    client, server, clock = serve((503, {"X-Server": "mine"}, b"\x00raw"))
    reply = client.service_proxy("n", "svc", "http", "POST", "v2/models/m/infer", b"{}")
    assert (reply.status, reply.body, reply.headers["x-server"]) == (503, b"\x00raw", "mine")
    assert server.seen[0].path == "/api/v1/namespaces/n/services/svc:http/proxy/v2/models/m/infer"
    assert clock.slept == []
    assert len(server.seen) == 1


def test_a_service_that_is_slow_is_not_an_api_server_that_does_not_answer(tmp_path: Path) -> None:
    over = threading.Event()
    silent = {"/version": False}

    def handle(seen: Seen) -> tuple[int, dict[str, str], bytes]:
        if silent.get(seen.path, True):
            over.wait(30)
        return 200, {}, b"{}"

    with https_server(tmp_path, handle) as server:
        client = KubeClient(server.url, server.ca_data, lambda: "t", VirtualClock())
        client.patience_s = 0.2
        with pytest.raises(SlowAnswerError, match=r"no answer within 0\.2 s") as slow:
            client.service_proxy("n", "svc", "http", "POST", "x", b"{}", timeout_s=0.2)
        silent["/version"] = True
        with pytest.raises(errors.NoAnswerError, match="does not answer") as gone:
            client.service_proxy("n", "svc", "http", "POST", "x", b"{}", timeout_s=0.2)
        over.set()
    assert (slow.value.exit_code, gone.value.exit_code) == (5, 5)


def test_a_403_of_the_model_server_is_an_answer_but_one_of_the_api_server_an_error(serve: Serve) -> None:
    client, _, _ = serve((403, {}, b"my own"), (403, {}, status(403, 'User "u" cannot get services/proxy')))
    assert client.service_proxy("n", "svc", "http", "GET", "x").status == 403
    with pytest.raises(errors.AccessError):
        client.service_proxy("n", "svc", "http", "GET", "x")


@pytest.mark.parametrize(
    ("code", "message", "kind", "hint"),
    [
        (401, "Unauthorized", errors.AccessError, "access entry"),
        (403, 'pods is forbidden: User "me" cannot list resource', errors.AccessError, "knows you as me"),
        (403, 'pods "x" is forbidden: violates PodSecurity "restricted:latest"', errors.ProvisioningError, "Security"),
        (403, 'pods "x" is forbidden: exceeded quota: q', errors.ProvisioningError, "ResourceQuota"),
        (403, "unable to create new content because it is being terminated", errors.ProvisioningError, "on its way"),
        (422, 'Deployment "x" is invalid: spec.foo', errors.ProvisioningError, ""),
    ],
)
def test_each_refusal_has_its_class_and_cure(
    serve: Serve, code: int, message: str, kind: type[errors.EksprovError], hint: str
) -> None:
    client, _, _ = serve((code, {}, status(code, message)))
    with pytest.raises(kind) as caught:
        client.get(THING)
    assert type(caught.value) is kind
    assert hint in caught.value.hint


def test_a_log_comes_line_by_line_and_a_container_not_begun_has_none(serve: Serve) -> None:
    client, server, _ = serve((200, {}, "one\ntwo\nthrée".encode()), (400, {}, b"waiting to start"))
    assert list(client.logs("n", "p", "c", tail_lines=5, previous=True)) == ["one", "two", "thrée"]
    assert server.seen[0].path == "/api/v1/namespaces/n/pods/p/log?container=c&tailLines=5&previous=true"
    assert list(client.logs("n", "p", "c")) == []


def test_names_cannot_lead_to_another_path(serve: Serve) -> None:
    client, server, _ = serve(OK)
    client.get(Ref("v1", "ConfigMap", "n/../..", "../../secrets/x"))
    assert server.seen[0].path == "/api/v1/namespaces/n%2F..%2F../configmaps/..%2F..%2Fsecrets%2Fx"
