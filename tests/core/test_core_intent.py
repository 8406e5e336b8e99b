"""Laws of what AWS does not recognise when it is sent twice: written down first, looked for before it is sent again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from support.memory_ledger import MemoryLedger
from support.scripted_step import Facts, FakeStep, Time, World, names, run_of

from eksprov.core.convergence.converge import converge
from eksprov.core.outcome import Status
from eksprov.core.step import Outputs, Traits


@dataclass(frozen=True)
class Nameless(FakeStep):
    """One that AWS does not recognise when it is sent twice."""

    traits: ClassVar[Traits] = Traits(recognised=False)


NAMELESS = Nameless(name="vpc", slug="vpc")


def test_what_has_no_name_is_written_down_before_it_is_sent() -> None:
    world = World(None, Facts())
    before: list[Any] = []
    ledger = MemoryLedger(hear=lambda what, name: before.append((what, name, names(world))))
    converge(NAMELESS, Outputs(), run_of(world, ledger=ledger))
    assert before == [("intend", "vpc", [])]
    assert names(world) == ["create"]


def test_what_may_have_been_sent_is_looked_for_before_it_is_sent_again() -> None:
    world = World(None, None, None, Facts())
    assert converge(NAMELESS, Outputs(), run_of(world, ledger=MemoryLedger("expected"))).status is Status.UNCHANGED
    assert world.calls == []


def test_what_was_never_made_is_sent_again_once_listings_cannot_lag_any_more() -> None:
    time = Time()

    class Late(World):
        def read(self) -> Facts | None:
            return Facts() if self.calls else None

    world = Late(None)
    assert converge(NAMELESS, Outputs(), run_of(world, time, MemoryLedger("expected"))).status is Status.CREATED
    assert names(world) == ["create"]
    assert 120 < time.seconds < 140
