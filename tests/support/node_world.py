"""A cluster of the local world on a real control plane, asked by kubectl; of AWS there is what its nodes call."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from eksprov.local.contract import ClusterSpec, Identity, InstanceKind, Json, NodeSpec, NodeWish, Offers, PodCredentials
from eksprov.local.controlplane.record import MARKER
from eksprov.local.hub import Hub
from support.programs import control_plane_programs

ARN = "arn:aws:eks:us-west-2:123456789012:cluster/nodes"
KINDS = (
    InstanceKind("c5.large", "amd64", 2, 4096, 29),
    InstanceKind("m5.xlarge", "amd64", 4, 16384, 58),
    InstanceKind("m4.large", "amd64", 2, 8192, 20),
    InstanceKind("g6.xlarge", "amd64", 4, 16384, 58, gpus=1, gpu_name="l4"),
)


class FakeAws:
    """Credentials for the service account `digits`, S3 by moto."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self.launched: list[NodeWish] = []
        self.ended: list[str] = []

    def authenticate(self, *_: str) -> Identity | None:
        return None

    def pod_credentials(self, _cluster: str, _namespace: str, service_account: str, _pod: str) -> PodCredentials | None:
        return PodCredentials("AKIA0", "secret", "session") if service_account == "digits" else None

    def endpoint_url(self) -> str:
        return self._endpoint

    def offers(self, _cluster: str) -> Offers:
        return Offers(KINDS, {"us-west-2a": "usw2-az1"})

    def launch_node(self, _cluster: str, wish: NodeWish) -> NodeSpec | None:
        self.launched.append(wish)
        number, kind = 100 + len(self.launched), next(one for one in KINDS if one.name == wish.instance_types[0])
        bare = replace(node(number), nodegroup="", complete=True, labels=wish.labels, taints=wish.taints)
        size = replace(bare, vcpus=kind.vcpus, memory_mib=kind.memory_mib, gpus=kind.gpus)
        return replace(size, instance_type=kind.name)

    def terminate_node(self, _cluster: str, name: str) -> None:
        self.ended.append(name)


@dataclass
class World:
    """A cluster with everything around it."""

    hub: Hub
    home: Path
    kubectl: list[str]
    aws: FakeAws

    def run(self, *args: str, stdin: str | None = None, check: bool = True) -> str:
        done = subprocess.run(
            [*self.kubectl, *args], input=stdin, capture_output=True, text=True, check=False, timeout=60
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout if done.returncode == 0 else done.stderr

    def get(self, *args: str) -> Json:
        return dict(json.loads(self.run("get", *args, "-o", "json")))

    def apply(self, *objects: Json) -> None:
        self.run("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))


@contextmanager
def node_world(home: Path, s3: str) -> Iterator[World]:
    """A cluster that is ready, without nodes; skips where there is no program for it."""
    control_plane_programs()
    aws = FakeAws(s3)
    with closing(Hub(home, os.environ)) as hub:
        hub.connect(aws)
        hub.start_cluster(
            ClusterSpec(ARN, "nodes", "1.36", "10.100.0.0/16", "https://oidc.example/id/1", ("10.0.0.0/20",))
        )
        until(lambda: hub.cluster_status(ARN).state != "starting", 120)
        status = hub.cluster_status(ARN)
        assert status.state == "ready", status.message
        keys = next((home / "clusters").glob("*/pki"))
        access = ("--certificate-authority", "ca.crt", "--client-certificate", "admin.crt", "--client-key", "admin.key")
        paths = [word if word.startswith("--") else str(keys / word) for word in access]
        yield World(hub, home, ["kubectl", "--server", status.endpoint, *paths], aws)


def node(number: int, **more: Any) -> NodeSpec:
    return NodeSpec(
        name=f"ip-10-0-0-{number}.us-west-2.compute.internal",
        instance_id=f"i-{number:017x}",
        provider_id=f"aws:///us-west-2a/i-{number:017x}",
        private_ip=f"10.0.0.{number}",
        region="us-west-2",
        zone="us-west-2a",
        instance_type="m6i.large",
        architecture="amd64",
        vcpus=2,
        memory_mib=8192,
        disk_gib=20,
        max_pods=29,
        nodegroup="default",
        **more,
    )


def until(holds: Callable[[], Any], limit_s: float = 30.0) -> Any:
    """Wait for something real to happen."""
    deadline = time.monotonic() + limit_s
    while not (answer := holds()):
        assert time.monotonic() < deadline, "it did not happen in time"
        threading.Event().wait(0.1)
    return answer


def condition(obj: Json, kind: str) -> Json | None:
    found = [one for one in obj.get("status", {}).get("conditions", []) if one["type"] == kind]
    return found[0] if found else None


def pod_of(world: World, selector: str, namespace: str = "default") -> Json | None:
    items = world.get("pods", "-n", namespace, "-l", selector)["items"]
    return items[0] if items else None


def container_of(world: World, selector: str) -> Json:
    pod = pod_of(world, selector)
    statuses = (pod or {}).get("status", {}).get("containerStatuses", [])
    return statuses[0] if statuses else {}


def marked_processes(home: Path) -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            if str(process.environ().get(MARKER, "")).startswith(str(home)):
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found
