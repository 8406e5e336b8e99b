"""Laws of starting, watching and ending four processes, with scripts in their place."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from support.handlers import returned

from eksprov.errors import LocalWorldError
from eksprov.local.contract import ClusterSpec
from eksprov.local.controlplane.find import Binaries
from eksprov.local.controlplane.process import RESTARTS, ControlPlane, kill_recorded, last_lines
from eksprov.local.controlplane.record import ProcessRecord
from eksprov.local.controlplane.resources import GIB, Room


def spec(version: str = "1.36") -> ClusterSpec:
    return ClusterSpec("arn:c", "digits", version, "10.100.0.0/16", "https://oidc.example/id/A")


def scripted(tmp_path: Path, body: str) -> Binaries:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    return Binaries(program, "1.36.3", "test")


def plane(tmp_path: Path, binaries: Binaries, room: Room, version: str = "1.36") -> ControlPlane:
    return ControlPlane(
        tmp_path / "cluster",
        spec(version),
        binaries,
        webhook_url="http://127.0.0.1:9/c",
        egress_socket=tmp_path / "e.sock",
        measure=lambda _: room,
    )


def test_a_component_that_ends_is_named_with_its_last_words(tmp_path: Path) -> None:
    binaries = scripted(tmp_path, '[ "$1" = kube-scheduler ] && { echo no such flag >&2; exit 7; }; exec sleep 60')
    made = plane(tmp_path, binaries, Room(9 * GIB, 9 * GIB))
    made.start()
    try:
        for _ in range(RESTARTS):
            made._children["kube-scheduler"].wait(10)
            assert made.failed() is None  # it is started again, as one that the API server kept waiting
        made._children["kube-scheduler"].wait(10)
        said = made.failed()
        assert said is not None
        assert said.startswith("kube-scheduler ended with status 7: no such flag")
        made._children["etcd"].kill()
        made._children["etcd"].wait(10)
        assert str(made.failed()).startswith("etcd ended with status -9")
        assert not made.ready()
    finally:
        made.stop()


def test_children_see_no_credentials(tmp_path: Path) -> None:
    made = plane(tmp_path, scripted(tmp_path, "env; exit 1"), Room(9 * GIB, 9 * GIB))
    made.start()
    made._children["etcd"].wait(10)
    seen = last_lines(tmp_path / "cluster" / "logs" / "etcd.log", 100)
    made.stop()
    assert "EKSPROV_LOCAL_FOLDER" in seen
    assert "AWS_" not in seen


@pytest.mark.parametrize(("disk", "memory", "words"), [(0, 9 * GIB, "of disk"), (9 * GIB, 0, "of memory")])
def test_too_little_room_is_refused_before_anything_starts(tmp_path: Path, disk: int, memory: int, words: str) -> None:
    made = plane(tmp_path, scripted(tmp_path, "exit 0"), Room(disk, memory))
    with pytest.raises(LocalWorldError, match=words):
        made.start()
    assert list((tmp_path / "cluster").iterdir()) == []


def test_a_version_that_cannot_be_played_is_refused_before_anything_starts(tmp_path: Path) -> None:
    made = plane(tmp_path, scripted(tmp_path, "exit 0"), Room(9 * GIB, 9 * GIB), "1.40")
    with pytest.raises(LocalWorldError, match=r"cannot act as 1\.40"):
        made.start()
    assert not (tmp_path / "cluster").exists()


def test_a_program_that_does_not_start_ends_the_others(tmp_path: Path) -> None:
    made = plane(tmp_path, Binaries(tmp_path / "missing", "1.36.3", "test"), Room(9 * GIB, 9 * GIB))
    with pytest.raises(LocalWorldError, match="does not start"):
        made.start()
    assert kill_recorded(tmp_path / "cluster") == []


def test_stopping_while_another_thread_starts_leaves_nothing_behind(tmp_path: Path) -> None:
    stoppers: list[threading.Thread] = []

    def measure(_: Path) -> Room:  # asked in the middle of starting
        stoppers.append(threading.Thread(target=made.stop))
        stoppers[0].start()
        stoppers[0].join(0.05)
        return Room(9 * GIB, 9 * GIB)

    made = ControlPlane(
        tmp_path / "cluster",
        spec(),
        scripted(tmp_path, "exec sleep 60"),
        webhook_url="http://127.0.0.1:9/c",
        egress_socket=tmp_path / "e.sock",
        measure=measure,
    )
    made.start()
    stoppers[0].join(10)
    assert ProcessRecord(tmp_path / "cluster").alive() == {}
    assert not (tmp_path / "cluster" / "pki").exists()


def test_what_was_stopped_does_not_start(tmp_path: Path) -> None:
    made = plane(tmp_path, scripted(tmp_path, "exec sleep 60"), Room(9 * GIB, 9 * GIB))
    made.stop()
    with pytest.raises(LocalWorldError, match="stopped before it started"):
        made.start()


def test_whoever_asks_how_it_stands_does_not_wait_for_its_end(tmp_path: Path) -> None:
    made = plane(tmp_path, scripted(tmp_path, "exec sleep 60"), Room(9 * GIB, 9 * GIB))
    made.start()
    child, answered = made._children["kube-scheduler"], list[bool]()

    class Slow(ProcessRecord):
        def kill(self) -> list[str]:
            answered.append(returned(lambda: made._restarted("kube-scheduler", child)))
            return super().kill()

    made._record = Slow(tmp_path / "cluster")
    made.stop()
    assert answered == [True]
