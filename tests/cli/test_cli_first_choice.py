"""`--first-choice`, and what is said of a later choice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.command_line import CommandLine, Samples, Scripted
from support.stage import Theatre

from eksprov.core.outcome import Outcome, Status
from eksprov.core.step import FoundResource, Owner
from eksprov.operations.choosing import back_to_first


@pytest.mark.parametrize("command", ["plan", "provision"])
def test_the_option_asks_for_first_choices_and_nothing_else(
    cli: CommandLine, scripted: type[Scripted], samples: Samples, command: str
) -> None:
    backend = scripted(plan_is=samples.changes)
    assert cli(command, "--first-choice", backend=backend).code == 0
    assert [opened.first_choice for opened in backend.opened_with] == [True]


def test_it_goes_together_with_what_else_was_asked_for() -> None:
    seen = (FoundResource("vpc", "vpc-1", "vpc-1", Owner("digits", "id-1")),)
    with Theatre().stage() as stage:
        opened = stage.opened()
    both = back_to_first(lambda one: replace(one, resources=seen))
    assert both(opened) == replace(opened, first_choice=True, resources=seen)


def test_the_choice_that_was_taken_is_among_the_last_words(
    cli: CommandLine, scripted: type[Scripted], samples: Samples
) -> None:
    said = "choice 2 of 3: g5.xlarge SPOT; no capacity for g5.xlarge ON_DEMAND"
    taken = Outcome("node-group/gpu", Status.CREATED, message=said)
    result = cli("provision", backend=scripted(report_is=samples.report(taken)))
    assert result.code == 0
    assert f"note: node-group/gpu: {said}\n" in result.err
