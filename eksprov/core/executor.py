"""Walks a graph of named steps: what is ready runs in parallel, the critical path first.

A step that fails takes only its dependents with it, each skipped with the reason; other branches go on. Nothing is
retried here: running the command again is the retry. The caller's thread alone hears of outcomes, in the order they
happen, so records have one writer. Workers come by the constructor, so a simulator can bring its own.
"""

from __future__ import annotations

import heapq
import queue
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any, Protocol, TypeVar

from eksprov import errors
from eksprov.core.convergence.converge import failure
from eksprov.core.outcome import Outcome, Status

A = TypeVar("A")
B = TypeVar("B")
WORKERS = 16


@dataclass(frozen=True)
class Node:
    """One step in the walk."""

    name: str
    needs: tuple[str, ...]  # names of the steps that it waits for
    expected_s: float  # how long it is expected to take, in seconds of the clock


class Pool(Protocol):
    """What runs a function beside the caller; ThreadPoolExecutor is one."""

    def submit(self, work: Callable[[], None], /) -> object: ...


class Channel(Protocol):
    """How workers tell the caller's thread something; `get` waits for it. queue.SimpleQueue is one."""

    def put(self, item: Any, /) -> None: ...

    def get(self) -> Any: ...

    def empty(self) -> bool: ...


class Together(Protocol):
    """`act` of every item, as many at once as it likes, in the items' order."""

    def __call__(self, act: Callable[[A], B], items: Iterable[A], /) -> list[B]: ...


def critical_paths(nodes: Iterable[Node]) -> dict[str, float]:
    """For each step the expected seconds from its start to the end of the longest chain behind it."""
    graph = {node.name: node for node in nodes}
    dependents: dict[str, list[str]] = {name: [] for name in graph}
    for node in graph.values():
        for need in node.needs:
            dependents[need].append(node.name)
    length: dict[str, float] = {}
    for name in reversed(order(graph.values())):
        length[name] = graph[name].expected_s + max((length[d] for d in dependents[name]), default=0.0)
    return length


def order(nodes: Iterable[Node]) -> list[str]:
    """The names so that each comes after what it needs.

    Raises: ValueError naming the loop, when there is one; it is a defect of the catalog, not of the user.
    """
    try:
        return list(TopologicalSorter({node.name: node.needs for node in nodes}).static_order())
    except CycleError as error:
        raise ValueError(f"steps need one another in a circle: {' -> '.join(error.args[1])}") from error


class Walk:
    """One walk over a graph.

    `act(name)` does a step and returns its outcome, or raises an EksprovError; `heard(outcome)` is called on the
    caller's thread. `stopped()` true means: start nothing new. `events` is how workers report.
    """

    def __init__(
        self,
        nodes: Iterable[Node],
        act: Callable[[str], Outcome],
        heard: Callable[[Outcome], None],
        stopped: Callable[[], bool] = lambda: False,
        events: Channel | None = None,
    ) -> None:
        self._nodes = {node.name: node for node in nodes}
        known = self._nodes.keys()
        self._waiting = {n.name: {need for need in n.needs if need in known} for n in self._nodes.values()}
        trimmed = [Node(n.name, tuple(self._waiting[n.name]), n.expected_s) for n in self._nodes.values()]
        self._path_s = critical_paths(trimmed)
        self._behind: dict[str, list[str]] = {name: [] for name in known}
        for node in trimmed:
            for need in node.needs:
                self._behind[need].append(node.name)
        self._ready = [(-self._path_s[name], name) for name, needs in self._waiting.items() if not needs]
        heapq.heapify(self._ready)
        self._act, self._heard, self._stopped = act, heard, stopped
        self._events: Channel = events if events is not None else queue.SimpleQueue()
        self._outcomes: dict[str, Outcome] = {}
        self._running: set[str] = set()
        self._bug: BaseException | None = None

    def post(self, event: Callable[[], None]) -> None:
        """Have `event` called on the caller's thread, between outcomes (early records come this way)."""
        self._events.put(event)

    def run(self, pool: Pool | None = None, workers: int = WORKERS) -> Mapping[str, Outcome]:
        """Walk to the end and return every step's outcome. An unexpected exception is raised after the walk."""
        if pool is not None:
            return self._loop(pool, workers)
        with ThreadPoolExecutor(workers, thread_name_prefix="step") as threads:
            return self._loop(threads, workers)

    def _loop(self, pool: Pool, workers: int) -> Mapping[str, Outcome]:
        while True:
            self._start_ready(pool, workers)
            if not self._running:
                break
            self._events.get()()
        while not self._events.empty():
            self._events.get()()
        for name in sorted(self._waiting.keys() - self._outcomes.keys()):
            self._conclude(Outcome(name, Status.SKIPPED, message="stopped before it began"))
        if self._bug is not None:
            raise self._bug
        return self._outcomes

    def _start_ready(self, pool: Pool, workers: int) -> None:
        if self._stopped() or self._bug is not None:
            return
        while self._ready and len(self._running) < workers:
            _, name = heapq.heappop(self._ready)
            self._running.add(name)
            pool.submit(lambda name=name: self._work(name))  # type: ignore[misc]  # mypy cannot infer a lambda's default

    def _work(self, name: str) -> None:
        try:
            outcome = self._act(name)
        except errors.EksprovError as error:
            outcome = failure(name, error)
        except BaseException as bug:
            self._bug = bug
            outcome = Outcome(name, Status.FAILED, message=f"unexpected {type(bug).__name__}")
        self._events.put(lambda: self._finish(outcome))

    def _finish(self, outcome: Outcome) -> None:
        self._running.discard(outcome.name)
        self._conclude(outcome)

    def _conclude(self, outcome: Outcome) -> None:
        """Record an outcome and release, or skip, what waited for it; a chain may be longer than Python's stack."""
        ended = deque([outcome])
        while ended:
            one = ended.popleft()
            if one.name in self._outcomes:
                continue
            self._outcomes[one.name] = one
            self._heard(one)
            for name in self._behind[one.name]:
                if not one.good:
                    ended.append(Outcome(name, Status.SKIPPED, message=_because(one)))
                    continue
                self._waiting[name].discard(one.name)
                if not self._waiting[name] and name not in self._outcomes:
                    heapq.heappush(self._ready, (-self._path_s[name], name))


def _because(outcome: Outcome) -> str:
    if outcome.status is Status.SKIPPED:
        return outcome.message
    return f"needs {outcome.name}, which {'was interrupted' if outcome.status is Status.INTERRUPTED else 'failed'}"


class StopFlag:
    """Set once when the user asks to stop; waits end at once, nothing new begins.

    A signal handler sets it, so nothing is locked here: `threading.Event.set` takes a lock that the very thread it
    interrupts may hold, and would wait for ever. Putting something into this queue never waits for anybody
    (https://docs.python.org/3/library/queue.html#queue.SimpleQueue.put).
    """

    def __init__(self) -> None:
        self._asked = False
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()

    def set(self) -> None:
        self._asked = True
        self._wake.put(None)

    def is_set(self) -> bool:
        """Whether stopping was asked for."""
        return self._asked

    def wait(self, seconds: float) -> bool:
        """Sleep up to `seconds`; true when stopping was asked for."""
        if not self._asked:
            try:
                self._wake.get(timeout=max(0.0, seconds))
            except queue.Empty:
                return self._asked
            self._wake.put(None)  # for the next one that waits
        return True
