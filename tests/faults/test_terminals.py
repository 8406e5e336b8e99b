"""Six runs of row R16 of the reliability matrix (`simulator.terminals`); `make faults ROWS=R16` has a hundred."""

from __future__ import annotations

import pytest
from simulator.terminals import terminals
from support.terminal import screen


@pytest.mark.real_time
def test_a_terminal_is_left_promptly_and_as_it_was_however_it_is_interrupted_and_resized() -> None:
    results = list(terminals(6, seed=1))
    assert len(results) == 6
    for result in results:
        assert result.failures == (), result.scenario.name


def test_the_screen_is_read_as_a_terminal_shows_it() -> None:
    drawn = "one\r\n\x1b[?25ltwo two\r\nthree\r\x1b[2K\x1b[1A\x1b[2Kfour\x1b[1m!\x1b[0m\x1b[?25h\r\n"
    assert screen(drawn, 80) == ["one", "four!", ""]
    assert screen("abcdef", 4) == ["abcd", "ef"]
