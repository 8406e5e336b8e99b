"""Laws of one step, against a scripted world in virtual time: what is waited for, refused, proven, left alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
from support.memory_ledger import MemoryLedger
from support.scripted_step import (
    FAILED,
    LEAVING,
    MOVING,
    STEP,
    STRANGE,
    US,
    Facts,
    FakeStep,
    Time,
    World,
    names,
    run_of,
)

from eksprov import errors
from eksprov.core.change import Action
from eksprov.core.convergence.converge import converge, is_ours, remove
from eksprov.core.outcome import Outcome, Status
from eksprov.core.step import Outputs, Owner, PhaseState, Timing, Traits


@dataclass(frozen=True)
class Forgiving(FakeStep):
    """One whose failed resource is made again."""

    traits: ClassVar[Traits] = Traits(recreate_failed=True)


@dataclass(frozen=True)
class Updating(FakeStep):
    """One whose updates have an id and may fail later."""

    said: str = ""

    def update(self, client: World, want: Facts, have: Facts, fields: tuple[str, ...]) -> str:
        """Keep the call."""
        super().update(client, want, have, fields)
        return "update-1"

    def why_failed(self, client: World, update: str) -> str:
        """As scripted."""
        client.calls.append(("asked", update))
        return self.said


def test_what_is_as_wanted_gets_no_call() -> None:
    world = World(Facts())
    outcome = converge(STEP, Outputs(), run_of(world))
    assert (outcome.status, outcome.outputs, world.calls) == (Status.UNCHANGED, {"size": "1"}, [])


def test_what_is_absent_is_created_once_noted_at_once_and_proven_by_reading() -> None:
    world, ledger = World(None, None, MOVING, MOVING, Facts()), MemoryLedger()
    outcome = converge(STEP, Outputs(), run_of(world, ledger=ledger))
    assert outcome.status is Status.CREATED
    assert outcome.change.action is Action.CREATE
    assert world.calls == [("create", Facts(), "token of thing/a")]
    assert ledger.noted == [("thing/a", {"id": "early"})]
    assert len(world.readings) == 1, "it was read until it showed what was wanted"


def test_what_is_moving_is_waited_for_before_anything_is_decided() -> None:
    world = World(MOVING, MOVING, Facts())
    assert converge(STEP, Outputs(), run_of(world)).status is Status.UNCHANGED
    assert world.calls == []


def test_what_is_leaving_is_waited_out_and_made_anew() -> None:
    world = World(LEAVING, LEAVING, None, Facts())
    assert converge(STEP, Outputs(), run_of(world)).status is Status.CREATED
    assert names(world) == ["create"]


def test_a_failed_one_is_an_error_unless_its_kind_is_made_again() -> None:
    world = World(FAILED)
    with pytest.raises(errors.ProvisioningError, match="is failed"):
        converge(STEP, Outputs(), run_of(world))
    assert world.calls == []
    world = World(FAILED, FAILED, None, Facts())
    assert converge(Forgiving(name="a", slug="a"), Outputs(), run_of(world)).status is Status.CREATED
    assert names(world) == ["delete", "create"]


def test_a_create_that_ends_in_failure_is_reported_without_waiting_for_the_deadline() -> None:
    time = Time()
    with pytest.raises(errors.ProvisioningError):
        converge(STEP, Outputs(), run_of(World(None, MOVING, FAILED), time))
    assert time.seconds < 30


def test_a_difference_is_updated_and_read_back() -> None:
    world = World(Facts(size=5), Facts(size=5, state=PhaseState.MOVING), Facts())
    outcome = converge(STEP, Outputs(), run_of(world))
    assert (outcome.status, outcome.change.names) == (Status.UPDATED, ("size",))
    assert world.calls == [("update", ("size",))]


def test_an_update_may_take_several_calls_one_part_each() -> None:
    world = World(Facts(size=5, colour="blue"), Facts(colour="blue"), Facts())
    assert converge(STEP, Outputs(), run_of(world)).change.names == ("size", "colour")
    assert world.calls == [("update", ("size", "colour")), ("update", ("colour",))]


def test_updates_that_undo_one_another_end_in_an_error_not_in_a_circle() -> None:
    one, other = Facts(size=5), Facts(colour="blue")
    with pytest.raises(errors.ConvergenceError):
        converge(STEP, Outputs(), run_of(World(one, *[other, one] * 50)))


def test_an_update_that_fails_is_told_in_the_worlds_words_and_at_once() -> None:
    clock, step = Time(), Updating(name="a", slug="a", want=Facts(size=2), said="PodEvictionFailure: pod web-1 stays")
    moving = Facts(state=PhaseState.MOVING)
    with pytest.raises(errors.ProvisioningError, match="update of size failed: PodEvictionFailure: pod web-1 stays"):
        converge(step, Outputs(), run_of(World(Facts(), moving, Facts()), clock))
    assert sum(clock.slept) < 30


def test_an_update_that_shows_is_not_asked_about() -> None:
    world = World(Facts(), Facts(size=2))
    step = Updating(name="a", slug="a", want=Facts(size=2), said="never read")
    assert converge(step, Outputs(), run_of(world)).status is Status.UPDATED
    assert ("asked", "update-1") not in world.calls


def test_a_reading_that_lags_behind_the_write_is_forgiven() -> None:
    stale = [Facts(size=5)] * 8
    assert converge(STEP, Outputs(), run_of(World(*stale, Facts()))).status is Status.UPDATED
    assert converge(STEP, Outputs(), run_of(World(None, None, None, *stale, Facts()))).status is Status.CREATED


def test_a_write_that_never_shows_is_not_believed() -> None:
    time = Time()
    with pytest.raises(errors.ConvergenceError, match="size: wanted 1, read 5"):
        converge(STEP, Outputs(), run_of(World(Facts(size=5)), time))
    assert 60 < time.seconds < 80


@pytest.mark.parametrize("owner", [None, Owner("other", "id-1"), Owner("shop", "id-9")])
@pytest.mark.parametrize("state", list(PhaseState))
def test_a_stranger_is_never_touched(owner: Owner | None, state: PhaseState) -> None:
    world = World(Facts(size=5, owner=owner, state=state))
    acts: tuple[Callable[[], Outcome], ...] = (
        lambda: converge(STEP, Outputs(), run_of(world)),
        lambda: remove(STEP, run_of(world)),
    )
    for act in acts:
        with pytest.raises(errors.OwnershipError, match="left alone"):
            act()
    assert world.calls == []


def test_a_stranger_that_takes_our_place_after_the_create_is_refused() -> None:
    with pytest.raises(errors.OwnershipError):
        converge(STEP, Outputs(), run_of(World(None, STRANGE)))


def test_ours_is_the_stack_and_where_both_know_one_the_id() -> None:
    assert is_ours(Owner("shop", "id-1", "x"), US)
    assert is_ours(Owner("shop", ""), US)
    assert is_ours(Owner("shop", "id-7"), Owner("shop", ""))
    assert not is_ours(Owner("shop", "id-2"), US)
    assert not is_ours(None, US)


def test_the_deadline_says_what_holds_it_and_that_running_again_helps() -> None:
    time = Time()
    with pytest.raises(errors.WaitTimeoutError, match=r"is moving; held by eni-1") as late:
        converge(STEP, Outputs(), run_of(World(MOVING), time))
    assert "again" in late.value.hint
    assert 100 < time.seconds <= 115


@pytest.mark.parametrize("speed", [1.0, 60.0])
def test_deadlines_are_real_seconds_at_any_speed(speed: float) -> None:
    time = Time()
    with pytest.raises(errors.WaitTimeoutError):
        remove(STEP, run_of(World(LEAVING), time, speed=speed))
    assert 100 < time.seconds <= 115


def test_a_scaled_world_is_read_as_often_as_a_slow_one() -> None:
    slow, fast = Time(), Time()
    for time, speed in ((slow, 1.0), (fast, 20.0)):
        converge(STEP, Outputs(), run_of(World(None, *[MOVING] * 5, Facts()), time, speed=speed))
    assert fast.seconds * 20 == pytest.approx(slow.seconds, rel=0.6)
    assert fast.seconds < slow.seconds / 5


def test_a_user_who_stops_is_heard_while_waiting() -> None:
    class Stopped(Time):
        def sleep(self, seconds: float) -> None:
            raise errors.InterruptedRunError("stopped")

    world = World(MOVING)
    with pytest.raises(errors.InterruptedRunError):
        converge(STEP, Outputs(), run_of(world, Stopped()))
    assert world.calls == []


def test_waiting_says_what_it_waits_for() -> None:
    ledger = MemoryLedger()
    converge(STEP, Outputs(), run_of(World(MOVING, MOVING, Facts()), ledger=ledger))
    assert ledger.told == ["is moving"]


def test_outputs_not_known_yet_are_unknown_and_can_be_forgotten() -> None:
    outputs = Outputs({"vpc": {"id": "vpc-1"}})
    assert outputs.get("vpc", "id") == "vpc-1"
    outputs.drop("vpc")
    assert outputs.get("vpc", "id") == outputs.get("subnet", "id") != "vpc-1"
    assert replace(STEP, name="b").from_record("b", "c").slug == "c"


@dataclass(frozen=True)
class Slow(FakeStep):
    """One whose updates take longer than it takes to make it."""

    timing: ClassVar[Timing] = Timing(create_s=20, delete_s=20, create_limit_s=100, update_limit_s=1000)


@pytest.mark.parametrize(
    ("readings", "waited"),
    [
        ((Facts(size=2), *[MOVING] * 40, Facts()), True),  # an update of this run
        ((*[MOVING] * 40, Facts()), True),  # one that a run before this has begun
        ((None, *[MOVING] * 40, Facts()), False),  # a creation
    ],
)
def test_an_update_has_a_deadline_of_its_own(readings: tuple[Facts | None, ...], waited: bool) -> None:
    step, time = Slow(name="thing/a", slug="a"), Time()
    if not waited:
        with pytest.raises(errors.WaitTimeoutError):
            converge(step, Outputs(), run_of(World(*readings), time))
        return
    assert converge(step, Outputs(), run_of(World(*readings), time)).good
    assert 100 < time.seconds < 1000


@dataclass(frozen=True)
class Spent(FakeStep):
    """One whose first token was used for something else."""

    def create(self, client: World, want: Facts, token: str) -> dict[str, str]:
        """Refuse the first one."""
        made = super().create(client, want, token)
        if not token.endswith("again"):
            raise ValueError("used with other parameters")
        return made


@pytest.mark.parametrize("hidden", [False, True])
def test_a_token_of_an_incarnation_that_has_gone_is_given_up_unless_that_one_only_hides(*, hidden: bool) -> None:
    """A run may end between a deletion and the record of it; the next one asks with its token for something else."""
    ledger = MemoryLedger(spent=(ValueError,))
    world = World(*[None, Facts()] if hidden else [None] * 40, Facts())
    if hidden:
        with pytest.raises(ValueError, match="other parameters"):
            converge(Spent(name="thing/a", slug="a"), Outputs(), run_of(world, ledger=ledger))
        assert (names(world), ledger.ended) == (["create"], {})
        return
    assert converge(Spent(name="thing/a", slug="a"), Outputs(), run_of(world, ledger=ledger)).status is Status.CREATED
    assert [call[-1] for call in world.calls] == ["token of thing/a", "token of thing/a again"]
    assert ledger.ended == {"thing/a": 1}
