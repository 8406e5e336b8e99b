"""Laws of building the control plane, with a `go` of our own: once, as a whole, resumable, refused in time."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from eksprov.errors import LocalWorldError
from eksprov.local.controlplane import find
from eksprov.local.controlplane.build import Builder, BuildProgress
from eksprov.local.controlplane.resources import GIB, Room

Toolbox = Callable[[str], dict[str, str]]
SOME = "for i in $(seq 40); do echo package$i; done >&2"
ALL = f"{SOME}; echo eksprov.local/kubernetes >&2"


def builder(environ: dict[str, str], cache: Path, disk: int = 9 * GIB, memory: int = 9 * GIB) -> Builder:
    return Builder(environ, cache, measure=lambda _: Room(disk, memory), processors=2)


def calls(tmp_path: Path, verb: str) -> list[str]:
    return [line for line in (tmp_path / "toolbox" / "calls").read_text().splitlines() if line.startswith(verb)]


def left_below(cache: Path) -> set[str]:
    return {path.name for path in cache.rglob("*") if path.is_file()}


def test_a_build_leaves_the_program_where_it_is_found_and_nothing_big(fake_go: Toolbox, tmp_path: Path) -> None:
    seen: list[BuildProgress] = []
    environ, cache = fake_go(f"mkdir -p $GOMODCACHE/ro && chmod 555 $GOMODCACHE/ro; {ALL}"), tmp_path / "cache"
    built = builder(environ, cache).build(seen.append)
    assert find.find({}, cache) == built
    assert left_below(cache) == {"kubernetes", "build.log", "build.lock"}
    assert not (cache / "kubernetes" / "go-mod").exists()
    assert [progress.phase for progress in seen][-1] == "done"
    assert "package40" in (cache / "kubernetes" / "build.log").read_text()


def test_go_gets_the_flags_that_halve_the_build_and_the_users_settings(fake_go: Toolbox, tmp_path: Path) -> None:
    chosen = {"GOPROXY": "https://proxy.example", "GOFLAGS": "-mod=mod", "GOCACHE": str(tmp_path / "mine")}
    environ = {**fake_go(f"env > {tmp_path}/env; mkdir -p $GOCACHE; {ALL}"), **chosen, "AWS_SECRET_ACCESS_KEY": "x"}
    builder(environ, tmp_path / "cache").build(lambda _: None)
    (call,) = calls(tmp_path, "build")
    assert "build -v -trimpath -buildvcs=false -gcflags=all=-l -dwarf=false -ldflags=-s -w -X " in call
    assert " -p=" not in call
    seen = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines() if "=" in line)
    assert {name: seen[name] for name in chosen} == chosen
    assert (seen["GOGC"], seen["CGO_ENABLED"], seen["GOWORK"]) == ("off", "0", "off")
    assert "AWS_SECRET_ACCESS_KEY" not in seen
    assert (tmp_path / "mine").is_dir()  # the user's own cache stays


def test_little_memory_means_fewer_compilers(fake_go: Toolbox, tmp_path: Path) -> None:
    made = Builder(fake_go(ALL), tmp_path / "c", measure=lambda _: Room(9 * GIB, 4 * GIB), processors=16)
    made.build(lambda _: None)
    assert " -p=2 " in calls(tmp_path, "build")[0]


def test_what_is_built_is_not_built_again(fake_go: Toolbox, tmp_path: Path) -> None:
    environ = fake_go(ALL)
    for _ in range(2):
        builder(environ, tmp_path / "cache").build(lambda _: None)
    assert len(calls(tmp_path, "build")) == 1


def test_two_at_once_build_once(fake_go: Toolbox, tmp_path: Path) -> None:
    environ, cache = fake_go(f"sleep 0.3; {ALL}"), tmp_path / "cache"
    results: list[find.Binaries] = []
    threads = [
        threading.Thread(target=lambda: results.append(builder(environ, cache).build(lambda _: None))) for _ in "ab"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(results) == 2
    assert len(calls(tmp_path, "build")) == 1


@pytest.mark.parametrize(
    ("body", "cure"),
    [
        ("echo 'compile: signal: killed' >&2; exit 1", "GOFLAGS=-p=1"),
        ("echo 'write /x: no space left on device' >&2; exit 1", "XDG_CACHE_HOME"),
        ("echo 'dial tcp: lookup proxy.example: no such host' >&2; exit 1", "GOPROXY"),
        ("echo 'x.go:1: syntax error' >&2; exit 2", "goes on where it stopped"),
    ],
)
def test_a_failure_tells_the_reason_the_cure_and_the_ways_out(
    fake_go: Toolbox, tmp_path: Path, body: str, cure: str
) -> None:
    with pytest.raises(LocalWorldError) as caught:
        builder(fake_go(f"{SOME}; {body}"), tmp_path / "cache").build(lambda _: None)
    assert body.split("'")[1] in caught.value.message
    assert "package40" not in caught.value.message
    assert cure in caught.value.hint
    assert "EKSPROV_KUBERNETES" in caught.value.hint
    assert find.find({}, tmp_path / "cache") is None


def test_a_build_after_a_failed_one_goes_on_with_gos_cache(fake_go: Toolbox, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with pytest.raises(LocalWorldError):
        builder(fake_go(f"mkdir -p $GOCACHE; touch $GOCACHE/x; {SOME}; exit 1"), cache).build(lambda _: None)
    seen: list[BuildProgress] = []
    builder(fake_go(f"test -f $GOCACHE/x || exit 9; {ALL}"), cache).build(seen.append)
    compiling = [progress.done for progress in seen if progress.phase in ("compiling", "linking")]
    assert min(compiling) >= 40


def test_a_program_that_does_not_run_is_not_kept(fake_go: Toolbox, tmp_path: Path) -> None:
    body = f'{ALL}; printf "#!/bin/sh\\nexit 3\\n" > "$2"; chmod 755 "$2"; exit 0'
    with pytest.raises(LocalWorldError, match="failed"):
        builder(fake_go(body), tmp_path / "cache").build(lambda _: None)
    assert find.find({}, tmp_path / "cache") is None
    assert "kubernetes" not in left_below(tmp_path / "cache")


@pytest.mark.parametrize(
    ("disk", "memory", "words"),
    [
        (GIB, 9 * GIB, r"needs 4\.0 GiB of disk at .*; 1\.0 GiB are free"),
        (9 * GIB, 2 * GIB, r"needs 3\.0 GiB of memory; 2\.0 GiB are available"),
    ],
)
def test_too_little_room_is_refused_before_anything_is_fetched(
    fake_go: Toolbox, tmp_path: Path, disk: int, memory: int, words: str
) -> None:
    with pytest.raises(LocalWorldError, match=words) as caught:
        builder(fake_go(ALL), tmp_path / "cache", disk, memory).build(lambda _: None)
    assert "EKSPROV_KUBERNETES" in caught.value.hint
    assert not (tmp_path / "toolbox" / "calls").exists()


def test_calling_off_ends_the_compiler(fake_go: Toolbox, tmp_path: Path) -> None:
    cancel = threading.Event()

    def progress(now: BuildProgress) -> None:
        if now.phase == "compiling":
            cancel.set()

    body = f"sleep 60 > /dev/null 2>&1 & echo $! > {tmp_path}/compiler; echo $$ > {tmp_path}/go; {SOME}; exec sleep 60"
    with pytest.raises(LocalWorldError, match="called off"):
        builder(fake_go(body), tmp_path / "c").build(progress, cancel)
    for name in ("go", "compiler"):
        assert is_gone(int((tmp_path / name).read_text()))


def is_gone(pid: int) -> bool:
    """Whether a process has ended; one whose parent has not waited for it yet counts as ended."""
    try:
        process = psutil.Process(pid)
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(2)
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.real_time
def test_a_killed_builder_leaves_nothing_that_looks_finished_and_no_lock(fake_go: Toolbox, tmp_path: Path) -> None:
    environ, cache = fake_go(f'{SOME}; echo half > "$2"; touch {tmp_path}/begun; sleep 60'), tmp_path / "cache"
    script = (
        "import json, pathlib, sys; from eksprov.local.controlplane.build import ensure;"
        "ensure(json.loads(sys.argv[1]), pathlib.Path(sys.argv[2]), print)"
    )
    arguments = [sys.executable, "-c", script, json.dumps(environ), str(cache)]
    child = subprocess.Popen(arguments, stdout=subprocess.DEVNULL)
    try:
        while not (tmp_path / "begun").exists():
            assert child.poll() is None
            threading.Event().wait(0.02)
        orphans = psutil.Process(child.pid).children(recursive=True)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait(10)
    for orphan in orphans:  # the real Go ends by itself when it next prints; this one sleeps
        orphan.kill()
    assert find.find({}, cache) is None
    built = builder(fake_go(ALL), cache).build(lambda _: None)
    assert find.find({}, cache) == built
    assert not list(cache.rglob("*.partial"))
