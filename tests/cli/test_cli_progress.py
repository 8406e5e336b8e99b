"""A run shows a line a finished step, and is never silent for ten seconds."""

from __future__ import annotations

import io
from typing import Any

import pytest

from eksprov.cli.live import LiveDisplay
from eksprov.cli.progress import QUIET_S, Display, display_for
from eksprov.core.change import Action, Change
from eksprov.core.outcome import Outcome, Status


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


def test_a_quiet_run_says_what_it_waits_for_before_ten_seconds_are_over(hand: Hand) -> None:
    assert QUIET_S < 10
    hand.display.planned(("vpc", "cluster", "workers"), 45.0)
    hand.display.started("vpc")
    hand.display.finished(Outcome("vpc", Status.CREATED, seconds=0.4))
    hand.display.started("cluster")
    hand.display.waiting("cluster", "CREATING")
    assert hand.after(7.9) == ""
    assert hand.after(0.1) == "… 1 of 3 done after 8.0 s (about 45 s in all); waiting for cluster (CREATING)"
    assert hand.after(4.0) == ""
    assert hand.after(4.0).startswith("… 1 of 3 done after 16 s")


def test_an_estimate_that_has_been_overrun_is_not_repeated(hand: Hand) -> None:
    hand.display.planned(("cluster",), 10.0)
    hand.display.started("cluster")
    assert "in all" not in hand.after(60.0)


def test_what_goes_on_before_the_first_step_is_said_too(hand: Hand) -> None:
    hand.display.doing("starting the local world")
    assert hand.after(1.9) == ""
    assert hand.after(0.2) == "starting the local world …"
    assert hand.after(6.9) == ""
    assert hand.after(1.1) == "… still starting the local world, 10 s"


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
    hand.display.planned(tuple("abcdef"), 1.0)
    for name in "abcdef":
        hand.time += 1
        hand.display.started(name)
    assert hand.after(9.0).endswith("waiting for a, b, c, d and 2 more")


def test_messages_from_outside_cannot_steer_the_terminal(hand: Hand) -> None:
    hand.display.planned(("a",), 1.0)
    hand.display.waiting("a", "evil\x1b[2J")
    assert "\x1b" not in hand.after(9.0)


def test_the_ticker_ends_with_the_display(hand: Hand) -> None:
    import threading

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
        display.planned(("vpc", "cluster"), 45.0)
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
