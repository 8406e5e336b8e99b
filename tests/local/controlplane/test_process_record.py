"""Laws of ending what was started: all of it, also after a crash, and nothing else."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from eksprov.errors import LocalWorldError
from eksprov.local.controlplane import resources
from eksprov.local.controlplane.ports import free_ports
from eksprov.local.controlplane.record import MARKER, ProcessRecord

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Processes that wait. Each has answered, for a program that has hardly begun has no environment to be read yet."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(**environ: str) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            ["cat"], bufsize=0, env={**os.environ, **environ}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        started.append(child)
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(b"!")
        assert child.stdout.read(1) == b"!"
        return child

    yield begin
    for child in started:
        with child:
            child.kill()


def test_a_recorded_process_is_ended_by_another_record_of_the_same_folder(start: Start, tmp_path: Path) -> None:
    child = start()
    ProcessRecord(tmp_path).add("etcd", child.pid)
    assert ProcessRecord(tmp_path).kill() == ["etcd"]
    assert not psutil.pid_exists(child.pid)
    assert ProcessRecord(tmp_path).kill() == []


def test_a_process_that_was_not_yet_recorded_is_found_by_its_mark(start: Start, tmp_path: Path) -> None:
    marked, other = start(**{MARKER: str(tmp_path)}), start(**{MARKER: str(tmp_path / "other")})
    assert ProcessRecord(tmp_path).kill() == ["cat"]
    assert not psutil.pid_exists(marked.pid)
    assert other.poll() is None


def test_a_process_that_only_inherited_the_pid_is_left_alone(start: Start, tmp_path: Path) -> None:
    child = start()
    ProcessRecord(tmp_path).add("etcd", child.pid)
    entries = json.loads((tmp_path / "processes.json").read_text())
    entries[0]["created"] -= 60  # as if another process had had the pid a minute before
    (tmp_path / "processes.json").write_text(json.dumps(entries))
    assert ProcessRecord(tmp_path).kill() == []
    assert child.poll() is None


@pytest.mark.parametrize("content", [None, "", "{", "null", '[7, {"pid": "x"}]'])
def test_a_missing_or_damaged_record_still_finds_marks(start: Start, tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "processes.json").write_text(content)
    start(**{MARKER: str(tmp_path)})
    assert ProcessRecord(tmp_path).kill() == ["cat"]


def test_ports_are_free_and_different() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    with socket.create_server(("127.0.0.1", ports[0])):
        assert free_ports(1, ports[:2]) == (ports[1],)
        with pytest.raises(OSError, match="free ports"):
            free_ports(2, ports[:2])


def test_a_containers_memory_limit_counts(tmp_path: Path) -> None:
    assert resources.cgroup_free(tmp_path) is None
    for name, content in (("memory.current", "700"), ("memory.stat", "anon 5\ninactive_file 100\n")):
        (tmp_path / name).write_text(content)
    (tmp_path / "memory.max").write_text("max\n")
    assert resources.cgroup_free(tmp_path) is None
    (tmp_path / "memory.max").write_text("1000\n")
    assert resources.cgroup_free(tmp_path) == 400
    assert resources.measure(tmp_path, cgroup=tmp_path).memory == 400


def test_the_room_of_a_folder_that_is_not_there_yet_is_that_of_its_parent(tmp_path: Path) -> None:
    room = resources.measure(tmp_path / "not" / "yet")
    assert room.disk > 0
    assert room.memory > 0
    with pytest.raises(LocalWorldError, match=r"a pony needs .* of memory"):
        resources.require(tmp_path, "a pony", 0, room.memory * 100)
