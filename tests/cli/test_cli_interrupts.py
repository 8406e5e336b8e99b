"""The first signal ends a run in good order and says so at once; the second ends the process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from eksprov.cli.interrupts import SIGNALS, Interrupts
from eksprov.core.executor import StopFlag


class Scene:
    """Interrupts whose words and exits are kept."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.left: list[int] = []
        self.interrupts = Interrupts(self.said.append, self.left.append)


@pytest.fixture
def scene() -> Iterator[Scene]:
    """A process that ignores no signal, whatever started these tests."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in SIGNALS}
    yield Scene()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_during_a_run_the_first_signal_sets_the_flag_and_the_second_leaves(
    scene: Scene, number: signal.Signals
) -> None:
    stop = StopFlag()
    with scene.interrupts.listening(), scene.interrupts.orderly(stop):
        os.kill(os.getpid(), number)
        assert stop.is_set()
        assert scene.left == []
        assert scene.said[0].startswith(f"{number.name}: stopping.")
        os.kill(os.getpid(), number)
        assert scene.left == [130]


def test_outside_of_a_run_a_signal_ends_the_command(scene: Scene) -> None:
    with scene.interrupts.listening(), pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)


def test_an_ignored_hangup_stays_ignored(scene: Scene) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with scene.interrupts.listening():
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


# A whole process: a provision whose one step waits on the run's own clock, ten minutes long.
SLOW = """
import sys
from types import SimpleNamespace
from eksprov.aws.waiting import RealClock
from eksprov.cli import main
from eksprov.cli.desk import Desk
from eksprov.core.executor import Node, StopFlag, Walk
from eksprov.operations.provision import Report
from eksprov.state.record import State
import contextlib

class Slow:
    config = SimpleNamespace(name="slow", models=())
    place, paid = "nowhere", False
    def __init__(self, desk):
        self.desk, self.stop = desk, StopFlag()
    def locked(self, command):
        return contextlib.nullcontext()
    def stop_requested(self):
        return self.stop.is_set()
    def provision(self, display):
        def act(name):
            print("waiting", flush=True)
            RealClock(self.stop).sleep(600)
        with self.desk.interrupts.orderly(self.stop):
            walk = Walk([Node("a", (), 1), Node("b", ("a",), 1)], act, display.finished, self.stop.is_set)
            return Report(tuple(walk.run().values()), State("slow"), 1.0)

sys.exit(main(["provision", "--yes"], Desk(backend=Slow, called_as=["eksprov"])))
"""


@pytest.mark.real_time
def test_a_run_that_is_stopped_ends_within_seconds_saved_and_resumable(tmp_path: Path) -> None:
    script = tmp_path / "slow.py"
    script.write_text(SLOW)
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "SIGTERM: stopping." in err
    assert "1 skipped, 1 interrupted" in out
    assert err.endswith("resume with: eksprov provision --yes\n")


def test_a_signal_while_the_process_ends_shows_no_traceback() -> None:
    heard = "import atexit, os, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    late = f"{heard}atexit.register(os.kill, os.getpid(), signal.SIGINT); "
    program = f"{late}import sys; from eksprov.cli import main; sys.argv = ['eksprov', '--version']; sys.exit(main())"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (-signal.SIGINT, "")
    assert ended.stdout.startswith("eksprov")


def test_the_second_signal_ends_the_process_at_once_and_says_so() -> None:
    program = "from eksprov.cli.interrupts import Interrupts; i = Interrupts(print); i._asked = True; i._heard(2, None)"
    ended = subprocess.run((sys.executable, "-c", program), capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (130, "ended at once; run the same command again\n")
