"""One baton for all threads: who holds it runs, and the seed decides who gets it next.

Threads give the baton away where the world could interrupt them: before and after a call, in a sleep, while waiting for
one another. When all sleep, time jumps to the earliest wake-up. A killed process is a group of threads that never gets
the baton again: nothing of it is unwound, just as after `kill -9`.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NoReturn


class DeadlockError(RuntimeError):
    """Every thread waits for another."""


@dataclass(eq=False)
class Task:
    """One thread; `wake` is the time it sleeps until, `waits_for` the channel or lock it is blocked on."""

    name: str
    group: int
    turn: threading.Lock = field(default_factory=threading.Lock)
    ready: bool = True
    wake: float | None = None
    error: BaseException | None = None
    held: list[SimLock] = field(default_factory=list)


class Scheduler:
    """The baton. The thread that makes it is the driver; it runs only while it does not wait."""

    def __init__(self, seed: object, start: float) -> None:
        self.random = random.Random(str(seed))
        self._now = start
        self._driver = self._current = Task("driver", 0)
        self._driver.turn.acquire()
        self._tasks: list[Task] = []
        self._until: Callable[[], bool] = lambda: True
        self._groups = 0
        self._threads: dict[int, Task] = {threading.get_ident(): self._driver}
        self.deadlocked = False

    def now(self) -> float:
        """Seconds of virtual time."""
        return self._now

    @property
    def current(self) -> Task:
        """Who holds the baton."""
        return self._current

    def is_known(self) -> bool:
        """Whether the calling thread is one of ours (libraries may start threads that are not)."""
        return threading.get_ident() in self._threads

    def group(self) -> int:
        """A number for a new process."""
        self._groups += 1
        return self._groups

    def spawn(self, group: int, work: Callable[[], None], name: str) -> Task:
        """A new thread of a process; it begins when it first gets the baton."""
        task = Task(name, group)
        task.turn.acquire()

        def live() -> None:
            self._threads[threading.get_ident()] = task
            task.turn.acquire()
            try:
                work()
            except BaseException as error:
                task.error = error
            del self._threads[threading.get_ident()]  # libraries' threads may get the number next
            self._tasks.remove(task)
            self._pass_on()

        threading.Thread(target=live, name=name, daemon=True).start()
        self._tasks.append(task)
        return task

    def run(self, done: Callable[[], bool]) -> None:
        """The driver waits until `done`. Raises: DeadlockError when nobody can go on before that."""
        self._until = done
        self._switch(self._driver)
        if self.deadlocked:
            raise DeadlockError(", ".join(f"{task.group}/{task.name}" for task in self._tasks))

    def alive(self, group: int) -> bool:
        """Whether a process has threads left."""
        return any(task.group == group for task in self._tasks)

    def pause(self) -> None:
        """A moment at which another thread may go on."""
        self._switch(self._current)

    def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        task = self._current
        task.wake, task.ready = self._now + max(0.0, seconds), False
        self._switch(task)

    def kill(self, group: int) -> None:
        """End a process where it stands; the calling thread, if it is one of it, never returns from `halt`."""
        for task in [task for task in self._tasks if task.group == group]:
            self._tasks.remove(task)
            for lock in task.held:
                lock.owner = None

    def halt(self) -> NoReturn:
        """The calling thread's process has been killed: give the baton away for ever."""
        self._pass_on()
        never = threading.Lock()
        never.acquire()
        never.acquire()
        raise AssertionError("a killed thread went on")

    def channel(self) -> SimChannel:
        """A queue whose `get` gives the baton away."""
        return SimChannel(self)

    def lock(self) -> SimLock:
        """A lock that may be held over a call."""
        return SimLock(self)

    def block(self) -> None:
        """Wait to be made ready by somebody else."""
        self._current.ready = False
        self._switch(self._current)

    def together(self, act: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        """`act` of every item side by side, results in order; the first error is raised once all have ended."""
        group, channel, results = self._current.group, self.channel(), dict[int, Any]()
        failed: dict[int, BaseException] = {}

        def one(index: int, item: Any) -> None:
            try:
                results[index] = act(item)
            except BaseException as error:
                failed[index] = error
            channel.put(index)

        wanted = list(items)
        for index, item in enumerate(wanted):
            self.spawn(group, partial(one, index, item), f"reader-{index}")
        for _ in wanted:
            channel.get()
        if failed:
            raise failed[min(failed)]
        return [results[index] for index in range(len(wanted))]

    def _switch(self, me: Task) -> None:
        following = self._next()
        if following is me:
            self._current = me
            return
        self._current = following
        following.turn.release()
        me.turn.acquire()

    def _pass_on(self) -> None:
        self._current = following = self._next()
        following.turn.release()

    def _next(self) -> Task:
        if self._until():
            self._until = lambda: False
            return self._driver
        while True:
            ready = [task for task in self._tasks if task.ready]
            if ready:
                return ready[self.random.randrange(len(ready))] if len(ready) > 1 else ready[0]
            asleep = [task for task in self._tasks if task.wake is not None]
            if not asleep:
                self.deadlocked = True
                return self._driver
            self._now = max(self._now, min(task.wake for task in asleep if task.wake is not None))
            for task in asleep:
                if task.wake is not None and task.wake <= self._now:
                    task.wake, task.ready = None, True


class SimChannel:
    """What queue.SimpleQueue is, under the scheduler."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._items: deque[Any] = deque()
        self._waiting: list[Task] = []

    def put(self, item: Any) -> None:
        """Never waits."""
        self._items.append(item)
        for task in self._waiting:
            task.ready = True
        self._waiting.clear()

    def get(self) -> Any:
        """Waits for an item."""
        while not self._items:
            self._waiting.append(self._scheduler.current)
            self._scheduler.block()
        return self._items.popleft()

    def empty(self) -> bool:
        """Whether `get` would wait."""
        return not self._items


class SimLock:
    """What threading.Lock is as a context manager, under the scheduler."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self.owner: Task | None = None

    def __enter__(self) -> bool:
        while self.owner is not None:
            self._scheduler.sleep(0.01)
        self.owner = self._scheduler.current
        self.owner.held.append(self)
        return True

    def __exit__(self, *_: object) -> None:
        assert self.owner is not None
        self.owner.held.remove(self)
        self.owner = None
