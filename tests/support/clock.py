"""Virtual time: for one thread, and for many that sleep side by side.

`VirtualClock` moves on by what is slept. `ParallelTime` brings a pool beside its clock, for `Walk`: one step runs at a
time, and time jumps to the earliest wake-up only when every running step sleeps. So a parallel run is repeatable to
the call, and its virtual length is what it would be with all steps side by side.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from typing import Any


class VirtualClock:
    """Time that passes only by sleeping."""

    def __init__(self, start: float = 0.0) -> None:
        self._now = start
        self._lock = threading.Lock()
        self.slept: list[float] = []

    def now(self) -> float:
        """Seconds since the start."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Pass the time at once."""
        with self._lock:
            self.slept.append(seconds)
            self._now += seconds


class ParallelTime:
    """A clock and a pool for `Walk.run(pool, workers)`.

    A step that was submitted begins, and one that ended is settled, by an event in the walk's own queue. When that
    event is heard, the walk has submitted all that the event before it made ready; time cannot run ahead of it.
    """

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self._now = start
        self._lock = threading.Lock()
        self._order = itertools.count()
        self._asleep: list[tuple[float, int, threading.Event]] = []
        self._busy = 0  # submitted and not settled; all asleep means time may pass
        self._walk: Any = None

    def now(self) -> float:
        """Seconds since the start."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Sleep until every other running step sleeps at least as long."""
        wake = threading.Event()
        with self._lock:
            self._lie_down(self._now + seconds, wake)
        wake.wait()

    def submit(self, work: Callable[[], None], /) -> None:
        """Begin a step of a walk in a thread of its own."""
        walk = _walk_behind(work)
        begin = threading.Event()
        with self._lock:
            if walk is not self._walk:
                self._walk, self._busy = walk, 0
            self._busy += 1

        def live() -> None:
            begin.wait()
            try:
                work()
            finally:
                walk.post(self._settle)

        threading.Thread(target=live, daemon=True).start()

        def enrol() -> None:
            with self._lock:
                self._lie_down(self._now, begin)

        walk.post(enrol)

    def _settle(self) -> None:
        with self._lock:
            self._busy -= 1
            self._pass_time()

    def _lie_down(self, until: float, wake: threading.Event) -> None:
        heapq.heappush(self._asleep, (until, next(self._order), wake))
        self._pass_time()

    def _pass_time(self) -> None:
        if self._asleep and len(self._asleep) == self._busy:
            until, _, wake = heapq.heappop(self._asleep)
            self._now = max(self._now, until)
            wake.set()


def _walk_behind(work: Callable[[], None]) -> Any:
    """The walk that submitted `work`, which is a closure over it."""
    return next(cell.cell_contents for cell in work.__closure__ or () if hasattr(cell.cell_contents, "post"))
