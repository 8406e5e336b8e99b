"""The local world as a process: started once, found again, ended without a trace. Kubernetes is left out."""

from __future__ import annotations

import json
import os
import signal
import stat
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import psutil
import pytest

from eksprov.errors import LocalWorldError
from eksprov.local import world
from eksprov.local.controlplane.record import MARKER
from eksprov.local.proxies import bypassing
from eksprov.local.worlds import every

pytestmark = pytest.mark.real_time


@dataclass
class Home:
    state: Path
    environ: dict[str, str]
    folder: Path

    def up(self) -> world.WorldInfo:
        return world.up(self.state, 1000.0, self.environ)

    def down(self) -> list[str]:
        return world.down(self.state, self.environ)

    def processes(self) -> list[psutil.Process]:
        found = []
        for each in psutil.process_iter():
            try:
                if each.environ().get(MARKER, "").startswith(str(self.folder)) and each.status() != "zombie":
                    found.append(each)
            except (psutil.Error, OSError):
                continue
        return found


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    folder = tmp_path / "home"
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "EKSPROV_LOCAL_HOME": str(folder),
        "EKSPROV_LOCAL_NO_KUBERNETES": "1",
        "AWS_PROFILE": "not-for-the-daemon",
    }
    found = Home(tmp_path / "state", environ, folder)
    yield found
    found.down()
    assert found.processes() == []


def test_a_world_starts_once_answers_and_leaves_nothing(home: Home) -> None:
    assert world.find(home.state, home.environ) is None
    began = time.monotonic()
    info = home.up()
    took = time.monotonic() - began
    assert home.up() == world.find(home.state, home.environ) == info
    assert len(home.processes()) == 1
    assert psutil.Process(info.pid).ppid() != os.getpid()
    assert os.getsid(info.pid) == info.pid
    for name in (world.WORLD_FILE, world.KEY_FILE, world.LOG_FILE):
        assert stat.S_IMODE((home.folder / name).stat().st_mode) == 0o600
    status = world.status(home.state, home.environ)
    assert (status["pid"], status["aws_endpoint_url"], status["clusters"]) == (info.pid, info.url, [])
    env = world.env(home.state, home.environ)
    session = boto3.Session(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], region_name=env["AWS_REGION"])
    sts = session.client("sts", endpoint_url=env["AWS_ENDPOINT_URL"])
    assert sts.get_caller_identity()["Arn"] == "arn:aws:iam::123456789012:user/local-admin"
    assert world.calls(home.state, home.environ)["counts"] == {"sts:GetCallerIdentity": 1}
    world.prefetch(home.state, home.environ)
    assert home.down() == [f"local world (pid {info.pid})"]
    assert home.processes() == []
    assert not (home.folder / world.WORLD_FILE).exists()
    assert home.down() == []
    assert took < world.START_TIMEOUT_S


def test_two_starters_make_one_world(home: Home) -> None:
    found: list[world.WorldInfo] = []
    threads = [threading.Thread(target=lambda: found.append(home.up())) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len({info.pid for info in found}) == 1
    assert len(found) == 3


def test_a_killed_world_is_not_found_and_a_new_one_takes_its_place(home: Home) -> None:
    first = home.up()
    os.kill(first.pid, signal.SIGKILL)
    while first.pid in {each.pid for each in home.processes()}:
        time.sleep(0.01)
    assert world.find(home.state, home.environ) is None
    assert home.up().pid != first.pid


def test_a_pid_that_another_process_has_now_is_no_world(home: Home) -> None:
    home.folder.mkdir(mode=0o700)
    mine = {"pid": os.getpid(), "created": 1.0, "url": "http://127.0.0.1:1", "version": "0", "speed": 1}
    (home.folder / world.WORLD_FILE).write_text(json.dumps({**mine, "started_at": ""}))
    assert world.find(home.state, home.environ) is None
    assert home.down() == []


def test_a_world_of_another_version_is_left_alone(home: Home) -> None:
    home.up()
    path = home.folder / world.WORLD_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": "0.0.0"}))
    with pytest.raises(LocalWorldError) as refused:
        home.up()
    assert "eksprov 0.0.0" in refused.value.message
    assert "local down" in refused.value.hint


def test_a_stuck_world_is_named_and_ended(home: Home) -> None:
    info = home.up()
    (home.folder / world.KEY_FILE).write_text("wrong")
    with pytest.raises(LocalWorldError, match="does not answer"):
        world.find(home.state, home.environ)
    assert home.down() == [f"local world (pid {info.pid})"]


def test_a_world_that_nobody_can_find_ends_by_itself(home: Home) -> None:
    info = home.up()
    (home.folder / world.WORLD_FILE).unlink()
    while info.pid in {each.pid for each in home.processes()}:
        time.sleep(0.05)


def test_a_world_that_cannot_start_shows_its_log(home: Home) -> None:
    home.folder.mkdir(mode=0o700)
    (home.folder / world.WORLD_FILE).mkdir()
    with pytest.raises((LocalWorldError, OSError)):
        home.up()
    (home.folder / world.WORLD_FILE).rmdir()


def test_without_a_world_every_question_names_the_cure(home: Home) -> None:
    for ask in (world.status, world.calls, world.env, world.prefetch):
        with pytest.raises(LocalWorldError) as refused:
            ask(home.state, home.environ)
        assert "local up" in refused.value.hint


def test_exceptions_from_a_proxy_that_are_there_stay_and_this_machine_comes_to_them() -> None:
    both = "internal.example.com,127.0.0.1,localhost,::1"
    assert bypassing({"NO_PROXY": "internal.example.com, 127.0.0.1"}) == {"NO_PROXY": both, "no_proxy": both}
    assert bypassing({}) == dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost,::1")


def test_a_world_under_a_proxy_is_reached_and_reaches_itself(home: Home) -> None:
    """Its process keeps the proxy for what it fetches, and leaves it out for this machine."""
    nowhere = "http://127.0.0.1:1"
    home.environ |= {"HTTP_PROXY": nowhere, "https_proxy": nowhere, "NO_PROXY": "example.com"}
    info = home.up()
    (process,) = home.processes()
    there = process.environ()
    assert (there["HTTP_PROXY"], there["https_proxy"]) == (nowhere, nowhere)
    assert there["NO_PROXY"] == there["no_proxy"] == "example.com,127.0.0.1,localhost,::1"
    assert world.status(home.state, home.environ)["pid"] == info.pid
    assert world.env(home.state, home.environ)["NO_PROXY"] == there["NO_PROXY"]


def test_a_world_that_a_command_started_ends_by_itself_and_one_that_was_asked_for_stays(home: Home) -> None:
    """Looking at the list of worlds is no command."""
    info = world.up(home.state, 1000.0, home.environ, idle_s=2.0)
    (listed,) = [one for one in every() if one.info.home == info.home]
    assert (listed.info, listed.state, listed.stacks, listed.kept) == (info, str(home.state), (), False)
    assert listed.ends_in_s is not None
    deadline = time.monotonic() + 30.0
    while home.processes() and time.monotonic() < deadline:
        assert len([one for one in every() if one.info.home == info.home]) < 2
        time.sleep(0.1)
    assert home.processes() == []
    assert world.find(home.state, home.environ) is None
    kept = world.up(home.state, 1000.0, home.environ, keep=True, idle_s=1.0)
    time.sleep(3.0)
    (listed,) = [one for one in every() if one.info.home == info.home]
    assert (listed.info.pid, listed.kept, listed.ends_in_s) == (kept.pid, True, None)
