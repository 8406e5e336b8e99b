"""A run shows a line a finished step, is never silent for long, and never waits for who draws it."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from rich.console import RenderableType
from support.handlers import entered_anywhere, returned

from eksprov.cli.display.choice import display_for
from eksprov.cli.display.live import LiveDisplay
from eksprov.cli.display.picture import left_text
from eksprov.cli.display.progress import QUIET_S, Display
from eksprov.core.change import Action, Change
from eksprov.core.executor import Node
from eksprov.core.outcome import Outcome, Status
from eksprov.core.remaining import TimeLeft


class Hand:
    """A clock that is moved by hand, and the display that reads it."""

    def __init__(self) -> None:
        self.time = 100.0
        self.lines: list[str] = []
        self.display = Display(self.lines.append, lambda: self.time)

    def after(self, seconds: float) -> str:
        """What a tick writes then; empty when nothing."""
        self.time += seconds
        before = len(self.lines)
        self.display.tick()
        return "\n".join(self.lines[before:])


@pytest.fixture
def hand() -> Hand:
    return Hand()


def chain(*names: str, seconds: float = 1.0) -> tuple[Node, ...]:
    """Steps that wait for one another."""
    return tuple(Node(name, names[index - 1 : index] if index else (), seconds) for index, name in enumerate(names))


def test_a_quiet_run_says_what_it_waits_for_within_two_seconds_and_less_often_then(hand: Hand) -> None:
    hand.display.planned(chain("vpc", "cluster", "workers", seconds=15.0), ())
    hand.display.started("vpc")
    hand.time += 0.4
    hand.display.finished(Outcome("vpc", Status.CREATED, seconds=0.4))
    hand.display.started("cluster")
    hand.display.waiting("cluster", "CREATING")
    assert hand.after(1.9) == ""
    assert hand.after(0.1).startswith("… 1 of 3 done after 2.4 s; ")
    assert hand.after(3.9) == ""
    assert hand.after(0.1).endswith(" left; waiting for cluster (CREATING)")
    assert [hand.after(seconds) != "" for seconds in (QUIET_S - 0.1, 0.1) * 3] == [False, True] * 3
    hand.display.note("news")
    assert hand.after(2.0).startswith("…")


def test_the_time_left_moves_and_is_never_below_zero(hand: Hand) -> None:
    hand.display.planned(chain("cluster", seconds=60.0), ())
    hand.display.started("cluster")
    hand.display.waiting("cluster", "CREATING")
    said = [hand.after(8.0).split("; ")[1] for _ in range(16)]
    assert said[0] == "30 to 85 s left"
    assert said[4] == "up to 50 s left"
    assert said[-1] == "longer than expected"
    assert "-" not in "".join(said)


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.0, 0.0, "up to 1 s left"),
        (0.4, 4.2, "up to 5 s left"),
        (7.0, 7.0, "about 7 s left"),
        (22.0, 38.0, "20 to 40 s left"),
        (50.0, 130.0, "50 s to 3 min left"),
        (540.0, 800.0, "9 to 14 min left"),
        (0.4, None, "longer than expected"),
        (31.0, None, "longer than expected, at least 30 s more"),
    ],
)
def test_a_range_is_rounded_outwards(low: float, high: float | None, text: str) -> None:
    assert left_text(TimeLeft(low, high)) == text


def test_what_goes_on_before_the_first_step_is_said_too(hand: Hand) -> None:
    hand.display.doing("starting the local world")
    assert hand.after(0.9) == ""
    assert hand.after(0.2) == "starting the local world …"
    assert hand.after(1.8) == ""
    assert hand.after(0.3) == "… still starting the local world, 3.2 s"


def test_it_is_announced_before_it_is_said_to_go_on(hand: Hand) -> None:
    hand.display.doing("starting the local world")
    assert hand.after(1.5) == "starting the local world …"
    hand.time += 7.9
    hand.display.doing("looking at stack digits")
    assert hand.after(0.5) == ""
    assert hand.after(0.6) == "looking at stack digits …"
    hand.display.doing("looking at stack digits")
    assert hand.after(2.0) == "… still looking at stack digits, 3.1 s"


def test_what_goes_on_beside_the_steps_is_part_of_the_sign_of_life(hand: Hand) -> None:
    hand.display.doing("looking")
    hand.after(2.0)
    hand.display.aside("kubernetes", "building Kubernetes: 1,204 of 2,531 packages, about 95 s left")
    assert hand.after(9.0).endswith("; building Kubernetes: 1,204 of 2,531 packages, about 95 s left")
    hand.display.aside("kubernetes", "")
    assert "building" not in hand.after(9.0)


def test_nothing_going_on_is_not_announced(hand: Hand) -> None:
    assert hand.after(100.0) == ""


def test_of_many_running_steps_the_longest_are_named(hand: Hand) -> None:
    hand.display.planned(chain(*"abcdef"), ())
    for name in "abcdef":
        hand.time += 1
        hand.display.started(name)
    assert hand.after(9.0).endswith("waiting for a, b, c, d and 2 more")


def test_messages_from_outside_cannot_steer_the_terminal(hand: Hand) -> None:
    hand.display.planned(chain("a"), ())
    hand.display.waiting("a", "evil\x1b[2J")
    assert "\x1b" not in hand.after(9.0)


def test_the_ticker_ends_with_the_display(hand: Hand) -> None:
    before = threading.active_count()
    with hand.display:
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "live"),
    [
        (io.StringIO(), {"TERM": "xterm"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
        (Terminal(), {}, False),
        (Terminal(), {"TERM": "xterm"}, True),
    ],
)
def test_only_a_terminal_that_can_draw_gets_the_live_display(stream: Any, environ: dict[str, str], live: bool) -> None:
    assert isinstance(display_for(stream, environ, None), LiveDisplay) is live


@pytest.fixture(params=[True, False], ids=["colours", "none"])
def terminal(request: pytest.FixtureRequest) -> tuple[Terminal, bool]:
    return Terminal(), request.param


def test_the_live_display_scrolls_finished_steps_and_draws_running_ones(terminal: tuple[Terminal, bool]) -> None:
    stream, color = terminal
    with LiveDisplay(stream, color=color) as display:
        display.planned(chain("vpc", "cluster"), ())
        display.started("cluster")
        display.waiting("cluster", "CREATING")
        display.aside("kubernetes", "building")
        display.finished(Outcome("vpc", Status.CREATED, Change(Action.CREATE), {"id": "vpc-1"}, seconds=0.4))
        display.note("a note")
        display.doing("reading")
    text = stream.getvalue()
    for words in ("created", "vpc-1", "a note"):
        assert words in text
    assert ("\x1b[32m" in text) is color


def reports(display: Display) -> None:
    """One of each kind."""
    display.doing("reading")
    display.planned(chain("vpc", "cluster"), ())
    display.started("vpc")
    display.waiting("vpc", "pending")
    display.note("a note")
    display.aside("kubernetes", "building")
    display.finished(Outcome("vpc", Status.CREATED))


def test_whoever_reports_never_waits_for_the_terminal() -> None:
    shut = threading.Event()
    display = Display(lambda _: assert_released(shut))
    with display:
        display.note("this one is never through")
        assert returned(lambda: reports(display))
        shut.set()


def assert_released(shut: threading.Event) -> None:
    assert shut.wait(30.0)


def test_a_terminal_that_is_gone_ends_the_talking_and_not_the_run() -> None:
    def gone(_: str) -> None:
        raise OSError(5, "Input/output error")

    with Display(gone) as display:
        reports(display)


def test_what_was_reported_is_written_in_order_by_the_end_of_the_block() -> None:
    lines: list[str] = []
    with Display(lines.append) as display:
        for index in range(200):
            display.note(str(index))
    assert lines == [str(index) for index in range(200)]
    display.note("afterwards")
    assert lines[-1] == "afterwards"


def test_a_signal_handler_may_report_from_the_midst_of_any_report() -> None:
    lines: list[str] = []
    display = Display(lines.append)
    entered = 0
    for where, ended in entered_anywhere(lambda: reports(display), lambda: display.note("stopping")):
        assert ended, where
        entered += 1
    assert lines.count("stopping") == entered > 20


class Slow(LiveDisplay):
    """The picture takes 20 ms, long enough for whatever else is going on to get in between."""

    frames = 0

    def _frame(self) -> RenderableType:
        self.frames += 1
        threading.Event().wait(0.02)
        return super()._frame()


@pytest.fixture
def drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever these tests run in, `rich` draws."""
    monkeypatch.setenv("TERM", "xterm-256color")


@contextmanager
def real_terminal() -> Iterator[tuple[Any, Callable[[], str]]]:
    """The near end of a pseudo-terminal as a stream, and what came out at the far end."""
    far, near = os.openpty()
    came: list[bytes] = []

    def read() -> None:
        try:
            while data := os.read(far, 65536):
                came.append(data)
        except OSError:  # the near end is closed
            return

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    with os.fdopen(near, "w") as stream:
        yield stream, lambda: b"".join(came).decode()
    reader.join(10.0)
    os.close(far)


@pytest.mark.usefixtures("drawing")
def test_many_threads_report_while_the_picture_is_drawn_and_none_hangs() -> None:
    with real_terminal() as (stream, _):

        def report(display: Slow) -> None:
            while display.frames < 6:
                reports(display)
                threading.Event().wait(0.01)

        def run() -> None:
            display = Slow(stream, color=True)
            with display:
                threads = [threading.Thread(target=report, args=(display,), daemon=True) for _ in range(4)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()

        assert returned(run)


@pytest.mark.usefixtures("drawing")
def test_the_cursor_is_given_back_however_the_block_is_left() -> None:
    with real_terminal() as (stream, came):
        with pytest.raises(KeyboardInterrupt), LiveDisplay(stream, color=True):
            raise KeyboardInterrupt
        hidden = LiveDisplay(stream, color=True)
        hidden.__enter__()
        hidden.note("left by nobody")
        hidden.close()
    assert came().count("\x1b[?25l") == came().count("\x1b[?25h") == 2
    assert came().rindex("\x1b[?25l") < came().rindex("\x1b[?25h")


@pytest.mark.usefixtures("drawing")
def test_a_fault_in_the_picture_is_told_after_the_run_and_not_instead_of_it() -> None:
    class Broken(LiveDisplay):
        def _frame(self) -> RenderableType:
            if self._picture.nodes:
                raise ValueError("no picture")
            return super()._frame()

    said = []

    def run(stream: Any) -> None:
        with Broken(stream, color=False) as display:
            reports(display)
            threading.Event().wait(0.3)
            display.note("the last word")
            said.append("the run")

    with real_terminal() as (stream, came):
        with pytest.raises(ValueError, match="no picture"):
            run(stream)
        assert said == ["the run"]
    assert "the last word" in came()
    assert came().rindex("\x1b[?25l") < came().rindex("\x1b[?25h")
