"""Laws of the hub without Kubernetes: every method returns at once, failures carry what to do, ends leave nothing."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.handlers import returned

from eksprov.errors import LocalWorldError
from eksprov.local.cluster import kubelet_version
from eksprov.local.contract import (
    AddonSpec,
    ClusterSpec,
    ClusterStatus,
    Identity,
    NodeSpec,
    NodeWish,
    Offers,
    PodCredentials,
)
from eksprov.local.controlplane.find import Binaries
from eksprov.local.controlplane.record import MARKER, ProcessRecord
from eksprov.local.hub import Hub, kill_leftovers

ARN = "arn:aws:eks:us-west-2:123456789012:cluster/c"
SPEC = ClusterSpec(ARN, "c", "1.36", "10.100.0.0/16", "https://oidc.example/id/1")


class NoAws:
    def authenticate(self, *_: str) -> Identity | None:
        return None

    def pod_credentials(self, *_: str) -> PodCredentials | None:
        return None

    def endpoint_url(self) -> str:
        return "http://127.0.0.1:9"

    def offers(self, *_: str) -> Offers:
        return Offers((), {})

    def launch_node(self, _cluster: str, _wish: NodeWish) -> NodeSpec | None:
        return None

    def terminate_node(self, *_: str) -> None:
        return None


class Programs:
    """Stands for finding or building; waits for `go`, then fails or gives what is no program."""

    def __init__(self, problem: Exception | None = None) -> None:
        self.go = threading.Event()
        self.calls = 0
        self.problem = problem

    def __call__(
        self,
        environ: Mapping[str, str],
        cache: Path,
        progress: Callable[[Any], None],
        cancel: threading.Event | None = None,
    ) -> Binaries:
        self.calls += 1
        progress("building: 1 of 2 packages")
        assert self.go.wait(30)
        if self.problem is not None:
            raise self.problem
        return Binaries(cache / "absent", "1.36.3", "test")


def until(holds: Callable[[], Any]) -> None:
    for _ in range(300):
        if holds():
            return
        threading.Event().wait(0.05)
    raise AssertionError("it did not happen in time")


@pytest.fixture
def programs() -> Programs:
    return Programs()


@pytest.fixture
def hub(tmp_path: Path, programs: Programs) -> Iterator[Hub]:
    made = Hub(tmp_path / "home", {"XDG_CACHE_HOME": str(tmp_path)}, ensure=programs)
    made.connect(NoAws())
    yield made
    programs.go.set()
    made.close()


def test_a_build_serves_all_clusters_and_is_told_in_each_status(hub: Hub, programs: Programs) -> None:
    hub.prefetch()
    hub.start_cluster(SPEC)
    hub.start_cluster(SPEC)
    until(lambda: hub.cluster_status(ARN).message == "building: 1 of 2 packages")
    assert hub.cluster_status(ARN).state == "starting"
    assert hub.build_progress() == "building: 1 of 2 packages"
    assert programs.calls == 1


def test_wishes_are_accepted_before_the_cluster_is_up(hub: Hub) -> None:
    hub.start_cluster(SPEC)
    hub.install_addon(ARN, AddonSpec("vpc-cni", "v1"))
    hub.sync_access(ARN, {"g": "view"})
    assert not hub.node_ready(ARN, "n")
    assert not hub.addon_health(ARN, "vpc-cni").ready


def test_a_failed_build_is_told_with_its_cure_and_tried_again_on_request(hub: Hub, programs: Programs) -> None:
    programs.problem = LocalWorldError("there is no Go", "Install it.")
    programs.go.set()
    hub.start_cluster(SPEC)
    until(lambda: hub.cluster_status(ARN).state == "failed")
    assert hub.cluster_status(ARN).message == "there is no Go. Install it."
    assert hub.build_progress() == ""
    hub.start_cluster(SPEC)
    until(lambda: programs.calls == 2)


def test_programs_that_do_not_run_are_a_failure_not_a_crash(hub: Hub, programs: Programs) -> None:
    programs.go.set()
    hub.start_cluster(SPEC)
    until(lambda: hub.cluster_status(ARN).state == "failed")
    assert "does not start" in hub.cluster_status(ARN).message


def test_a_cluster_is_absent_before_and_after_also_when_stopped_while_building(hub: Hub) -> None:
    assert hub.cluster_status(ARN).state == "absent"
    hub.start_cluster(SPEC)
    hub.stop_cluster(ARN)
    hub.stop_cluster(ARN)
    assert hub.cluster_status(ARN).state == "absent"


def test_calls_for_a_cluster_that_is_not_there_do_nothing(hub: Hub) -> None:
    hub.remove_nodes(ARN, ("n",))
    hub.remove_addon(ARN, "vpc-cni")
    assert not hub.addon_health(ARN, "vpc-cni").ready


def test_what_a_killed_hub_left_running_is_ended(tmp_path: Path) -> None:
    folder = tmp_path / "clusters" / "abc" / "nodes"
    folder.mkdir(parents=True)
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    child = subprocess.Popen(command, env={MARKER: str(folder)}, start_new_session=True)
    ProcessRecord(folder).add("server", child.pid)
    assert kill_leftovers(tmp_path) == ["server"]
    child.wait(10)
    assert not psutil.pid_exists(child.pid)
    assert list((tmp_path / "clusters").iterdir()) == []


@pytest.mark.parametrize(("cluster", "expected"), [("1.36", "v1.36.3"), ("1.35", "v1.35.0"), ("1.3", "v1.3.0")])
def test_nodes_report_the_clusters_version(cluster: str, expected: str) -> None:
    assert kubelet_version(cluster, "1.36.3") == expected


def test_the_hub_answers_others_while_a_cluster_is_asked_how_it_stands(hub: Hub) -> None:
    answered: list[bool] = []

    class Known:
        def status(self) -> ClusterStatus:
            answered.append(returned(hub.prefetch))
            return ClusterStatus("ready")

    hub._clusters[ARN] = Known()  # type: ignore[assignment]  # as much of a cluster as is asked
    hub.start_cluster(SPEC)
    hub._clusters.clear()
    assert answered == [True]
