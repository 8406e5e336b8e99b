"""A stack that is made again at once after its teardown: names that AWS keeps for a while are waited for.

The same account in virtual time, with what AWS does only sometimes switched on (`local.faults`).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.stage import STACK_ID, Stage, Theatre, everything

from eksprov.core.outcome import Status
from eksprov.local.aws.conditions import Conditions
from eksprov.operations.commands.provision import Report

S, HOUR = 1.0, 3600.0


@pytest.fixture(scope="module")
def theatre() -> Theatre:
    return Theatre()


@pytest.fixture
def stage(theatre: Theatre) -> Iterator[Stage]:
    with theatre.stage() as stage:
        yield stage


def failures(report: Report) -> list[tuple[str, str, str]]:
    return [(o.name, o.message, o.hint) for o in report.outcomes if o.status is Status.FAILED]


@pytest.mark.parametrize("name", ["everything", "karpenter"])
def test_teardown_and_provision_at_once_afterwards(theatre: Theatre, name: str) -> None:
    with theatre.stage(everything(name), speed=S) as stage:
        assert failures(stage.provision()) == []
        made = stage.world()
        assert stage.teardown().ok
        stage.emulator.rule(Conditions(bucket_name_rests_s=1800, entry_lag_s=20))
        began = stage.clock.now()
        assert failures(stage.provision()) == []
        assert str(stage.world()).replace(stage.minted[1], STACK_ID) == str(made)
        assert stage.clock.now() - began > 1800
        assert stage.teardown().ok


def test_a_name_that_stays_taken_ends_in_words_with_the_cure_and_harms_nothing_else(stage: Stage) -> None:
    assert stage.provision().ok
    assert stage.teardown().ok
    stage.emulator.rule(Conditions(bucket_name_rests_s=1e9))
    began = stage.clock.now()
    ((name, message, hint),) = failures(stage.provision())
    assert (name, "OperationAborted" in message) == ("bucket/models", True)
    assert "run the same command again later" in hint
    assert HOUR < stage.clock.now() - began < 1.2 * HOUR
    stage.emulator.rule(Conditions())
    assert failures(stage.provision()) == []


def test_a_new_entry_takes_its_policies_as_soon_as_eks_finds_it(theatre: Theatre) -> None:
    with theatre.stage(speed=S) as stage:
        stage.emulator.rule(Conditions(entry_lag_s=20))
        assert failures(stage.provision()) == []
