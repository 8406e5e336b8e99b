"""What is found is what is: the same whatever the step that looks wants of it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from cases import CASES
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
        bare = [type(step).from_record(step.name, step.slug) for step in steps]
        return [(step, opened.read(step), opened.read(blank)) for step, blank in zip(steps, bare, strict=True)]


@pytest.fixture(scope="module")
def watched() -> dict[str, set[str]]:
    """Of each kind in the full stacks: the fields beside name and slug that its steps look at while they read."""
    looked: dict[str, set[str]] = {}
    for name in EVERYTHING:
        with Theatre().stage(everything(name)) as stage:
            assert stage.provision().ok
            opened = stage.opened()
            for step in opened.steps:
                if step.world == "aws" and step.traits.recorded:
                    opened.read(_watched(step, looked.setdefault(step.kind, set())))
    return looked


def _watched(step: AnyStep, looked: set[str]) -> AnyStep:
    """The same step; what is looked at of its fields is added to `looked`."""
    wanted = {field.name for field in dataclasses.fields(step)} - {"name", "slug", "needs"}

    def look(self: Any, name: str) -> Any:
        if name in wanted:
            looked.add(name)
        return object.__getattribute__(self, name)

    kept = {field.name: getattr(step, field.name) for field in dataclasses.fields(step) if field.init}
    watched: type[AnyStep] = type(type(step).__name__, (type(step),), {"__getattribute__": look})
    return watched(**kept)


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


def test_nothing_that_is_wanted_is_looked_at_while_reading(watched: dict[str, set[str]]) -> None:
    """So it holds for values that no full stack has: a boundary, a service account's role, a closed endpoint."""
    assert watched == {kind: CASES[kind].looks_at for kind in watched}
