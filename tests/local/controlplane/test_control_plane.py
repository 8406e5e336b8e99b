"""Laws of a real control plane: ready soon, it knows EKS tokens, reaches made-up pods, and leaves no process."""

from __future__ import annotations

import base64
import contextlib
import http.client
import http.server
import json
import os
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from eksprov.local.contract import ClusterSpec, Identity
from eksprov.local.controlplane.egress import EgressServer
from eksprov.local.controlplane.find import Binaries
from eksprov.local.controlplane.process import ControlPlane, kill_recorded
from eksprov.local.controlplane.record import ProcessRecord
from eksprov.local.controlplane.webhook import TokenWebhook
from eksprov.local.home import socket_path

ARN = "arn:aws:eks:us-west-2:123456789012:cluster/digits"
USER = "arn:aws:iam::123456789012:user/ada"
ISSUER = "https://oidc.eks.us-west-2.amazonaws.com/id/EXAMPLE"
READY_S = 60.0  # 3 s on a quiet machine
COMPONENTS = {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"}


def spec(version: str = "1.36") -> ClusterSpec:
    return ClusterSpec(ARN, "digits", version, "10.100.0.0/16", ISSUER)


def authenticate(arn: str, token: str) -> Identity | None:
    return Identity(USER, "uid-1", ("readers",), USER, "AKIDEXAMPLE") if (arn, token) == (ARN, "good") else None


@dataclass
class World:
    """One cluster with its doors; `pods` maps made-up addresses to loopback ones."""

    plane: ControlPlane
    pods: dict[tuple[str, int], tuple[str, int]]

    def call(self, method: str, path: str, body: object = None, token: str = "") -> tuple[int, Any]:
        """Ask the API server: as admin, or with a bearer token."""
        endpoint, ca_data = self.plane.address()
        context = self.plane.admin.ssl_context()
        if token:
            context = ssl.create_default_context(cadata=base64.b64decode(ca_data).decode())
        host, port = endpoint.removeprefix("https://").rsplit(":", 1)
        connection = http.client.HTTPSConnection(host, int(port), timeout=20, context=context)
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        with contextlib.suppress(ValueError):
            return response.status, json.loads(content)
        return response.status, content.decode()


@contextlib.contextmanager
def world(folder: Path, binaries: Binaries, version: str = "1.36") -> Iterator[World]:
    pods: dict[tuple[str, int], tuple[str, int]] = {}
    webhook = TokenWebhook(authenticate)
    egress = EgressServer(socket_path(folder, "egress.sock", os.environ), lambda host, port: pods.get((host, port)))
    plane = ControlPlane(
        folder / "cluster", spec(version), binaries, webhook_url=webhook.url(ARN), egress_socket=egress.socket
    )
    try:
        webhook.start()
        egress.start()
        plane.start()
        wait_ready(plane)
        yield World(plane, pods)
    finally:
        plane.stop()
        egress.stop()
        webhook.stop()


def wait_ready(plane: ControlPlane) -> None:
    while not plane.ready():
        assert plane.failed() is None
        assert plane.running_s() < READY_S
        threading.Event().wait(0.1)


def eventually(world: World, path: str) -> Any:
    deadline = time.monotonic() + 20
    while (answer := world.call("GET", path))[0] != 200:
        assert time.monotonic() < deadline, answer
        threading.Event().wait(0.1)
    return answer[1]


@pytest.fixture(scope="module")
def cluster(binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("world"), binaries) as made:
        yield made


@pytest.mark.kubernetes
def test_an_eks_token_is_its_identity_and_may_nothing_until_bound(cluster: World) -> None:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    status, answer = cluster.call("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review, "good")
    assert status == 201
    who = answer["status"]["userInfo"]
    assert (who["username"], who["uid"]) == (USER, "uid-1")
    assert set(who["groups"]) == {"readers", "system:authenticated"}
    assert who["extra"] == {"arn": [USER], "accessKeyId": ["AKIDEXAMPLE"]}
    assert cluster.call("GET", "/api/v1/namespaces", token="good")[0] == 403


@pytest.mark.kubernetes
def test_an_unknown_token_is_401(cluster: World) -> None:
    assert cluster.call("GET", "/api/v1/namespaces", token="bad")[0] == 401


@pytest.mark.kubernetes
def test_service_accounts_are_made_and_speak_for_the_clusters_issuer(cluster: World) -> None:
    path = "/api/v1/namespaces/default/serviceaccounts/default"
    eventually(cluster, path)
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": ["pods"]}}
    status, answer = cluster.call("POST", f"{path}/token", request)
    assert status == 201
    claims = answer["status"]["token"].split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["iss"] == ISSUER


def pod(name: str) -> dict[str, Any]:
    container = {"name": "c", "image": "example", "ports": [{"containerPort": 8080}]}
    return {
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"nodeName": "node-1", "containers": [container]},
    }


def running(address: str) -> dict[str, Any]:
    return {
        "phase": "Running",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "conditions": [{"type": "Ready", "status": "True"}],
    }


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"answer to {self.path}".encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def answering(context: ssl.SSLContext | None = None) -> Iterator[tuple[str, int]]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield ("127.0.0.1", server.server_port)
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


def start_pod(cluster: World, name: str, address: str) -> None:
    eventually(cluster, "/api/v1/namespaces/default/serviceaccounts/default")
    pods = "/api/v1/namespaces/default/pods"
    status, made = cluster.call("POST", pods, pod(name))
    assert status == 201, made
    del made["metadata"]["resourceVersion"]  # controllers write to it too
    made["status"] = running(address)
    status, made = cluster.call("PUT", f"{pods}/{name}/status", made)
    assert status == 200, made


@pytest.mark.kubernetes
def test_pod_and_service_proxies_reach_the_process_behind_a_made_up_address(cluster: World) -> None:
    start_pod(cluster, "web", "10.42.0.5")
    service = {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}
    service["spec"]["ports"][0] |= {"name": "http", "targetPort": 8080}  # type: ignore[index]  # just above
    assert cluster.call("POST", "/api/v1/namespaces/default/services", service)[0] == 201
    with answering() as address:
        cluster.pods[("10.42.0.5", 8080)] = address
        base = "/api/v1/namespaces/default"
        assert eventually(cluster, f"{base}/pods/web:8080/proxy/a") == "answer to /a"
        assert eventually(cluster, f"{base}/services/web:http/proxy/b") == "answer to /b"


@pytest.mark.kubernetes
def test_logs_come_from_the_kubelet_that_proves_the_nodes_address(cluster: World) -> None:
    node: dict[str, Any] = {"metadata": {"name": "node-1"}}
    status, made = cluster.call("POST", "/api/v1/nodes", node)
    assert status == 201, made
    del made["metadata"]["resourceVersion"]
    made["status"] |= {
        "addresses": [{"type": "InternalIP", "address": "10.0.1.7"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
    }
    assert cluster.call("PUT", "/api/v1/nodes/node-1/status", made)[0] == 200
    start_pod(cluster, "talker", "10.42.0.6")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(cluster.plane.admin.ca_path))
    context.verify_mode = ssl.CERT_REQUIRED  # only the API server may ask
    context.load_cert_chain(*cluster.plane.node_certificate("node-1", ["10.0.1.7"]))
    with answering(context) as address:
        cluster.pods[("10.0.1.7", 10250)] = address
        assert "answer to /containerLogs/default/talker/c" in eventually(
            cluster, "/api/v1/namespaces/default/pods/talker/log"
        )


@pytest.mark.kubernetes
def test_an_older_version_is_played(binaries: Binaries, tmp_path: Path) -> None:
    with world(tmp_path, binaries, "1.35") as made:
        status, answer = made.call("GET", "/version")
        assert (status, answer["emulationMajor"], answer["emulationMinor"]) == (200, "1", "35")


@pytest.mark.kubernetes
def test_stopping_leaves_no_process_and_no_key(binaries: Binaries, tmp_path: Path) -> None:
    with world(tmp_path, binaries) as made:
        started = ProcessRecord(tmp_path / "cluster").alive()
        assert set(started.values()) == COMPONENTS
        made.plane.stop()
        made.plane.stop()
        assert not any(psutil.pid_exists(pid) for pid in started)
        assert made.plane.failed() is None
        assert not made.plane.ready()
    assert kill_recorded(tmp_path / "cluster") == []
    assert [path.name for path in (tmp_path / "cluster").iterdir()] == ["logs"]


CRASH = """
import os, pathlib, sys
from eksprov.local.contract import ClusterSpec
from eksprov.local.controlplane.find import Binaries
from eksprov.local.controlplane.process import ControlPlane
folder, program, version = sys.argv[1:]
spec = ClusterSpec("arn:c", "c", "1.36", "10.100.0.0/16", "https://oidc.example/id/A")
binaries = Binaries(pathlib.Path(program), version, "test")
ControlPlane(pathlib.Path(folder), spec, binaries, webhook_url="http://127.0.0.1:9/c",
             egress_socket=pathlib.Path(folder) / "e.sock").start()
os.kill(os.getpid(), 9)
"""


@pytest.mark.kubernetes
def test_what_a_killed_eksprov_left_running_is_ended_by_its_record(binaries: Binaries, tmp_path: Path) -> None:
    folder = tmp_path / "cluster"
    command = [sys.executable, "-c", CRASH, str(folder), str(binaries.path), binaries.version]
    assert subprocess.run(command, timeout=60, check=False).returncode == -9
    assert set(kill_recorded(folder)) == COMPONENTS
    assert kill_recorded(folder) == []
