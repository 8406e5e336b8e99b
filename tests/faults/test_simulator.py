"""The simulator itself: the same seed is the same run, a disk forgets what was not synced."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from simulator.scheduler import DeadlockError, Scheduler

ROOT = Path(__file__).parents[2]

TWICE = """
import json, os, sys
sys.path.insert(0, "tests")
os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
from eksprov.local.faults.plan import Fault, FaultPlan, Lag
from simulator.runner import ready
from simulator.scenario import Scenario
from simulator.fork_server import Stems
from simulator.trouble import DiskFault, Trouble
stems = Stems(ready())
plan = FaultPlan(3, (Fault("drop", at=9, mutating=True),), Lag(ec2_s=9, tags_s=9), noise=0.02)
troubles = (Trouble(plan), Trouble(disk=(DiskFault("crash", 50),)))
def digest(seed):
    result = stems.play(Scenario("look", "twice", seed, troubles=troubles))
    assert not result.failures, result.failures
    return result.digest
print(json.dumps([digest(seed) for seed in (5, 5, 6)]))
stems.close()
"""

DISK = """
import os, sys
from pathlib import Path
sys.path.insert(0, "tests")
from simulator.disk import Disk
folder = Path(sys.argv[1])
disk = Disk(folder, lambda *_: None, lambda *_: None, lambda: 1).install()
def put(name, data, sync, sync_folder):
    descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(descriptor, data)
    if sync:
        os.fsync(descriptor)
    os.close(descriptor)
    if sync_folder:
        descriptor = os.open(folder, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
put("neither", b"1", False, False)
put("contents", b"2", True, False)
put("all", b"3", True, True)
os.rename(folder / "all", folder / "renamed")
put("all again", b"4", True, False)
disk.dies(1, power=True)
print(sorted((path.name, path.read_bytes()) for path in folder.iterdir()))
"""

AGES = """
import sys
from pathlib import Path
sys.path.insert(0, "tests")
from eksprov.state.files import append_line, write_whole
from simulator.disk import Disk
folder, seen = Path(sys.argv[1]), []
def look(*_):
    seen.append((disk.age, sorted((name, file.safe) for name, file in disk.safe.items())))
disk = Disk(folder, look, lambda *_: None, lambda: 1).install()
for number in range(4):
    append_line(folder / "journal", b"intend %d\\n" % number)
    write_whole(folder / "state", b"%d" % number, folder / "state.bak")
look()
print([(one[0] == other[0], one[1] == other[1]) for one, other in zip(seen, seen[1:])])
"""


def output(program: str, *arguments: str) -> str:
    environ = {**os.environ, "PYTHONHASHSEED": "0"}
    command = [sys.executable, "-c", program, *arguments]
    ended = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return ended.stdout


def test_the_same_seed_twice_is_the_same_run() -> None:
    """The event log's hash, over crashes, lags and lost answers; another seed is another run."""
    first, second, other = eval(output(TWICE))  # a list of strings, printed by our own program
    assert first == second
    assert first != other


def test_a_power_cut_takes_what_was_not_synced(tmp_path: Path) -> None:
    """Names are safe by the folder's fsync alone, contents by the file's own; an unsynced rename is undone."""
    assert output(DISK, str(tmp_path)).strip() == "[('all', b'3'), ('contents', b'2'), ('neither', b'')]"


def test_the_age_of_a_disk_tells_power_cuts_apart_that_leave_different_things(tmp_path: Path) -> None:
    """Row R1 plays one cut of those between which it stays the same."""
    neighbours: list[tuple[bool, bool]] = eval(output(AGES, str(tmp_path)))  # our own program's
    assert all(same_disk for same_age, same_disk in neighbours if same_age)
    assert 6 < sum(not same_age for same_age, _ in neighbours) < len(neighbours) / 2


def order(seed: int) -> list[str]:
    scheduler, heard = Scheduler(seed, 0.0), list[str]()
    group = scheduler.group()

    def work(name: str) -> None:
        for _ in range(3):
            heard.append(name)
            scheduler.pause()

    for name in "abc":
        scheduler.spawn(group, partial(work, name), name)
    scheduler.run(lambda: not scheduler.alive(group))
    return heard


def test_the_seed_alone_decides_who_goes_on() -> None:
    assert order(1) == order(1)
    assert len({"".join(order(seed)) for seed in range(20)}) > 5


def test_time_jumps_when_all_sleep() -> None:
    scheduler, woke = Scheduler(0, 100.0), list[tuple[str, float]]()
    group = scheduler.group()

    def nap(name: str, seconds: float) -> None:
        scheduler.sleep(seconds)
        woke.append((name, scheduler.now()))

    scheduler.spawn(group, lambda: nap("long", 3600), "long")
    scheduler.spawn(group, lambda: nap("short", 5), "short")
    scheduler.run(lambda: not scheduler.alive(group))
    assert woke == [("short", 105.0), ("long", 3700.0)]


def test_threads_that_wait_for_one_another_are_told_of() -> None:
    scheduler = Scheduler(0, 0.0)
    group = scheduler.group()
    scheduler.spawn(group, scheduler.channel().get, "waits")
    with pytest.raises(DeadlockError, match="waits"):
        scheduler.run(lambda: not scheduler.alive(group))
