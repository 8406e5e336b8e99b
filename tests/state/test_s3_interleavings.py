"""Processes that meet at every call of a store: 200 schedules from a seed, and the same seed gives the same one.

Each process runs in a thread of its own and gives up its turn before every call to S3; whose turn is next, how much
time passes, who dies and who is wrongly pronounced dead all come from the seed.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import boto3
import pytest
from moto import mock_aws
from support.memory_s3 import MemoryS3
from support.stores import Shop, s3_shop

from eksprov import errors
from eksprov.state.record import State
from eksprov.state.store import LockedStore

SEEDS = range(200)


class Killed(BaseException):
    """The process is no more."""


class Turns:
    """One thread runs at a time; the seed says which."""

    def __init__(self, seed: int, passing: Callable[[float], None]) -> None:
        self.chance, self._passing = random.Random(seed), passing
        self._ready: dict[str, threading.Event] = {}
        self._change = threading.Condition()
        self._running: set[str] = set()
        self.killed: set[str] = set()
        self.order: list[str] = []

    def begin(self, name: str, body: Callable[[], None]) -> threading.Thread:
        """A process; it does nothing before its first turn."""

        def live() -> None:
            try:
                self.abandon()
                body()
            except Killed:
                pass
            finally:
                with self._change:
                    self._running.discard(name)
                    self._change.notify_all()

        self._running.add(name)
        thread = threading.Thread(target=live, name=name, daemon=True)
        thread.start()
        return thread

    def abandon(self) -> None:
        """Called by a process before every call to the store: wait for the turn. Raises: Killed."""
        name = threading.current_thread().name
        if name not in self._running:
            return
        turn = threading.Event()
        with self._change:
            if name in self.killed:
                raise Killed
            self._ready[name] = turn
            self._change.notify_all()
        assert turn.wait(30)
        if name in self.killed:
            raise Killed

    def play(self) -> None:
        """Give turns until every process has ended."""
        while True:
            with self._change:
                assert self._change.wait_for(lambda: self._ready.keys() >= self._running, 30)
                if not self._running:
                    return
                name = self.chance.choice(sorted(self._running))
                self.order.append(name)
                turn = self._ready.pop(name)
            self._passing(self.chance.choice((0, 0, 1, 5, 25)))
            turn.set()

    def kill(self, name: str) -> None:
        """From its next call on it does nothing more, not even clean up."""
        self.killed.add(name)


@dataclass
class Story:
    """What the processes of one schedule did."""

    inside: set[str] = field(default_factory=set)
    together: list[frozenset[str]] = field(default_factory=list)
    saved: list[str] = field(default_factory=list)
    refused: int = 0

    def work(self, name: str, store: LockedStore) -> None:
        """Two runs: lock, load, save twice, release."""
        for run in range(2):
            try:
                with store.lock("provision"):
                    self._run(f"{name}.{run}", name, store)
            except errors.StateError:
                self.refused += 1
            finally:
                self.inside.discard(name)

    def _run(self, run: str, name: str, store: LockedStore) -> None:
        self.inside.add(name)
        if len(self.inside) > 1:
            self.together.append(frozenset(self.inside))
        state = store.load() or State(stack="demo")
        for number in range(2):
            state = state.with_choices({f"{run}.{number}": "saved"})
            store.save(state)
            self.saved.append(f"{run}.{number}")
        self.inside.discard(name)  # what follows is giving the lock back


def play(
    seed: int, shop: Shop, hook: Callable[[Callable[[], None]], None], *, wrong_human: bool
) -> tuple[Turns, Story]:
    """One schedule: two or three processes, one of which may be killed; or a person frees a lock in use."""

    def passing(seconds: float) -> None:
        shop.clock.time[0] += seconds

    turns, story = Turns(seed, passing), Story()
    hosts = turns.chance.choice((("laptop", "laptop"), ("laptop", "desktop"), ("laptop", "laptop", "desktop")))
    victim = turns.chance.choice((None, "p0")) if not wrong_human else None
    last_call = turns.chance.randrange(1, 25)

    def before_a_call() -> None:
        turns.abandon()
        if victim == threading.current_thread().name and turns.order.count(victim) >= last_call:
            turns.kill(victim)
            shop.machines.dead.add(100)
            story.inside.discard(victim)
            raise Killed

    hook(before_a_call)
    threads = []
    for number, host in enumerate(hosts):
        skew = turns.chance.choice((-300.0, 0.0, 300.0)) if host != "laptop" else 0.0
        store, name = shop.process(100 + number, host, skew), f"p{number}"
        threads.append(turns.begin(name, partial(story.work, name, store)))
    if wrong_human:
        threads.append(turns.begin("human", lambda: free_whatever_is_held(shop.process(7, "far"), story)))
    turns.play()
    for thread in threads:
        thread.join(10)
    hook(lambda: None)
    return turns, story


def free_whatever_is_held(store: LockedStore, story: Story) -> None:
    """A person who is wrong, three times."""
    for _ in range(3):
        holder = store.holder()
        if holder is not None:
            try:
                store.unlock(holder)
            except errors.StateError:
                story.refused += 1


def all_is_well(shop: Shop, story: Story, *, alone: bool) -> None:
    """Nothing that was saved is lost; nobody shared the stack; and the stack can be worked on afterwards."""
    if alone:
        assert story.together == []
    shop.machines.dead.update(range(100, 110))
    shop.clock.time[0] += 1000
    last = shop.process(200, "laptop")
    holder = last.holder()
    if holder is not None and holder.host != "laptop":
        last.unlock(holder)
    with last.lock("provision"):
        state = last.load()
    assert set(story.saved) <= set(state.choices if state else ())


def in_memory(seed: int, *, wrong_human: bool) -> tuple[Turns, Story, Shop]:
    s3 = MemoryS3()

    def hook(before: Callable[[], None]) -> None:
        s3.hook = lambda _operation, _key, when: before() if when == "before" else None

    shop = s3_shop(s3, lambda: dict(s3.objects))
    turns, story = play(seed, shop, hook, wrong_human=wrong_human)
    return turns, story, shop


def test_two_hundred_schedules_have_no_two_writers_and_lose_nothing() -> None:
    """Law R10; the schedules must also have had something to meet: refusals, deaths, and work done."""
    refused = saved = killed = 0
    for seed in SEEDS:
        turns, story, shop = in_memory(seed, wrong_human=False)
        try:
            all_is_well(shop, story, alone=True)
        except BaseException as error:
            error.add_note(f"seed {seed}: {' '.join(turns.order)}")
            raise
        refused, saved, killed = refused + story.refused, saved + len(story.saved), killed + len(turns.killed)
    assert refused > 100
    assert saved > 400
    assert killed > 40


def test_a_lock_freed_by_mistake_costs_a_run_but_no_saved_state() -> None:
    """Law, over 100 schedules: the conditions on the state hold where the lock was broken by a person."""
    met = 0
    for seed in range(1000, 1100):
        turns, story, shop = in_memory(seed, wrong_human=True)
        try:
            all_is_well(shop, story, alone=False)
        except BaseException as error:
            error.add_note(f"seed {seed}: {' '.join(turns.order)}")
            raise
        met += bool(story.together)
    assert met > 10


def test_the_same_seed_is_the_same_schedule() -> None:
    orders = [in_memory(7, wrong_human=False)[0].order for _ in range(2)]
    assert orders[0] == orders[1]
    assert len(orders[0]) > 20


@pytest.mark.parametrize("seed", range(4))
def test_schedules_against_motos_s3_which_keeps_conditions_by_itself(seed: int) -> None:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="team")
        now: list[Callable[[], None]] = [lambda: None]

        def before_call(**_: Any) -> None:
            now[0]()

        client.meta.events.register("before-call.s3.*", before_call)

        def hook(before: Callable[[], None]) -> None:
            now[0] = before

        shop = s3_shop(client, dict)
        _, story = play(seed, shop, hook, wrong_human=bool(seed % 2))
        all_is_well(shop, story, alone=not seed % 2)
        assert story.saved
