"""What is found is what is: the same whatever the step that looks wants of it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from support.stage import EVERYTHING, Theatre, everything

from eksprov.core.step import AnyStep

# Readings that cost a call of their own are made where something is wanted of them, and are empty else.
ASKED_FOR = {("iam-role", "inline"), ("access-entry", "stale")}


@pytest.fixture(scope="module", params=EVERYTHING)
def found(request: pytest.FixtureRequest) -> list[tuple[AnyStep, Any, Any]]:
    """Of each resource of a full stack: its step, what it finds, and what a step finds that wants nothing."""
    with Theatre().stage(everything(request.param)) as stage:
        assert stage.provision().ok
        opened = stage.opened()
        steps = [step for step in opened.steps if step.world == "aws" and step.traits.recorded]
        bare = [type(step).revive(step.name, step.slug) for step in steps]
        return [(step, opened.read(step), opened.read(blank)) for step, blank in zip(steps, bare, strict=True)]


def test_what_is_found_does_not_depend_on_what_is_wanted(found: list[tuple[AnyStep, Any, Any]]) -> None:
    wrong = [
        (step.name, field.name, getattr(as_wanted, field.name), getattr(blank, field.name))
        for step, as_wanted, blank in found
        if as_wanted is not None and blank is not None
        for field in dataclasses.fields(as_wanted)
        if (step.kind, field.name) not in ASKED_FOR and getattr(as_wanted, field.name) != getattr(blank, field.name)
    ]
    assert wrong == []
    assert len({step.kind for step, as_wanted, _ in found if as_wanted is not None}) >= 15
