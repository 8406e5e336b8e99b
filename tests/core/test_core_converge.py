"""Laws of one step, against a scripted world in virtual time: what is waited for, refused, proven, left alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import pytest

from eksprov import errors
from eksprov.core.change import Action
from eksprov.core.converge import Run, converge, is_ours, remove
from eksprov.core.outcome import Status
from eksprov.core.replacement import Order, Replacement
from eksprov.core.step import READY, Outputs, Owner, Phase, Sighting, State, Step, Timing

US = Owner("shop", "id-1")


@dataclass(frozen=True)
class Facts:
    """One field that changes in place, one that does not, and what the world assigns."""

    size: int = 1
    kind: str = field(default="a", metadata={"replace": True})
    colour: str = "red"
    state: State = field(default=State.READY, compare=False)
    owner: Owner | None = field(default=US, compare=False)


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        """Virtual seconds."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Move on at once."""
        assert seconds > 0, "a busy loop"
        self.slept.append(seconds)
        self.seconds += seconds


class World:
    """Gives the scripted readings one by one (the last for ever) and keeps the calls."""

    def __init__(self, *readings: Facts | None) -> None:
        self.readings = list(readings)
        self.calls: list[tuple[Any, ...]] = []

    def read(self) -> Facts | None:
        """The next reading."""
        return self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]


@dataclass(frozen=True)
class FakeStep(Step[World, Facts]):
    """A step that wants `want` of a scripted world."""

    kind: ClassVar[str] = "thing"
    timing: ClassVar[Timing] = Timing(create_s=20, delete_s=20, create_limit_s=100, delete_limit_s=100)
    want: Facts = Facts()

    def desired(self, outputs: Outputs) -> Facts:  # noqa: ARG002 -- the contract's
        """What the test wants."""
        return self.want

    def discover(self, client: World, *, fresh: bool = False) -> Facts | None:  # noqa: ARG002 -- the contract's
        """The next scripted reading."""
        return client.read()

    def create(self, client: World, want: Facts, token: str) -> dict[str, str]:
        """Keep the call."""
        client.calls.append(("create", want, token))
        return {"id": "early"}

    def update(self, client: World, want: Facts, have: Facts, fields: tuple[str, ...]) -> None:  # noqa: ARG002
        """Keep the call."""
        client.calls.append(("update", fields))

    def delete(self, client: World, have: Facts) -> None:  # noqa: ARG002 -- the contract's
        """Keep the call."""
        client.calls.append(("delete",))

    def outputs(self, have: Facts) -> dict[str, str]:
        """The size."""
        return {"size": str(have.size)}

    def phase(self, have: Facts) -> Phase:
        """As the reading says."""
        return READY if have.state is State.READY else Phase(have.state, f"is {have.state}")

    def blockers(self, client: World, have: Facts) -> Sequence[str]:  # type: ignore[override]  # noqa: ARG002
        """What a test can look for."""
        return ("eni-1",)

    @classmethod
    def survey(cls, client: World, stack: str) -> Iterable[Sighting]:  # noqa: ARG003 -- the contract's
        """None."""
        return ()


@dataclass(frozen=True)
class Forgiving(FakeStep):
    """One whose failed resource is made again."""

    recreate_failed: ClassVar[bool] = True


@dataclass(frozen=True)
class Replaceable(FakeStep):
    """One that is deleted before it is made again; `holders` stand on it."""

    holders: tuple[str, ...] = ()

    @property
    def replacement(self) -> Replacement:
        """Not side by side."""
        return Replacement(Order.DELETE_FIRST, "it is away")

    def blockers(self, client: World, have: Facts) -> tuple[str, ...]:  # noqa: ARG002 -- the contract's
        """As the test says."""
        return self.holders


STEP = FakeStep(name="thing/a", slug="a")
MOVING, LEAVING, FAILED = (Facts(state=state) for state in (State.MOVING, State.LEAVING, State.FAILED))
STRANGE = Facts(owner=Owner("other", "id-9"))


def run_of(time: Time | None = None, **more: Any) -> Run:
    """A run of ours."""
    return Run(US, time or Time(), token=lambda name: f"token of {name}", **more)


def names(world: World) -> list[str]:
    """The calls that were sent."""
    return [call[0] for call in world.calls]


def test_what_is_as_wanted_gets_no_call() -> None:
    world = World(Facts())
    outcome = converge(STEP, world, Outputs(), run_of())
    assert (outcome.status, outcome.outputs, world.calls) == (Status.UNCHANGED, {"size": "1"}, [])


def test_what_is_absent_is_created_once_noted_at_once_and_proven_by_reading() -> None:
    world, noted = World(None, None, MOVING, MOVING, Facts()), list[Any]()
    outcome = converge(STEP, world, Outputs(), run_of(note=lambda name, values: noted.append((name, values))))
    assert outcome.status is Status.CREATED
    assert outcome.change.action is Action.CREATE
    assert world.calls == [("create", Facts(), "token of thing/a")]
    assert noted == [("thing/a", {"id": "early"})]
    assert len(world.readings) == 1, "it was read until it showed what was wanted"


def test_what_is_moving_is_waited_for_before_anything_is_decided() -> None:
    world = World(MOVING, MOVING, Facts())
    assert converge(STEP, world, Outputs(), run_of()).status is Status.UNCHANGED
    assert world.calls == []


def test_what_is_leaving_is_waited_out_and_made_anew() -> None:
    world = World(LEAVING, LEAVING, None, Facts())
    assert converge(STEP, world, Outputs(), run_of()).status is Status.CREATED
    assert names(world) == ["create"]


def test_a_failed_one_is_an_error_unless_its_kind_is_made_again() -> None:
    world = World(FAILED)
    with pytest.raises(errors.ProvisioningError, match="is failed"):
        converge(STEP, world, Outputs(), run_of())
    assert world.calls == []
    world = World(FAILED, FAILED, None, Facts())
    assert converge(Forgiving(name="a", slug="a"), world, Outputs(), run_of()).status is Status.CREATED
    assert names(world) == ["delete", "create"]


def test_a_create_that_ends_in_failure_is_reported_without_waiting_for_the_deadline() -> None:
    time = Time()
    with pytest.raises(errors.ProvisioningError):
        converge(STEP, World(None, MOVING, FAILED), Outputs(), run_of(time))
    assert time.seconds < 30


def test_a_difference_is_updated_and_read_back() -> None:
    world = World(Facts(size=5), Facts(size=5, state=State.MOVING), Facts())
    outcome = converge(STEP, world, Outputs(), run_of())
    assert (outcome.status, outcome.change.names) == (Status.UPDATED, ("size",))
    assert world.calls == [("update", ("size",))]


def test_an_update_may_take_several_calls_one_part_each() -> None:
    world = World(Facts(size=5, colour="blue"), Facts(colour="blue"), Facts())
    assert converge(STEP, world, Outputs(), run_of()).change.names == ("size", "colour")
    assert world.calls == [("update", ("size", "colour")), ("update", ("colour",))]


def test_updates_that_undo_one_another_end_in_an_error_not_in_a_circle() -> None:
    one, other = Facts(size=5), Facts(colour="blue")
    with pytest.raises(errors.ConvergenceError):
        converge(STEP, World(one, *[other, one] * 50), Outputs(), run_of())


def test_what_cannot_change_in_place_is_refused_before_any_call() -> None:
    world = World(Facts(kind="b", size=9))
    with pytest.raises(errors.ReplacementError, match=r"kind \(b -> a\)"):
        converge(STEP, world, Outputs(), run_of())
    assert world.calls == []


def test_what_nothing_stands_on_is_made_again_and_the_dead_one_counted_before_the_new_one_is_asked_for() -> None:
    old, said = Facts(kind="b"), list[str]()
    world = World(old, old, LEAVING, LEAVING, None, None, MOVING, Facts())
    gone = lambda name: world.calls.append(("gone", name))  # noqa: E731 -- one line says it
    step = Replaceable(name="thing/a", slug="a")
    outcome = converge(step, world, Outputs(), run_of(gone=gone, tell=lambda _, what: said.append(what)))
    assert outcome.status is Status.REPLACED
    assert outcome.change.names == ("kind",)
    assert names(world) == ["delete", "gone", "create"]
    assert said[0].startswith("kind (b -> a) cannot change in place")


def test_what_others_stand_on_is_not_made_again_and_they_are_named() -> None:
    world = World(Facts(kind="b"))
    with pytest.raises(errors.ReplacementError, match=r"kind \(b -> a\).* while it holds eni-1, eni-2"):
        converge(Replaceable(name="thing/a", slug="a", holders=("eni-1", "eni-2")), world, Outputs(), run_of())
    assert world.calls == []


def test_a_replacement_that_was_cut_off_goes_on_as_a_create() -> None:
    world = World(LEAVING, None, None, Facts())
    assert converge(Replaceable(name="thing/a", slug="a"), world, Outputs(), run_of()).status is Status.CREATED
    assert names(world) == ["create"]


def test_a_stranger_is_never_replaced() -> None:
    world = World(replace(STRANGE, kind="b"))
    with pytest.raises(errors.OwnershipError):
        converge(Replaceable(name="thing/a", slug="a"), world, Outputs(), run_of())
    assert world.calls == []


def test_a_reading_that_lags_behind_the_write_is_forgiven() -> None:
    stale = [Facts(size=5)] * 8
    assert converge(STEP, World(*stale, Facts()), Outputs(), run_of()).status is Status.UPDATED
    assert converge(STEP, World(None, None, None, *stale, Facts()), Outputs(), run_of()).status is Status.CREATED


def test_a_write_that_never_shows_is_not_believed() -> None:
    time = Time()
    with pytest.raises(errors.ConvergenceError, match="size: wanted 1, read 5"):
        converge(STEP, World(Facts(size=5)), Outputs(), run_of(time))
    assert 60 < time.seconds < 80


@pytest.mark.parametrize("owner", [None, Owner("other", "id-1"), Owner("shop", "id-9")])
@pytest.mark.parametrize("state", list(State))
def test_a_stranger_is_never_touched(owner: Owner | None, state: State) -> None:
    world = World(Facts(size=5, owner=owner, state=state))
    for act in (lambda: converge(STEP, world, Outputs(), run_of()), lambda: remove(STEP, world, run_of())):
        with pytest.raises(errors.OwnershipError, match="left alone"):
            act()
    assert world.calls == []


def test_a_stranger_that_takes_our_place_after_the_create_is_refused() -> None:
    with pytest.raises(errors.OwnershipError):
        converge(STEP, World(None, STRANGE), Outputs(), run_of())


def test_ours_is_the_stack_and_where_both_know_one_the_id() -> None:
    assert is_ours(Owner("shop", "id-1", "x"), US)
    assert is_ours(Owner("shop", ""), US)
    assert is_ours(Owner("shop", "id-7"), Owner("shop", ""))
    assert not is_ours(Owner("shop", "id-2"), US)
    assert not is_ours(None, US)


def test_the_deadline_says_what_holds_it_and_that_running_again_helps() -> None:
    time = Time()
    with pytest.raises(errors.WaitTimeoutError, match=r"is moving; held by eni-1") as late:
        converge(STEP, World(MOVING), Outputs(), run_of(time))
    assert "again" in late.value.hint
    assert 100 < time.seconds <= 115


@pytest.mark.parametrize("speed", [1.0, 60.0])
def test_deadlines_are_real_seconds_at_any_speed(speed: float) -> None:
    time = Time()
    with pytest.raises(errors.WaitTimeoutError):
        remove(STEP, World(LEAVING), run_of(time, speed=speed))
    assert 100 < time.seconds <= 115


def test_a_scaled_world_is_read_as_often_as_a_slow_one() -> None:
    slow, fast = Time(), Time()
    for time, speed in ((slow, 1.0), (fast, 20.0)):
        converge(STEP, World(None, *[MOVING] * 5, Facts()), Outputs(), run_of(time, speed=speed))
    assert fast.seconds * 20 == pytest.approx(slow.seconds, rel=0.6)
    assert fast.seconds < slow.seconds / 5


def test_removal_waits_until_it_is_gone() -> None:
    world = World(Facts(), LEAVING, LEAVING, None)
    assert remove(STEP, world, run_of()).status is Status.DELETED
    assert names(world) == ["delete"]


def test_removing_nothing_is_done_already() -> None:
    world = World(None)
    assert (remove(STEP, world, run_of()).status, world.calls) == (Status.ABSENT, [])


def test_what_is_leaving_already_is_not_deleted_again() -> None:
    world = World(LEAVING, LEAVING, None)
    assert remove(STEP, world, run_of()).status is Status.DELETED
    assert world.calls == []


def test_what_is_moving_comes_to_rest_before_it_is_deleted() -> None:
    world = World(MOVING, MOVING, Facts(), None)
    assert remove(STEP, world, run_of()).status is Status.DELETED
    assert names(world) == ["delete"]


def test_a_failed_one_can_be_removed() -> None:
    world = World(FAILED, None)
    assert remove(STEP, world, run_of()).status is Status.DELETED


def test_a_user_who_stops_is_heard_while_waiting() -> None:
    class Stopped(Time):
        def sleep(self, seconds: float) -> None:  # noqa: ARG002 -- the contract's
            raise errors.InterruptedRunError("stopped")

    world = World(MOVING)
    with pytest.raises(errors.InterruptedRunError):
        converge(STEP, world, Outputs(), run_of(Stopped()))
    assert world.calls == []


def test_waiting_says_what_it_waits_for() -> None:
    heard: list[str] = []
    converge(STEP, World(MOVING, MOVING, Facts()), Outputs(), run_of(tell=lambda _, text: heard.append(text)))
    assert heard == ["is moving"]


def test_outputs_not_known_yet_are_unknown_and_can_be_forgotten() -> None:
    outputs = Outputs({"vpc": {"id": "vpc-1"}})
    assert outputs.get("vpc", "id") == "vpc-1"
    outputs.drop("vpc")
    assert outputs.get("vpc", "id") == outputs.get("subnet", "id") != "vpc-1"
    assert replace(STEP, name="b").revive("b", "c").slug == "c"


@dataclass(frozen=True)
class Nameless(FakeStep):
    """One that AWS does not recognise when it is sent twice."""

    recognised: ClassVar[bool] = False


NAMELESS = Nameless(name="vpc", slug="vpc")


def test_what_has_no_name_is_written_down_before_it_is_sent() -> None:
    world = World(None, Facts())
    before: list[Any] = []
    converge(NAMELESS, world, Outputs(), run_of(intend=lambda name, want: before.append((name, want, names(world)))))
    assert before == [("vpc", Facts(), [])]
    assert names(world) == ["create"]


def test_what_may_have_been_sent_is_looked_for_before_it_is_sent_again() -> None:
    world = World(None, None, None, Facts())
    assert converge(NAMELESS, world, Outputs(), run_of(expected=lambda _: True)).status is Status.UNCHANGED
    assert world.calls == []


def test_what_was_never_made_is_sent_again_once_listings_cannot_lag_any_more() -> None:
    time = Time()

    class Late(World):
        def read(self) -> Facts | None:
            return Facts() if self.calls else None

    world = Late(None)
    assert converge(NAMELESS, world, Outputs(), run_of(time, expected=lambda _: True)).status is Status.CREATED
    assert names(world) == ["create"]
    assert 120 < time.seconds < 140


def test_what_may_never_come_to_rest_is_deleted_while_it_moves() -> None:
    @dataclass(frozen=True)
    class Restless(FakeStep):
        delete_in_motion: ClassVar[bool] = True

    world = World(MOVING, None)
    assert remove(Restless(name="a", slug="a"), world, run_of()).status is Status.DELETED
    assert names(world) == ["delete"]


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


def test_an_update_that_fails_is_told_in_the_worlds_words_and_at_once() -> None:
    clock, step = Time(), Updating(name="a", slug="a", want=Facts(size=2), said="PodEvictionFailure: pod web-1 stays")
    moving = Facts(state=State.MOVING)
    with pytest.raises(errors.ProvisioningError, match="update of size failed: PodEvictionFailure: pod web-1 stays"):
        converge(step, World(Facts(), moving, Facts()), Outputs(), run_of(clock))
    assert sum(clock.slept) < 30


def test_an_update_that_shows_is_not_asked_about() -> None:
    world = World(Facts(), Facts(size=2))
    step = Updating(name="a", slug="a", want=Facts(size=2), said="never read")
    assert converge(step, world, Outputs(), run_of()).status is Status.UPDATED
    assert ("asked", "update-1") not in world.calls
