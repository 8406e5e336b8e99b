"""The same laws over stacks that ask for everything: every kind is made, found again, and goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from support.account import run_of
from support.stage import EVERYTHING, Stage, Theatre, everything

from eksprov import errors
from eksprov.core.convergence.converge import converge, remove
from eksprov.core.convergence.external import External, Part
from eksprov.core.outcome import Status
from eksprov.core.step import Outputs, Owner
from eksprov.steps import KINDS

# They need an account in which somebody has made them: tests/steps/network/test_existing_network.py and
# tests/laws/test_roles.py.
BORROWED = {kind.kind for kind in KINDS if issubclass(kind, External)}


@pytest.fixture(params=EVERYTHING)
def stage(theatre: Theatre, request: pytest.FixtureRequest) -> Iterator[Stage]:
    with theatre.stage(everything(request.param)) as stage:
        yield stage


def test_every_kind_is_exercised(theatre: Theatre) -> None:
    """A kind that no law touches is a kind that no law holds."""
    touched = set(BORROWED)
    for name in EVERYTHING:
        with theatre.stage(everything(name)) as stage:
            touched |= {step.kind for step in stage.opened().steps if step.world == "aws"}
    assert touched == {kind.kind for kind in KINDS}


def test_it_is_made_found_again_with_and_without_its_state_and_goes(stage: Stage) -> None:
    report = stage.provision()
    assert report.ok, [(o.name, o.message) for o in report.outcomes if not o.good]
    made = stage.world()
    again = stage.provision()
    assert {outcome.status for outcome in again.outcomes} == {Status.UNCHANGED}
    assert stage.tape.mutating == []
    stage.store.forget()
    lost = stage.provision()
    assert Counter(o.status for o in lost.outcomes) == {Status.UNCHANGED: len(lost.outcomes)}
    assert stage.tape.mutating == []
    assert stage.world() == made
    result = stage.teardown()
    assert result.ok, [(o.name, o.message) for o in result.report.outcomes if not o.good]
    assert not {kind: items for kind, items in stage.grown().items() if items}


def test_another_incarnation_of_every_kind_is_refused_and_untouched(stage: Stage) -> None:
    """A stack of the same name that somebody else made from another machine."""
    report = stage.provision()
    outputs = Outputs({outcome.name: outcome.outputs for outcome in report.outcomes})
    before = stage.world()
    stage.tape.rewind()
    theirs = Owner(stage.config.name, "0ther1ncarnat10n")
    parts = [step for step in stage.opened().steps if step.world == "aws" and not isinstance(step, External | Part)]
    for step in parts:
        aws = stage.aws(theirs)
        with pytest.raises(errors.OwnershipError, match="not this stack's"):
            converge(step, outputs, run_of(aws))
        with pytest.raises(errors.OwnershipError, match="not this stack's"):
            remove(step, run_of(aws))
    assert stage.tape.mutating == []
    assert stage.world() == before
