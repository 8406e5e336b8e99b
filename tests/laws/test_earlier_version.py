"""A stack that an earlier version made is this version's stack: its tags are understood, and brought up to date.

The recording is of a version that did not write the region into tags.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from support.recorded import Recording, whole
from support.stage import Stage, Theatre, project

from eksprov.aws.tags import REGION
from eksprov.core.change import Action
from eksprov.operations.commands.models import deploy
from eksprov.operations.commands.plan import make_plan
from eksprov.operations.commands.provision import provision
from eksprov.operations.commands.teardown import teardown
from eksprov.operations.stack import Opened, open_stack

EARLIER = "everything-13cc4ef"
LAUNCHED = {"instance", "launch-template"}  # with the tags of the template that they were launched from


@pytest.fixture
def stage(theatre: Theatre) -> Iterator[Stage]:
    with theatre.stage(whole("everything")) as stage:
        Recording.of(EARLIER).play(stage)
        yield stage


def process(stage: Stage, *, mint: bool = False) -> Opened:
    return open_stack(replace(stage.process(), project=project()), mint=mint)


def tagged(stage: Stage) -> dict[str, list[str]]:
    """What bears the stack's tag in the account, and of it what lacks the region."""
    return {
        kind: [one for one in items if '"eksprov:stack"' in one or "'eksprov:stack'" in one]
        for kind, items in stage.world().items()
    }


def lacking(stage: Stage) -> list[str]:
    return [f"{kind}: {one[:120]}" for kind, items in tagged(stage).items() for one in items if REGION not in one]


@pytest.mark.parametrize("lost", [False, True], ids=["with its state", "its state lost"])
def test_it_is_found_brought_up_to_date_and_taken_down(stage: Stage, lost: bool) -> None:
    assert len(lacking(stage)) > 40
    if lost:
        stage.store.forget()
    opened = process(stage)
    in_aws = {step.name for step in opened.steps if step.world == "aws"}
    lines = [line for line in make_plan(opened).lines if line.name in in_aws]
    assert {line.problem for line in lines} == {""}
    changes = {line.name: line.change for line in lines if line.change.action is not Action.NONE}
    assert {(name, change.action, change.names) for name, change in changes.items()} == {
        (name, Action.UPDATE, ("tags",)) for name in changes
    }
    report = provision(process(stage, mint=True))
    assert report.ok
    assert deploy(process(stage), ["digits"]).report.ok
    assert {one.partition(":")[0] for one in lacking(stage)} <= LAUNCHED
    stage.tape.rewind()
    again = provision(process(stage, mint=True))
    assert again.ok
    assert stage.tape.mutating == []
    gone: Any = teardown(process(stage))
    assert gone.ok
    assert stage.grown() == {kind: [] for kind in stage.baseline}
