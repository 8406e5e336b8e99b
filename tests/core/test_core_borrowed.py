"""What is somebody else's is looked at and stays: no owner of ours, no create, no change, no deletion."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

import pytest
from support.memory_ledger import MemoryLedger

from eksprov import errors
from eksprov.core.change import Action
from eksprov.core.convergence.converge import Run, converge, remove
from eksprov.core.convergence.external import External
from eksprov.core.outcome import Status
from eksprov.core.plan import World as Read
from eksprov.core.plan import preview
from eksprov.core.step import READY, FoundResource, Outputs, Owner, Phase, PhaseState

US, OTHERS = Owner("shop", "id-1"), Owner("other", "id-9")


@dataclass(frozen=True)
class Facts:
    """An id, and whether it is fit."""

    id: str = "x-1"
    wrong: str = field(default="", compare=False)
    owner: Owner | None = field(default=None, compare=False)


class World:
    """Holds one thing or nothing, and keeps what was left in it and taken out."""

    def __init__(self, have: Facts | None) -> None:
        self.have, self.calls = have, list[str]()


@dataclass(frozen=True, kw_only=True)
class Lent(External[World, Facts]):
    """Somebody else's."""

    kind: ClassVar[str] = "lent"

    def desired(self, outputs: Outputs) -> Facts:
        return Facts(self.slug)

    def discover(self, client: World, *, fresh: bool = False) -> Facts | None:
        return client.have

    def create(self, client: World, want: Facts, token: str) -> dict[str, str]:
        client.calls.append("create")
        return {}

    def update(self, client: World, want: Facts, have: Facts, fields: tuple[str, ...]) -> None:
        client.calls.append("update")

    def take_out(self, client: World, have: Facts) -> None:
        client.calls.append("take out what is ours")

    def outputs(self, have: Facts) -> dict[str, str]:
        return {"id": have.id}

    def phase(self, have: Facts) -> Phase:
        return Phase(PhaseState.FAILED, have.wrong) if have.wrong else READY

    @classmethod
    def list_owned(cls, client: World, stack: str) -> Iterable[FoundResource]:
        return ()


class Time:
    """Nothing here may wait."""

    def now(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        raise AssertionError(seconds)


STEP = Lent(name="lent/a", slug="x-1")


def run_of(world: World) -> Run[World]:
    return Run(US, Time(), world, MemoryLedger())


@pytest.mark.parametrize("owner", [None, OTHERS, US])
def test_it_is_used_whoever_owns_it(owner: Owner | None) -> None:
    world = World(Facts(owner=owner))
    outcome = converge(STEP, Outputs(), run_of(world))
    assert (outcome.status, outcome.outputs, world.calls) == (Status.UNCHANGED, {"id": "x-1"}, [])


def test_what_is_not_there_or_not_fit_fails_and_is_not_made_or_mended() -> None:
    for have, said in ((None, "does not exist"), (Facts(wrong="too small"), "too small")):
        world = World(have)
        with pytest.raises(errors.ProvisioningError, match=said):
            converge(STEP, Outputs(), run_of(world))
        assert world.calls == []


def test_a_removal_leaves_it_and_takes_out_only_what_is_ours() -> None:
    world = World(Facts(owner=OTHERS))
    assert remove(STEP, run_of(world)).status is Status.ABSENT
    assert (world.have, world.calls) == (Facts(owner=OTHERS), ["take out what is ours"])
    empty = World(None)
    assert remove(STEP, run_of(empty)).status is Status.ABSENT
    assert empty.calls == []


def test_a_plan_names_what_is_missing_or_unfit_and_never_a_deletion() -> None:
    for have, problem in ((None, "does not exist"), (Facts(wrong="too small"), "too small"), (Facts(owner=OTHERS), "")):
        (line,) = preview([STEP], Read({"lent/a": have}, US)).lines
        assert line.change.action is Action.NONE
        assert problem in line.problem
        assert bool(line.problem) is bool(problem)
    assert preview([], Read({}, US), [STEP]).lines == ()
