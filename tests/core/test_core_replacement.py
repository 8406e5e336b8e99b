"""Laws of what cannot change in place: refused by name, or made again where nothing of others stands on it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from support.memory_ledger import MemoryLedger
from support.scripted_step import LEAVING, MOVING, STEP, STRANGE, Facts, FakeStep, World, names, run_of

from eksprov import errors
from eksprov.core.convergence.converge import converge
from eksprov.core.outcome import Status
from eksprov.core.replacement import Order, Replacement
from eksprov.core.step import Outputs


@dataclass(frozen=True)
class Replaceable(FakeStep):
    """One that is deleted before it is made again; `holders` stand on it."""

    holders: tuple[str, ...] = ()

    @property
    def replacement(self) -> Replacement:
        """Not side by side."""
        return Replacement(Order.DELETE_FIRST, "it is away")

    def blockers(self, client: World, have: Facts) -> tuple[str, ...]:
        """As the test says."""
        return self.holders


def test_what_cannot_change_in_place_is_refused_before_any_call() -> None:
    world = World(Facts(kind="b", size=9))
    with pytest.raises(errors.ReplacementError, match=r"kind \(b -> a\)"):
        converge(STEP, Outputs(), run_of(world))
    assert world.calls == []


def test_what_nothing_stands_on_is_made_again_and_the_dead_one_counted_before_the_new_one_is_asked_for() -> None:
    old = Facts(kind="b")
    world = World(old, old, LEAVING, LEAVING, None, None, MOVING, Facts())
    ledger = MemoryLedger(hear=lambda what, name: world.calls.append((what, name)))
    step = Replaceable(name="thing/a", slug="a")
    outcome = converge(step, Outputs(), run_of(world, ledger=ledger))
    assert outcome.status is Status.REPLACED
    assert outcome.change.names == ("kind",)
    assert names(world) == ["delete", "gone", "intend", "create"]
    assert ledger.told[0].startswith("kind (b -> a) cannot change in place")


def test_what_others_stand_on_is_not_made_again_and_they_are_named() -> None:
    world = World(Facts(kind="b"))
    with pytest.raises(errors.ReplacementError, match=r"kind \(b -> a\).* while it holds eni-1, eni-2"):
        converge(Replaceable(name="thing/a", slug="a", holders=("eni-1", "eni-2")), Outputs(), run_of(world))
    assert world.calls == []


def test_a_replacement_that_was_cut_off_goes_on_as_a_create() -> None:
    world = World(LEAVING, None, None, Facts())
    assert converge(Replaceable(name="thing/a", slug="a"), Outputs(), run_of(world)).status is Status.CREATED
    assert names(world) == ["create"]


def test_a_stranger_is_never_replaced() -> None:
    world = World(replace(STRANGE, kind="b"))
    with pytest.raises(errors.OwnershipError):
        converge(Replaceable(name="thing/a", slug="a"), Outputs(), run_of(world))
    assert world.calls == []
