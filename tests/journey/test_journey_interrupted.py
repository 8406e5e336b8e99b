"""A run that is killed or stopped is simply run again; and a teardown leaves nothing, and no process.

A world of its own, for it is ended here. The tests are one story, in this order.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator

import psutil
import pytest
from support.journey import Project, owned, until
from support.programs import control_plane_programs
from support.world import world

pytestmark = [pytest.mark.kubernetes, pytest.mark.slow]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project folder whose world starts now, empty but for what every account has."""
    control_plane_programs()
    made = Project(tmp_path_factory.mktemp("interrupted"))
    made.train()
    up = made("local", "up")
    assert up.code == 0, up.err
    yield made
    made("local", "down", "--yes")


@pytest.fixture(scope="module")
def empty(project: Project) -> dict[str, list[str]]:
    """The account before the first run."""
    return world(project.aws)


def duplicates(project: Project) -> dict[str, int]:
    """Steps of which the account holds more than one resource."""
    ours = (step for kind, step, _ in owned(project.aws, "quickstart") if kind not in ("instance", "security-group"))
    return {step: count for step, count in Counter(ours).items() if count > 1}


def cluster_is(project: Project) -> str:
    """The cluster's status, or "" while there is none."""
    eks = project.aws("eks")
    names = eks.list_clusters()["clusters"]
    return str(eks.describe_cluster(name=names[0])["cluster"]["status"]) if names else ""


def test_killed_twice_and_stopped_once_it_still_converges_without_duplicates(
    project: Project, empty: dict[str, list[str]]
) -> None:
    assert empty["cluster"] == []

    first = project.begin("provision")
    first.until(lambda: "created     vpc " in first.said, "the VPC is made")
    first.process.kill()
    assert first.ended().code == -signal.SIGKILL

    second = project.begin("provision")
    second.until(lambda: cluster_is(project) == "CREATING", "the cluster is being created")
    second.process.kill()
    assert second.ended().code == -signal.SIGKILL

    third = project.begin("provision")
    third.until(lambda: cluster_is(project) == "ACTIVE", "the cluster is active")
    third.process.send_signal(signal.SIGINT)
    stopped = third.ended()
    assert stopped.code == 130, stopped.err
    assert "SIGINT: stopping." in stopped.err
    assert stopped.err.rstrip().splitlines()[-1].startswith("resume with: ")
    assert stopped.err.rstrip().endswith("-m eksprov provision")

    done = project("provision")
    assert done.code == 0, done.err
    assert duplicates(project) == {}
    before = project.changes()
    again = project("provision")
    assert "no changes: 26 resources as wanted" in again.out, again.err
    assert project.changes() == before
    assert {step["recorded"] for step in project("status", "--json").json["steps"]} == {"ready"}


def test_without_a_terminal_and_a_yes_nothing_is_torn_down(project: Project) -> None:
    before, account = project.changes(), world(project.aws)
    refused = project("teardown")
    assert (refused.code, refused.out) == (2, "")
    assert "--yes" in refused.err
    assert (project.changes(), world(project.aws)) == (before, account)


def test_teardown_leaves_an_account_as_it_was(project: Project, empty: dict[str, list[str]]) -> None:
    served = project("deploy-model")
    assert served.code == 0, served.err
    gone = project("teardown", "--yes", "--json")
    assert gone.json["ok"], gone.err
    assert set(gone.json["counted"].values()) == {0}
    left = world(project.aws)
    assert {kind: items for kind, items in left.items() if items != empty[kind]} == {}
    assert not project.state().exists()
    twice = project("teardown", "--yes")
    assert twice.code == 0, twice.err


def test_the_world_ends_with_its_last_stack_and_leaves_no_process(project: Project) -> None:
    daemon = project("local", "status", "--json").json["pid"]
    assert daemon in {process.pid for process in project.processes()}
    for _ in range(2):
        gone = project("teardown", "--yes-if-local", "--down-if-empty")
        assert gone.code == 0, gone.err
        assert "the local world has ended" in gone.err
        assert project.processes() == []
        until(lambda: not psutil.pid_exists(daemon), "the world's process is gone")
