"""Laws of the removal of one step: it comes to rest, goes once, and is waited for until it is gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from support.scripted_step import FAILED, LEAVING, MOVING, STEP, Facts, FakeStep, World, names, run_of

from eksprov.core.convergence.converge import remove
from eksprov.core.outcome import Status
from eksprov.core.step import Traits


def test_removal_waits_until_it_is_gone() -> None:
    world = World(Facts(), LEAVING, LEAVING, None)
    assert remove(STEP, run_of(world)).status is Status.DELETED
    assert names(world) == ["delete"]


def test_removing_nothing_is_done_already() -> None:
    world = World(None)
    assert (remove(STEP, run_of(world)).status, world.calls) == (Status.ABSENT, [])


def test_what_is_leaving_already_is_not_deleted_again() -> None:
    world = World(LEAVING, LEAVING, None)
    assert remove(STEP, run_of(world)).status is Status.DELETED
    assert world.calls == []


def test_what_is_moving_comes_to_rest_before_it_is_deleted() -> None:
    world = World(MOVING, MOVING, Facts(), None)
    assert remove(STEP, run_of(world)).status is Status.DELETED
    assert names(world) == ["delete"]


def test_a_failed_one_can_be_removed() -> None:
    world = World(FAILED, None)
    assert remove(STEP, run_of(world)).status is Status.DELETED


def test_what_may_never_come_to_rest_is_deleted_while_it_moves() -> None:
    @dataclass(frozen=True)
    class Restless(FakeStep):
        traits: ClassVar[Traits] = Traits(delete_in_motion=True)

    world = World(MOVING, None)
    assert remove(Restless(name="a", slug="a"), run_of(world)).status is Status.DELETED
    assert names(world) == ["delete"]
