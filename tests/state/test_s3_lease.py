"""The lease: renewed while its holder lives, never taken silently, and noticed when it is lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from support.memory_s3 import MemoryS3
from support.stores import BEGINNING, BELOW, STATE, Shop, s3_shop

from eksprov import errors
from eksprov.state.journal import Intent
from eksprov.state.s3_store import S3Store

LOCK = "demo.lock"
INTENT = Intent("vpc", "create", 1, "t", "f")


@pytest.fixture
def s3() -> MemoryS3:
    return MemoryS3()


@pytest.fixture
def shop(s3: MemoryS3) -> Shop:
    return s3_shop(s3, lambda: dict(s3.objects))


def lock_body(shop: Shop) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(shop.raw()[LOCK])
    return body


def left_behind(shop: Shop, pid: int = 1, host: str = "laptop") -> None:
    """A process took the lock and was killed: nothing of it runs any more."""
    shop.take_for_good(shop.process(pid, host))
    shop.machines.dead.add(pid)


def test_the_lock_says_who_what_where_and_until_when(shop: Shop) -> None:
    with shop.process(7, "build-4").lock("provision"):
        body = lock_body(shop)
    nonce = body.pop("nonce")
    assert len(nonce) == 16
    assert body == {
        "command": "provision",
        "user": "ana",
        "host": "build-4",
        "pid": 7,
        "since": "2027-01-15T08:00:00Z",
        "lease_s": 60.0,
        "expires_at": "2027-01-15T08:01:00Z",
    }
    assert LOCK not in shop.raw()


@pytest.mark.parametrize(
    ("host", "dead", "waited", "taken"),
    [
        ("laptop", True, 61, True),  # over, and known to be dead: the only case in which it is taken
        ("laptop", True, 59, False),
        ("laptop", False, 61, False),
        ("elsewhere", True, 61, False),
        ("elsewhere", True, 86_400, False),
    ],
)
def test_a_lock_is_taken_over_only_from_a_process_of_this_host_that_has_ended(
    shop: Shop, host: str, dead: bool, waited: float, taken: bool
) -> None:
    left_behind(shop, 1, host)
    if not dead:
        shop.machines.dead.clear()
    shop.clock.time[0] += waited
    said: list[str] = []
    other = shop.process(2, "laptop", say=said.append)
    if taken:
        with other.lock("provision"):
            assert lock_body(shop)["pid"] == 2
        assert "took over the lock of `eksprov provision` (pid 1" in said[0]
        return
    with pytest.raises(
        errors.StateError, match=rf"`eksprov provision` \(pid 1 on {host}, ana, since 2027-01-15T08"
    ) as e:
        other.lock("provision").__enter__()
    assert "lease until 2027-01-15T08:01:00Z" in e.value.message
    assert "`eksprov state unlock`" in e.value.hint
    assert lock_body(shop)["pid"] == 1


@pytest.mark.parametrize("skew", [-300.0, 300.0])
@pytest.mark.parametrize("host", ["laptop", "elsewhere"])
def test_a_clock_that_is_wrong_by_five_minutes_takes_no_lock_from_the_living(
    shop: Shop, skew: float, host: str
) -> None:
    with shop.process(1, "laptop").lock("provision"):
        other = shop.process(2, host, skew)
        for _ in range(10):
            shop.clock.time[0] += 30
            with pytest.raises(errors.StateError, match="being worked on by"):
                other.lock("provision").__enter__()
    with other.lock("provision"):
        pass


def test_two_that_find_the_same_dead_holder_do_not_both_take_its_lock(shop: Shop, s3: MemoryS3) -> None:
    left_behind(shop)
    shop.clock.time[0] += 61
    second, third = shop.process(2), shop.process(3)

    def between(operation: str, key: str, when: str) -> None:
        if (operation, when) == ("get_object", "after") and key.endswith(LOCK):  # the second has seen the dead holder
            s3.hook = lambda *_: None
            shop.take_for_good(third)

    s3.hook = between
    with pytest.raises(errors.StateError, match="pid 3"):
        second.lock("provision").__enter__()


def test_a_person_may_free_a_lock_but_not_that_of_a_running_process_of_this_machine(shop: Shop) -> None:
    left_behind(shop, 1)
    other = shop.process(2)
    holder = other.holder()
    assert holder is not None
    shop.machines.dead.clear()
    with pytest.raises(errors.StateError, match="which is running"):
        other.unlock(holder)
    shop.machines.dead.add(1)
    other.unlock(holder)
    other.unlock(holder)
    with shop.process(3).lock("provision"), pytest.raises(errors.StateError, match=r"another's by now: .*pid 3"):
        other.unlock(holder)


def test_a_run_whose_lock_was_freed_writes_nothing_more(shop: Shop) -> None:
    first, second = shop.process(1, "laptop"), shop.process(2, "desktop")
    with first.lock("provision"):
        first.save(STATE)
        holder = second.holder()
        assert holder is not None
        second.unlock(holder)
        with second.lock("teardown"):
            shop.clock.time[0] += 61
            assert first.lost()
            now = "is held by `eksprov teardown`"
            writes: tuple[Callable[[], None], ...] = (
                lambda: first.save(STATE.with_choices({"a": "b"})),
                first.forget,
                lambda: first.journal().intend(INTENT),
                lambda: first.journal().landed("vpc", {}),
            )
            for write in writes:
                with pytest.raises(errors.StateError, match=now):
                    write()
            assert second.load() == STATE
            assert not second.lost()
    assert shop.process(3).holder() is None


def test_a_run_that_lost_its_lock_leaves_the_others_in_place(shop: Shop) -> None:
    first, second = shop.process(1, "laptop"), shop.process(2, "desktop")
    with first.lock("provision"):
        holder = second.holder()
        assert holder is not None
        second.unlock(holder)
        shop.take_for_good(second)
    assert lock_body(shop)["pid"] == 2


def test_a_machine_that_slept_past_its_lease_renews_before_it_goes_on(shop: Shop) -> None:
    store = shop.process(1)
    with store.lock("provision"):
        shop.clock.time[0] += 3600
        store.save(STATE)
        assert not store.lost()
        assert lock_body(shop)["expires_at"] == "2027-01-15T09:01:00Z"


def test_a_lease_that_cannot_be_renewed_stops_new_steps_until_it_can(shop: Shop, s3: MemoryS3) -> None:
    store = shop.process(1)
    with store.lock("provision"):
        shop.clock.time[0] += 61
        s3.refuse["put_object"] = ["AccessDenied"] * 2
        assert store.lost()
        with pytest.raises(errors.StateError, match="could not be kept"):
            store.save(STATE)
        assert not store.lost()
        store.save(STATE)


@pytest.mark.parametrize("code", ["PreconditionFailed", "ConditionalRequestConflict"])
def test_taking_and_renewing_survive_lost_answers(shop: Shop, s3: MemoryS3, code: str) -> None:
    """The write was carried out, sent again by botocore, and refused."""

    def lost(operation: str, key: str, when: str) -> None:
        if (operation, when) == ("put_object", "after") and key.endswith(LOCK):
            s3.hook = lambda *_: None
            s3.refuse["put_object"] = [code]
            s3.put_object(Bucket="team", Key=key, Body=b"")

    store = shop.process(1)
    s3.hook = lost
    with store.lock("provision"):
        assert lock_body(shop)["pid"] == 1
        shop.clock.time[0] += 61
        s3.hook = lost
        store.save(STATE)
        assert not store.lost()
    assert LOCK not in shop.raw()


def test_a_lock_that_cannot_be_given_back_is_said(shop: Shop, s3: MemoryS3) -> None:
    said: list[str] = []
    with shop.process(1, say=said.append).lock("provision"):
        s3.refuse["get_object"] = ["AccessDenied"]
    assert said[0].startswith(f"the lock was not given back (could not read s3://team/{BELOW}demo.lock")


def test_a_damaged_lock_is_one_error_and_not_a_free_one(shop: Shop) -> None:
    shop.write(LOCK, b"{}")
    with pytest.raises(
        errors.StateError, match=r"the lock s3://team/stacks/eks/123456789012/us-west-2/demo\.lock cannot be read"
    ) as caught:
        shop.process(1).lock("provision").__enter__()
    assert "delete the object" in caught.value.hint


class TickClock:
    """Time that goes on when a test says so, and wakes who waits for it."""

    def __init__(self) -> None:
        self.now, self._changed = BEGINNING, threading.Condition()
        self._waiting = 0

    def utc(self) -> float:
        return self.now

    def wait(self, over: threading.Event, seconds: float) -> bool:
        until = self.now + seconds
        with self._changed:
            self._waiting += 1
            self._changed.notify_all()
            while not over.is_set() and self.now < until:
                self._changed.wait(0.01)  # `over` is set without a word
            self._waiting -= 1
        return over.is_set()

    def tick(self, seconds: float) -> None:
        """Go on, and come back when the renewing thread waits again, or has ended."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._waiting, 10)
            self.now += seconds
            self._changed.notify_all()

    def asleep(self) -> bool:
        """Whether the thread waits for time that has not come."""
        with self._changed:
            return bool(self._waiting)


def renewer() -> threading.Thread:
    (thread,) = (thread for thread in threading.enumerate() if thread.name == "lease")
    return thread


def test_the_holder_renews_every_third_of_the_lease_and_hears_when_it_is_lost(shop: Shop, s3: MemoryS3) -> None:
    clock, heard = TickClock(), threading.Event()
    said: list[str] = []
    renewed = threading.Semaphore(0)

    def hook(operation: str, key: str, when: str) -> None:
        if (operation, when) == ("put_object", "after") and key.endswith(LOCK):
            renewed.release()

    s3.hook = hook
    store = shop.process(1, clock=clock, say=said.append, lost=heard.set)
    with store.lock("provision"):
        assert renewed.acquire(timeout=10)
        thread = renewer()
        for minute in range(1, 10):
            clock.tick(20)
            assert renewed.acquire(timeout=10)
            assert lock_body(shop)["expires_at"] > f"2027-01-15T08:0{minute // 3}"
        assert not store.lost()
        del s3.objects[f"{BELOW}{LOCK}"]
        clock.tick(20)
        assert heard.wait(10)
        thread.join(10)
        assert not thread.is_alive()
        assert store.lost()
    assert said == ["the lock was taken from this run; nothing new begins"]


def test_no_renewing_thread_outlives_its_lock(shop: Shop) -> None:
    store = shop.process(1, clock=TickClock())
    assert isinstance(store, S3Store)
    with store.lock("provision"):
        thread = renewer()
    assert not thread.is_alive()
