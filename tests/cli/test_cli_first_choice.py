"""`--first-choice`, and what is said of a later choice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from eksprov.core.outcome import Outcome, Status
from eksprov.operations.choosing import back_to_first


@dataclass(frozen=True)
class Opened:
    """As much of an opened stack as the option touches."""

    first_choice: bool = False
    upgraded: bool = False


@pytest.mark.parametrize("command", ["plan", "provision"])
def test_the_option_asks_for_first_choices_and_nothing_else(
    cli: Any, scripted: Any, samples: Any, command: str
) -> None:
    backend = scripted(plan_is=samples.changes)
    assert cli(command, "--first-choice", backend=backend).code == 0
    assert [opened.first_choice for opened in backend.opened_with] == [True]


def test_it_goes_together_with_what_else_was_asked_for() -> None:
    both = back_to_first(lambda _: Opened(upgraded=True))
    assert both(Opened()) == Opened(first_choice=True, upgraded=True)


def test_the_choice_that_was_taken_is_among_the_last_words(cli: Any, scripted: Any, samples: Any) -> None:
    said = "choice 2 of 3: g5.xlarge SPOT; no capacity for g5.xlarge ON_DEMAND"
    taken = Outcome("node-group/gpu", Status.CREATED, message=said)
    result = cli("provision", backend=scripted(report_is=samples.report(taken)))
    assert result.code == 0
    assert f"note: node-group/gpu: {said}\n" in result.err
