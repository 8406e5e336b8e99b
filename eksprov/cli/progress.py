"""What a run shows while it works: a line a finished step, and a sign of life at least every ten seconds.

`Display` keeps the picture (what runs, what it waits for, how much is done) and writes plain lines; on a terminal
`live.LiveDisplay` draws the same picture in place. Steps report from any thread. A ticker thread calls `tick`; time
comes by the constructor, so a test can tick by hand.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TextIO

import click

from eksprov.cli.render import outcome_text
from eksprov.cli.words import clean, seconds
from eksprov.core.outcome import Outcome, Status

PATIENCE_S = 2.0  # what takes no longer is not announced
QUIET_S = 8.0  # after so long without a line comes a sign of life; ten is the promise
TICK_S = 0.5
COUNTED = (Status.UNCHANGED, Status.ABSENT)  # nothing came of these: they are counted at the end, and told with -v
NAMED = 4  # how many running steps a sign of life names


@dataclass
class Running:
    """A step under way: since when, and what it waits for."""

    since: float
    message: str = ""


class Display:
    """Plain lines. Every method may be called from any thread and returns at once."""

    def __init__(
        self,
        write: Callable[[str], None],
        now: Callable[[], float] = time.monotonic,
        *,
        every: bool = False,
        columns: Callable[[], int] = lambda: 0,
    ) -> None:
        self._write, self._now, self._every, self._columns = write, now, every, columns
        self._lock = threading.RLock()  # a signal handler may come in while this thread holds it
        self._last = self._began = now()
        self._running: dict[str, Running] = {}
        self._asides: dict[str, str] = {}
        self._done = self._total = self._width = 0
        self._expected_s = 0.0
        self._walk_began = self._began
        self._activity, self._announced = "", True
        self._over = threading.Event()
        self._ticker: threading.Thread | None = None

    def __enter__(self) -> Display:
        self._ticker = threading.Thread(target=self._tick_on, name="display", daemon=True)
        self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._ticker is not None:
            self._ticker.join()

    def doing(self, text: str) -> None:
        """What goes on before and between steps: "starting the local world"."""
        with self._lock:
            self._activity, self._announced, self._began = text, False, self._now()

    def planned(self, names: tuple[str, ...], expected_s: float) -> None:
        """These steps are about to be walked; the longest chain is expected to take `expected_s`."""
        with self._lock:
            self._activity, self._walk_began = "", self._now()
            self._done, self._total, self._expected_s = 0, len(names), expected_s
            self._width = max(map(len, names), default=0)

    def started(self, name: str) -> None:
        """A step began."""
        with self._lock:
            self._running[name] = Running(self._now())

    def waiting(self, name: str, message: str) -> None:
        """A step waits for something in motion."""
        with self._lock:
            self._running.setdefault(name, Running(self._now())).message = clean(message)

    def finished(self, outcome: Outcome) -> None:
        """A step ended."""
        with self._lock:
            self._running.pop(outcome.name, None)
            self._done += 1
            if self._every or outcome.status not in COUNTED:
                self._line(outcome_text(outcome, self._width, 0 if self._every else self._columns()))

    def note(self, text: str) -> None:
        """A line that belongs to no step."""
        with self._lock:
            self._line(text)

    def aside(self, name: str, text: str) -> None:
        """Something that goes on beside the steps, such as a build; an empty text ends it."""
        with self._lock:
            if text:
                self._asides[name] = clean(text)
            else:
                self._asides.pop(name, None)

    def tick(self) -> None:
        """Announce what takes long, and give a sign of life when there was none for a while."""
        with self._lock:
            if self._activity and not self._announced and self._now() - self._began >= PATIENCE_S:
                self._announced = True
                self._line(f"{self._activity} …")
            elif self._now() - self._last >= QUIET_S and (sign := self.sign_of_life()):
                self._line(sign)

    def sign_of_life(self) -> str:
        """What goes on, in one line; empty when nothing does."""
        now = self._now()
        parts: list[str] = []
        if self._total and (self._running or self._done < self._total):
            parts.append(self.tally())
            longest = sorted(self._running.items(), key=lambda item: item[1].since)
            named = [f"{name} ({run.message})" if run.message else name for name, run in longest[:NAMED]]
            more = f" and {len(longest) - NAMED} more" if len(longest) > NAMED else ""
            if named:
                parts.append(f"waiting for {', '.join(named)}{more}")
        elif self._activity:
            parts.append(f"still {self._activity}, {seconds(now - self._began)}")
        parts += self._asides.values()
        return f"… {'; '.join(parts)}" if parts else ""

    def tally(self) -> str:
        """ "12 of 38 done after 20 s (about 45 s in all)"."""
        elapsed = self._now() - self._walk_began
        known = f" (about {seconds(self._expected_s)} in all)" if self._expected_s > max(elapsed, 2.0) else ""
        return f"{self._done} of {self._total} done after {seconds(elapsed)}{known}"

    def _line(self, text: str) -> None:
        self._last = self._now()
        self._write(text)

    def _tick_on(self) -> None:
        while not self._over.wait(TICK_S):
            self.tick()


def display_for(stream: TextIO, environ: Mapping[str, str], color: bool | None, *, every: bool = False) -> Display:
    """A live display on a terminal that can draw one; plain lines elsewhere."""
    if stream.isatty() and environ.get("TERM", "dumb") != "dumb":
        from eksprov.cli.live import LiveDisplay

        return LiveDisplay(stream, color=color is not False, every=every)
    return Display(lambda text: click.echo(text, file=stream, color=color), every=every)
