"""No proxy stands between us and this machine, whatever the environment says; one before AWS is named when it fails."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from support.clock import VirtualClock
from support.services import SERVICES
from support.tls import https_server

from eksprov import errors
from eksprov.aws.clients import Clients
from eksprov.aws.faults import translated
from eksprov.aws.proxies import is_this_machine, shown
from eksprov.kube.api import Ref
from eksprov.kube.client import KubeClient

ANSWER = b"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::123456789012:user/ann</Arn><UserId>A</UserId><Account>123456789012</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""


@pytest.fixture
def dead() -> str:
    """A proxy at which nobody listens; its URL has a password."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://ann:secret@127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch, dead: str) -> str:
    """An environment in which everything goes to that proxy."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, dead)
    return dead


@pytest.fixture
def here() -> Iterator[str]:
    """What stands in for AWS on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("Content-Length", str(len(ANSWER)))
            self.end_headers()
            self.wfile.write(ANSWER)

        def log_message(self, *_: Any) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def session() -> Any:
    return boto3.Session("testing", "testing", region_name="us-west-2")


@pytest.mark.usefixtures("proxied")
def test_the_local_world_is_reached_past_any_proxy(here: str) -> None:
    assert Clients(session(), attempts=1, endpoint_url=here).sts.get_caller_identity()["Account"] == "123456789012"


@pytest.mark.usefixtures("proxied")
def test_so_is_one_that_the_environment_names(here: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", here)
    assert Clients(session(), attempts=1).sts.get_caller_identity()["Account"] == "123456789012"


@pytest.mark.parametrize("service", SERVICES)
def test_no_client_of_this_machine_has_a_proxy_and_every_one_of_aws_may(service: str) -> None:
    assert Clients(session(), attempts=1, endpoint_url="http://localhost:1").get(service).meta.config.proxies == {}
    assert Clients(session(), attempts=1).get(service).meta.config.proxies is None


def test_a_proxy_before_aws_that_fails_is_named_without_its_password(proxied: str) -> None:
    with pytest.raises(errors.ProvisioningError) as refused, translated("find out who calls AWS"):
        Clients(session(), attempts=1).sts.get_caller_identity()
    assert f"the proxy {shown(proxied)} does not answer" in refused.value.message
    assert "secret" not in refused.value.message
    assert "HTTPS_PROXY" in refused.value.hint


def test_a_proxy_before_a_cluster_that_fails_is_named_too(proxied: str, tmp_path: Path) -> None:
    with https_server(tmp_path, lambda _: (200, {}, b"{}")) as server:
        client = KubeClient("https://cluster.example.com", server.ca_data, lambda: "token", VirtualClock())
        with pytest.raises(errors.ProvisioningError) as refused:
            client.get(Ref("v1", "ConfigMap", "n", "x"))
    assert f"the proxy {shown(proxied)}" in refused.value.message
    assert "secret" not in refused.value.message


@pytest.mark.parametrize(
    ("url", "here"),
    [("http://127.0.0.1:4566", True), ("https://localhost/", True), ("http://[::1]:1", True), ("", False),
     ("https://eks.us-west-2.amazonaws.com", False), ("https://127.0.0.1.example.com", False)],
)  # fmt: skip
def test_what_is_this_machine(url: str, here: bool) -> None:
    assert is_this_machine(url) is here
