"""What a run shows while it works: a line a finished step, and a sign of life while there is none.

`Display` keeps the picture of the run (`picture`) and writes plain lines; on a terminal `live.LiveDisplay` draws the
same picture in place. Steps report from any thread, and a signal handler from the midst of anything; so a report only
goes into a queue, and one thread alone changes the picture and writes. Nothing is locked here: whoever reports never
waits for the terminal, and whoever draws never waits for the run. Time comes by the constructor, so a test can tick by
hand.
"""

from __future__ import annotations

import contextlib
import queue
import signal
import threading
import time
from collections.abc import Callable, Collection, Sequence
from types import TracebackType

from eksprov.cli.display.picture import Picture
from eksprov.cli.interrupts import SIGNALS
from eksprov.cli.render.text import outcome_text
from eksprov.core.executor import Node
from eksprov.core.outcome import Outcome, Status

PATIENCE_S = 1.0  # what takes no longer is not announced
FIRST_QUIET_S = 2.0  # after so long without news comes a sign of life, the next ones after twice as long each
QUIET_S = 8.0  # but no later than this
TICK_S = 0.25
COUNTED = (Status.UNCHANGED, Status.ABSENT)  # nothing came of these: they are counted at the end, and told with -v

Event = Callable[[], None]


class Display:
    """Plain lines. Every method may be called from any thread or signal handler, and returns at once."""

    tick_s = TICK_S

    def __init__(
        self,
        write: Callable[[str], None],
        now: Callable[[], float] = time.monotonic,
        *,
        every: bool = False,
        columns: Callable[[], int] = lambda: 0,
    ) -> None:
        self._write, self._now, self._every, self._columns = write, now, every, columns
        self._picture = Picture(now())
        self._last, self._quiet_s = now(), FIRST_QUIET_S
        # Putting something in is safe even in a handler that interrupts a put of the same thread
        # (https://docs.python.org/3/library/queue.html#queue.SimpleQueue.put).
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._over = self._draining = self._deaf = False
        self._bug: Exception | None = None

    def __enter__(self) -> Display:
        thread = threading.Thread(target=self._own, name="display", daemon=True)
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # it has begun, or not: nothing in between
        try:
            thread.start()
            self._thread = thread
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if self._bug is not None and error is None:
            raise self._bug

    def close(self) -> None:
        """Write what is left and give the terminal back; may be called again, as after a Ctrl-C in its midst."""
        if self._thread is not None:
            self._events.put(self._last_one)
            self._thread.join()
        self._thread = None
        self._drain()

    def doing(self, text: str) -> None:
        """What goes on before and between steps: "starting the local world"."""
        now = self._now()
        self._put(lambda: self._picture.doing(text, now))

    def planned(self, nodes: Sequence[Node], settled: Collection[str]) -> None:
        """These steps are about to be walked; of those in `settled` the record says that they are there."""
        now = self._now()
        self._put(lambda: self._picture.planned(nodes, settled, now))

    def started(self, name: str) -> None:
        now = self._now()
        self._put(lambda: self._picture.started(name, now))

    def waiting(self, name: str, message: str) -> None:
        """A step waits for something in motion."""
        now = self._now()
        self._put(lambda: self._picture.waiting(name, message, now))

    def finished(self, outcome: Outcome) -> None:
        now = self._now()

        def end() -> None:
            self._picture.finished(outcome, now)
            if self._every or outcome.status not in COUNTED:
                self._news(outcome_text(outcome, self._picture.width, 0 if self._every else self._columns()))

        self._put(end)

    def note(self, text: str) -> None:
        """A line that belongs to no step."""
        self._put(lambda: self._news(text))

    def aside(self, name: str, text: str) -> None:
        """Something that goes on beside the steps, such as a build; an empty text ends it."""
        self._put(lambda: self._picture.aside(name, text))

    def tick(self) -> None:
        """Take in what was reported, announce what takes long, and give a sign of life when there was none."""
        self._drain()
        self._pulse()

    def _pulse(self) -> None:
        now, picture = self._now(), self._picture
        if picture.activity and not picture.announced:  # nothing is "still" going on before it was said to be
            if now - picture.began >= PATIENCE_S:
                picture.announced = True
                self._news(f"{picture.activity} …")
        elif now - self._last >= self._quiet_s and (sign := picture.sign_of_life(now)):
            self._line(sign)
            self._quiet_s = min(QUIET_S, 2 * self._quiet_s)

    def _news(self, text: str) -> None:
        self._line(text)
        self._quiet_s = FIRST_QUIET_S

    def _line(self, text: str) -> None:
        self._last = self._now()
        self._written(lambda: self._write(text))

    def _written(self, write: Callable[[], object]) -> None:
        """A terminal that was closed, or a full disk, ends the talking and not the run."""
        if not self._deaf:
            try:
                write()
            except OSError:
                self._deaf = True

    def _put(self, event: Event) -> None:
        self._events.put(event)
        if self._thread is None:  # before and after the block, whoever reports writes
            self._drain()

    def _drain(self) -> None:
        """Take in what was reported. A handler that comes in meanwhile leaves its report to the loop it interrupts."""
        while not self._events.empty() and not self._draining:
            self._draining = True
            try:
                self._events.get_nowait()()
            except queue.Empty:  # another thread was quicker
                continue
            finally:
                self._draining = False

    def _own(self) -> None:
        """The life of the one thread that changes the picture and writes."""
        for part in (self._begin, self._live_on, self._finish):
            try:
                part()
            except Exception as bug:  # told at the end: what the run does is worth more than its picture
                self._bug = bug

    def _live_on(self) -> None:
        ticked = self._now()
        while not self._over:
            with contextlib.suppress(queue.Empty):
                self._events.get(timeout=self.tick_s)()
            if self._now() - ticked >= self.tick_s:
                self._pulse()  # however much is reported
                ticked = self._now()
        self._drain()

    def _begin(self) -> None: ...

    def _finish(self) -> None: ...

    def _last_one(self) -> None:
        self._over = True
