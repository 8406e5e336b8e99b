"""What a run does about calls that another run may have sent, and about resources that are gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from support.clock import VirtualClock
from support.memory_ledger import MemoryLedger

from eksprov import errors
from eksprov.core.convergence.converge import APPEAR_GRACE_S, Run, converge, remove
from eksprov.core.outcome import Status
from eksprov.core.step import READY, FoundResource, Outputs, Owner, Phase, PhaseState, Step, Timing, Traits

US = Owner("shop", "id-1")


@dataclass(frozen=True)
class Facts:
    state: PhaseState = field(default=PhaseState.READY, compare=False)
    owner: Owner | None = field(default=US, compare=False)


@dataclass
class World:
    """`there` says at which seconds the thing is seen; a create makes it seen from then on, if `makes`."""

    clock: VirtualClock
    seen_from: float = float("inf")
    makes: bool = True
    leaving_until: float = 0.0
    calls: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Thing(Step[World, Facts]):
    kind: ClassVar[str] = "thing"
    timing: ClassVar[Timing] = Timing(create_limit_s=1000, delete_limit_s=1000)

    def desired(self, outputs: Outputs) -> Facts:
        return Facts()

    def discover(self, client: World, *, fresh: bool = False) -> Facts | None:
        if client.clock.now() < client.leaving_until:
            return Facts(PhaseState.LEAVING)
        return Facts() if client.clock.now() >= client.seen_from else None

    def create(self, client: World, want: Facts, token: str) -> dict[str, str]:
        client.calls.append("create")
        client.seen_from = client.clock.now() if client.makes else client.seen_from
        return {}

    def delete(self, client: World, have: Facts) -> None:
        client.calls.append("delete")
        client.seen_from = float("inf")

    def outputs(self, have: Facts) -> dict[str, str]:
        return {}

    def phase(self, have: Facts) -> Phase:
        return READY if have.state is PhaseState.READY else Phase(have.state)

    @classmethod
    def list_owned(cls, client: World, stack: str) -> Iterable[FoundResource]:
        return ()


@dataclass(frozen=True)
class Nameless(Thing):
    traits: ClassVar[Traits] = Traits(named=False)


THING = Thing(name="thing", slug="thing")


def act(world: World, what: Any, *past: str, step: Thing = THING) -> Any:
    ledger = MemoryLedger(*past, hear=lambda what, _: world.calls.append(what))
    run = Run(US, world.clock, world, ledger)
    return what(step, Outputs(), run) if what is converge else what(step, run)


def test_every_create_is_written_down_before_it_is_sent() -> None:
    world = World(VirtualClock())
    act(world, converge)
    assert world.calls == ["intend", "create"]


def test_a_removal_looks_longer_for_what_a_run_that_was_cut_off_may_have_made() -> None:
    world = World(VirtualClock(), seen_from=APPEAR_GRACE_S - 10)
    assert act(world, remove, "unsettled").status is Status.DELETED
    assert world.calls == ["delete"]


def test_a_removal_that_has_nothing_unsettled_believes_the_first_reading() -> None:
    world = World(VirtualClock())
    assert act(world, remove).status is Status.ABSENT
    assert world.clock.slept == []


def test_what_others_have_deleted_is_asked_for_under_a_new_token() -> None:
    world = World(VirtualClock())
    assert act(world, converge, "was there").status is Status.CREATED
    assert world.calls == ["gone", "intend", "create"]


def test_a_nameless_one_keeps_its_token_because_it_may_only_be_hidden() -> None:
    world = World(VirtualClock())
    act(world, converge, "was there", step=Nameless(name="thing", slug="thing"))
    assert world.calls == ["intend", "create"]


def test_what_was_waited_for_until_it_left_is_made_under_a_new_token() -> None:
    world = World(VirtualClock(), leaving_until=30)
    assert act(world, converge).status is Status.CREATED
    assert world.calls == ["gone", "intend", "create"]


def test_a_create_that_aws_answers_for_a_dead_one_ends_and_the_next_gets_a_new_token() -> None:
    world = World(VirtualClock(), makes=False)
    with pytest.raises(errors.ConvergenceError, match="does not exist"):
        act(world, converge)
    assert world.calls == ["intend", "create", "gone"]
    assert world.clock.now() < APPEAR_GRACE_S + 30
