"""The first signal ends a run in good order and says so at once; the second ends the process."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import psutil
import pytest
from support.handlers import returned
from support.terminal import CTRL_C, Terminal

from eksprov import operations
from eksprov.cli import main
from eksprov.cli.console import Console
from eksprov.cli.interrupts import SIGNALS, Interrupts
from eksprov.cli.program import Program
from eksprov.core.executor import StopFlag
from eksprov.local import world
from eksprov.local.controlplane.record import MARKER
from eksprov.operations.stack import side_by_side


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
from eksprov.cli.console import Console
from eksprov.cli.program import Program
from eksprov.core.executor import Node, StopFlag, Walk
from eksprov.operations.commands.provision import Report
from eksprov.state.record import State
import contextlib

class Slow:
    config = SimpleNamespace(name="slow", models=())
    place, paid = "nowhere", False
    def __init__(self, console):
        self.console, self.stop = console, StopFlag()
    def locked(self, command):
        return contextlib.nullcontext()
    def stop_requested(self):
        return self.stop.is_set()
    def opened(self, display, mint):
        return display
    def creating(self, display):
        return contextlib.nullcontext()
    def orderly(self):
        return self.console.interrupts.orderly(self.stop)
    def provision(self, display):
        def act(name):
            print("waiting", flush=True)
            RealClock(self.stop).sleep(600)
        walk = Walk([Node("a", (), 1), Node("b", ("a",), 1)], act, display.finished, self.stop.is_set)
        return Report(tuple(walk.run().values()), State("slow"), 1.0)

slow = Slow(Console(called_as=["eksprov"]))
sys.exit(main(["provision", "--yes"], Program(slow.console, lambda: slow, slow)))
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


def test_a_stop_does_not_wait_for_readings_that_are_not_answered() -> None:
    never = threading.Event()

    def read(item: int) -> int:
        if item:
            never.wait(60.0)
            return item
        raise KeyboardInterrupt

    def stopped() -> None:
        with contextlib.suppress(KeyboardInterrupt):
            side_by_side(read, range(4))

    assert returned(stopped)
    never.set()


@pytest.mark.parametrize(
    ("begun", "said"),
    [
        ((), "stopped before anything was changed"),
        (
            ("the local world runs (`eksprov local down` ends it)",),
            "stopped; the local world runs (`x local down` ends it)",
        ),
        (("the local world runs", "f may be written"), "stopped; the local world runs; f may be written"),
    ],
)
def test_what_a_stop_has_left_is_said(begun: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(called_as=["x"])

    def interrupted() -> NoReturn:
        for what in begun:
            console.begins(what)
        raise KeyboardInterrupt

    assert main(["status"], Program(console, interrupted, operations)) == 130
    assert f"error: {said}\n" in capsys.readouterr().err


def test_after_an_orderly_run_a_stop_says_that_what_was_done_is_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(called_as=["x"])

    def late() -> NoReturn:
        with console.interrupts.orderly(StopFlag()):
            console.begins("the local world runs")
        raise KeyboardInterrupt

    assert main(["status"], Program(console, late, operations)) == 130
    assert "error: stopped; what was done is recorded\n" in capsys.readouterr().err


ROOT = Path(__file__).parents[2]


def on_a_terminal(folder: Path, *words: str, columns: int = 80) -> Terminal:
    environ = {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(folder),
        "EKSPROV_LOCAL_HOME": str(folder / "world"), "EKSPROV_LOCAL_NO_KUBERNETES": "1",
    }  # fmt: skip
    return Terminal((sys.executable, *words), folder, environ, columns)


def marked(home: Path) -> Iterator[int]:
    """The processes of a local world, those that do not answer yet too."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARKER) == str(home) and process.status() != psutil.STATUS_ZOMBIE:
                yield process.pid


@pytest.mark.real_time
@pytest.mark.parametrize("after_s", [0.0, 0.7, 1.6])
def test_what_a_stopped_local_up_says_is_what_is_there(tmp_path: Path, after_s: float) -> None:
    (tmp_path / "eksprov.yaml").write_text("name: x\nnode_groups: [{name: w, instance_types: [m7i.large]}]\n")
    terminal = on_a_terminal(tmp_path, "-m", "eksprov", "local", "up")
    assert terminal.wait(60.0, "starting the local world")
    terminal.wait(after_s)
    terminal.type(CTRL_C)
    try:
        assert terminal.wait(60.0)
        assert terminal.cursor_shown
        runs = any(marked(tmp_path / "world"))
        assert terminal.ended is not None
        if terminal.ended[0]:
            assert terminal.ended == (130, True)
            assert ("the local world runs" in terminal.said) is runs
            assert ("stopped before anything was changed" in terminal.said) is not runs
        else:
            assert runs
    finally:
        terminal.close()
        world.down(tmp_path / "state", {"EKSPROV_LOCAL_HOME": str(tmp_path / "world")})


ASKING = """
import fcntl, struct, sys, termios, time
from eksprov.cli import main
from eksprov.cli.console import Console
from eksprov.cli.program import Program

console = Console(called_as=["eksprov"])

def asks():
    print("ready", flush=True)
    while not struct.unpack("i", fcntl.ioctl(0, termios.FIONREAD, b"0000"))[0]:
        time.sleep(0.01)
    console.confirm("Type the stack's name:", "digits")
    print("confirmed")
    raise SystemExit

sys.exit(main(["status"], Program(console, asks, None)))
"""


@pytest.mark.real_time
@pytest.mark.parametrize(("answer", "confirmed"), [(b"digits\n", True), (b"\n", False)])
def test_what_is_typed_before_a_question_is_asked_is_no_answer(tmp_path: Path, answer: bytes, confirmed: bool) -> None:
    terminal = on_a_terminal(tmp_path, "-c", ASKING)
    assert terminal.wait(60.0, "ready")
    terminal.type(b"digits\ndig")
    assert terminal.wait(60.0, "name:")
    terminal.type(answer)
    assert terminal.wait(60.0)
    terminal.close()
    assert ("confirmed\r\n" in terminal.said) is confirmed
    assert ("not confirmed" in terminal.said) is not confirmed
