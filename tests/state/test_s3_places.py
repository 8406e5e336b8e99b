"""Stacks of one name in several accounts and regions keep their states apart in one bucket."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.memory_s3 import MemoryS3
from support.stores import STATE, URL

from eksprov import errors
from eksprov.state.codec import encode
from eksprov.state.record import State
from eksprov.state.s3_store import S3Store

HERE = ("123456789012", "us-west-2")
PLACES = [HERE, ("123456789012", "us-east-1"), ("210987654321", "us-west-2")]
EARLIER = "stacks/eks/demo.json"  # where versions before kept the state


@pytest.fixture
def s3() -> MemoryS3:
    return MemoryS3()


def store(s3: MemoryS3, place: tuple[str, str], stack: str = "demo") -> S3Store:
    client: Any = lambda: s3  # noqa: E731 -- plays the client
    return S3Store(client, URL, stack, lambda: place)


def of(place: tuple[str, str], stack: str = "demo") -> State:
    return replace(STATE, stack=stack, account=place[0], region=place[1], stack_id=f"{'-'.join(place)}-{stack}")


def kept(s3: MemoryS3, state: State) -> None:
    place = (state.account, state.region)
    mine = store(s3, place, state.stack)
    with mine.lock("provision"):
        assert mine.load() is None
        mine.save(state)


def test_each_place_and_name_has_a_state_and_a_lock_of_its_own(s3: MemoryS3) -> None:
    """Law, over accounts, regions and neighbouring names: saving, locking and forgetting touch one state alone."""
    states = [of(place, stack) for place in PLACES for stack in ("demo", "demo-prod", "dem")]
    for state in states:
        kept(s3, state)
    before = dict(s3.objects)
    for state in states:
        mine = store(s3, (state.account, state.region), state.stack)
        assert mine.load() == state
        with mine.lock("teardown"):
            for other in states:
                held = store(s3, (other.account, other.region), other.stack).holder()
                assert (held is not None) == (other is state)
            mine.forget()
        gone = {key for key in before if key not in s3.objects}
        assert gone == {f"stacks/eks/{state.account}/{state.region}/{state.stack}.json"}
        s3.objects.update(before)


def test_a_state_of_the_version_before_stays_where_it_is(s3: MemoryS3) -> None:
    s3.objects[EARLIER] = encode(of(HERE))
    mine = store(s3, HERE)
    assert mine.where() == f"s3://team/{EARLIER}"
    with mine.lock("provision"):
        found = mine.load()
        assert found == of(HERE)
        assert "stacks/eks/demo.lock" in s3.objects, "a process of the version before would see the lock"
        mine.save(replace(of(HERE), choices={"a": "b"}))
        mine.forget()
    assert store(s3, HERE).where() == "s3://team/stacks/eks/123456789012/us-west-2/demo.json"


@pytest.mark.parametrize("place", PLACES[1:])
def test_a_state_of_the_version_before_is_no_other_places(s3: MemoryS3, place: tuple[str, str]) -> None:
    s3.objects[EARLIER] = encode(of(HERE))
    kept(s3, of(place))
    assert s3.objects[EARLIER] == encode(of(HERE))
    assert store(s3, HERE).load() == of(HERE)
    assert store(s3, place).load() == of(place)


def test_a_damaged_state_of_the_version_before_is_not_passed_over(s3: MemoryS3) -> None:
    s3.objects[EARLIER] = b"{"
    with pytest.raises(errors.StateError, match=r"s3://team/stacks/eks/demo\.json"):
        store(s3, HERE).load()


def test_a_run_that_waited_while_the_state_before_was_deleted_does_not_go_on_under_its_lock(s3: MemoryS3) -> None:
    s3.objects[EARLIER] = encode(of(HERE))
    late = store(s3, HERE)
    assert late.load() is not None
    first = store(s3, HERE)
    with first.lock("teardown"):
        first.load()
        first.forget()
    with pytest.raises(errors.StateError, match="has been deleted by another run"), late.lock("provision"):
        pass
    assert late.holder() is None
