"""Laws of choosing: which choice a run begins with, what it does with the others; pure, against a scripted world."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import ClassVar

import pytest
from support.memory_ledger import MemoryLedger

from eksprov import errors
from eksprov.core.convergence.alternatives import Alternatives, LiveAlternatives, converge_any, in_order, remove_all
from eksprov.core.convergence.converge import Run
from eksprov.core.convergence.no_capacity import PATIENCE_S, NoCapacityError
from eksprov.core.outcome import Status
from eksprov.core.step import READY, FoundResource, Outputs, Owner, Phase, PhaseState, Timing, Traits

US = Owner("shop", "id-1", "thing")
MOVING, SCARCE = Phase(PhaseState.MOVING), Phase(PhaseState.MOVING, "none left", scarce=True)
FAILED, HOPELESS = Phase(PhaseState.FAILED, "broken"), Phase(PhaseState.FAILED, "quota", scarce=True)
LEAVING = Phase(PhaseState.LEAVING)


@dataclass(frozen=True)
class Facts:
    """What is found of one choice."""

    phase: Phase = field(default=READY, compare=False)
    owner: Owner | None = field(default=US, compare=False)


@dataclass
class World:
    """Choices by slug; a create of one in `short` stays without capacity. Deletes take 30 s."""

    found: dict[str, Phase] = field(default_factory=dict)
    short: frozenset[str] = frozenset()
    held: float = 0.0  # until then a delete is refused
    now_s: float = 0.0
    calls: list[tuple[float, str, str]] = field(default_factory=list)
    leaving: dict[str, float] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)

    def now(self) -> float:
        """Virtual seconds."""
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Move on; what was deleted goes."""
        self.now_s += seconds
        for slug in [slug for slug, at in self.leaving.items() if self.now_s >= at + 30]:
            del self.found[slug], self.leaving[slug]


@dataclass(frozen=True, kw_only=True)
class Thing(Alternatives[World, Facts]):
    """Three ways to have it."""

    kind: ClassVar[str] = "thing"
    timing: ClassVar[Timing] = Timing(create_s=100, delete_s=30, create_limit_s=500, delete_limit_s=500)
    traits: ClassVar[Traits] = Traits(recreate_failed=True, delete_in_motion=True)
    later: tuple[str, ...] = ("b", "c")

    @property
    def alternatives(self) -> tuple[Thing, ...]:
        """This and the later ones."""
        return (self, *(replace(self, slug=slug, later=()) for slug in self.later))

    @property
    def label(self) -> str:
        """By its slug."""
        return self.slug

    @property
    def renewed(self) -> Thing:
        """Under another slug."""
        return replace(self, slug=f"{self.slug}-again")

    def siblings(self, client: World, *, fresh: bool = False) -> tuple[Thing, ...]:
        """What is there."""
        return tuple(replace(self, slug=slug, later=()) for slug in client.found)

    def abandon(self, client: World, have: Facts) -> bool:
        """Refused for a while."""
        if client.now() < client.held:
            return False
        self.delete(client, have)
        return True

    def desired(self, outputs: Outputs) -> Facts:
        """There."""
        return Facts()

    def discover(self, client: World, *, fresh: bool = False) -> Facts | None:
        """As it is."""
        return Facts(client.found[self.slug]) if self.slug in client.found else None

    def create(self, client: World, want: Facts, token: str) -> dict[str, str]:
        """There at once, or never."""
        client.calls.append((client.now(), "create", self.slug))
        client.tokens.append(token)
        client.found[self.slug] = SCARCE if self.slug in client.short else READY
        return {}

    def delete(self, client: World, have: Facts) -> None:
        """It begins to go."""
        client.calls.append((client.now(), "delete", self.slug))
        client.found[self.slug] = LEAVING
        client.leaving[self.slug] = client.now()

    def outputs(self, have: Facts) -> dict[str, str]:
        """Its name."""
        return {"name": self.slug}

    def phase(self, have: Facts) -> Phase:
        """As found."""
        return have.phase

    @classmethod
    def list_owned(cls, client: World, stack: str) -> Iterable[FoundResource]:
        """None."""
        return ()


A = Thing(name="thing", slug="a")


def run_of(world: World, ledger: MemoryLedger | None = None) -> Run[World]:
    return Run(US, world, world, ledger or MemoryLedger())


def order(unfinished: str = "", *, first: bool = False, **found: Phase) -> str:
    there = LiveAlternatives(
        {s: replace(A, slug=s) for s in found}, {slug: Facts(phase) for slug, phase in found.items()}
    )
    return "".join(choice.slug for choice in in_order(A.alternatives, there, unfinished, first=first))


@pytest.mark.parametrize(
    ("expected", "unfinished", "found"),
    [
        ("abc", "", {}),
        ("bca", "b", {}),
        ("bca", "", {"b": READY}),
        ("bca", "c", {"b": READY, "a": LEAVING}),
        ("acb", "", {"a": READY, "c": READY}),
        ("bca", "", {"a": SCARCE, "b": MOVING}),
        ("abc", "a", {"a": MOVING, "b": MOVING}),
        ("bca", "b", {"a": SCARCE}),
        ("abc", "b", {"a": MOVING}),
        ("bca", "a", {"a": HOPELESS}),
        ("abc", "a", {"a": FAILED}),
    ],
)
def test_what_stands_comes_before_what_was_begun_and_that_before_the_configs_order(
    expected: str, unfinished: str, found: dict[str, Phase]
) -> None:
    assert order(unfinished, first=False, **found) == expected


def test_the_first_choice_may_be_asked_for_and_then_what_stands_is_next() -> None:
    assert order(first=True, c=READY) == "acb"


def test_a_choice_without_capacity_gives_way_to_the_next_and_every_create_has_its_own_token() -> None:
    world, ledger = World(short=frozenset("ab")), MemoryLedger()
    outcome = converge_any(A, Outputs(), run_of(world, ledger))
    assert outcome.status is Status.CREATED
    assert "choice 3 of 3: c; no capacity for a: none left; no capacity for b: none left" in outcome.message
    assert ledger.begun == ["b", "c"]
    assert list(world.found) == ["c"]
    times = {f"{do} {slug}": at for at, do, slug in world.calls}
    assert times["create b"] <= PATIENCE_S + 10
    assert times["delete a"] == times["create b"]
    assert len(set(world.tokens)) == 3


def test_a_refused_delete_is_sent_until_it_is_taken() -> None:
    world = World(short=frozenset("a"), held=400.0)
    converge_any(A, Outputs(), run_of(world))
    assert [what for _, *what in world.calls] == [["create", "a"], ["create", "b"], ["delete", "a"]]
    assert list(world.found) == ["b"]
    assert 400 <= world.calls[-1][0] < 412


def test_a_delete_that_failed_is_said_and_not_repeated_for_ever() -> None:
    class Stubborn(World):
        def sleep(self, seconds: float) -> None:
            self.now_s += seconds
            if self.found["a"] is LEAVING:
                self.found["a"] = Phase(PhaseState.FAILED, "held by sg-1")

    world = Stubborn(short=frozenset("a"))
    with pytest.raises(errors.ProvisioningError, match="a was given up and cannot go: held by sg-1"):
        converge_any(A, Outputs(), run_of(world))
    assert len([call for call in world.calls if call[1:] == ("delete", "a")]) <= 2


def test_one_choice_alone_fails_soon_and_is_left_to_aws() -> None:
    world = World(short=frozenset("a"))
    with pytest.raises(NoCapacityError, match="no capacity: none left"):
        converge_any(replace(A, later=()), Outputs(), run_of(world))
    assert world.now() <= PATIENCE_S + 10
    assert [what for _, *what in world.calls] == [["create", "a"]]


def test_a_moment_without_capacity_is_no_lack_of_it() -> None:
    class Passing(World):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            self.found["a"] = MOVING if self.now_s < 90 else READY
            if self.now_s % 20 < 10 and self.now_s < 90:
                self.found["a"] = SCARCE

    world = Passing(short=frozenset("a"))
    assert converge_any(A, Outputs(), run_of(world)).message == ""
    assert list(world.found) == ["a"]


def test_all_that_is_there_is_taken_away_side_by_side() -> None:
    world = World({"a": SCARCE, "c": READY})
    assert remove_all(A, run_of(world)).status is Status.DELETED
    assert world.found == {}
    assert [at for at, *_ in world.calls] == [0.0, 0.0]
    assert remove_all(A, run_of(world)).status is Status.ABSENT


def test_a_strangers_choice_is_refused() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Theirs(Thing):
        def discover(self, client: World, *, fresh: bool = False) -> Facts | None:
            found = super().discover(client, fresh=fresh)
            return replace(found, owner=None) if found and self.slug == "b" else found

    world = World({"b": READY}, short=frozenset("a"))
    with pytest.raises(errors.OwnershipError):
        converge_any(Theirs(name="thing", slug="a"), Outputs(), run_of(world))
    assert ("delete", "b") not in [call[1:] for call in world.calls]
