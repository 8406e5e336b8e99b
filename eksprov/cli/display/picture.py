"""What a run looks like at this moment: what runs, what it waits for, how much is done. Time is passed in.

`Display` keeps one; a single thread reads and changes it, so nothing here is locked.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from eksprov.cli.words import clean, seconds
from eksprov.core.executor import Node
from eksprov.core.outcome import Outcome, Status
from eksprov.core.remaining import Spent, TimeLeft, time_left

NAMED = 4  # how many running steps a sign of life names
CHANGED = (Status.CREATED, Status.UPDATED, Status.REPLACED, Status.DELETED)


@dataclass
class Running:
    """A step under way: since when, and what it waits for."""

    since: float
    message: str = ""


@dataclass
class Picture:
    """`activity` is what goes on before and between steps, since `began`; `asides` go on beside them."""

    began: float
    activity: str = ""
    announced: bool = True
    asides: dict[str, str] = field(default_factory=dict)
    running: dict[str, Running] = field(default_factory=dict)
    ended: dict[str, Spent] = field(default_factory=dict)
    nodes: Sequence[Node] = ()
    settled: Collection[str] = ()
    walk_began: float = 0.0
    width: int = 0

    def doing(self, text: str, now: float) -> None:
        """Something begins that is no step. The same again has never ended."""
        if text != self.activity:
            self.activity, self.announced, self.began = text, False, now

    def planned(self, nodes: Sequence[Node], settled: Collection[str], now: float) -> None:
        """These steps are about to be walked; of those in `settled` the record says that they are there."""
        self.activity, self.walk_began = "", now
        self.nodes, self.settled, self.ended = nodes, settled, {}
        self.width = max((len(node.name) for node in nodes), default=0)

    def started(self, name: str, now: float) -> None:
        self.running[name] = Running(now)

    def waiting(self, name: str, message: str, now: float) -> None:
        """A step waits for something in motion."""
        self.running.setdefault(name, Running(now)).message = clean(message)

    def finished(self, outcome: Outcome, now: float) -> None:
        run = self.running.pop(outcome.name, Running(now))
        self.ended[outcome.name] = Spent(now - run.since, outcome.status in CHANGED)

    def aside(self, name: str, text: str) -> None:
        """Something beside the steps; an empty text ends it."""
        if text:
            self.asides[name] = clean(text)
        else:
            self.asides.pop(name, None)

    def longest(self) -> list[tuple[str, Running]]:
        """What runs, the longest first."""
        return sorted(self.running.items(), key=lambda item: item[1].since)

    def sign_of_life(self, now: float) -> str:
        """What goes on, in one line; empty when nothing does."""
        parts: list[str] = []
        if self.nodes and (self.running or len(self.ended) < len(self.nodes)):
            parts.append(self.tally(now))
            longest = self.longest()
            named = [f"{name} ({run.message})" if run.message else name for name, run in longest[:NAMED]]
            more = f" and {len(longest) - NAMED} more" if len(longest) > NAMED else ""
            if named:
                parts.append(f"waiting for {', '.join(named)}{more}")
        elif self.activity:
            parts.append(f"still {self.activity}, {seconds(now - self.began)}")
        parts += self.asides.values()
        return f"… {'; '.join(parts)}" if parts else ""

    def tally(self, now: float) -> str:
        """ "12 of 38 done after 20 s; 20 to 35 s left"."""
        left = ""
        if len(self.ended) < len(self.nodes):
            running = {name: Spent(now - run.since, bool(run.message)) for name, run in self.running.items()}
            left = f"; {left_text(time_left(self.nodes, self.settled, self.ended, running))}"
        return f"{len(self.ended)} of {len(self.nodes)} done after {seconds(now - self.walk_began)}{left}"


def left_text(left: TimeLeft) -> str:
    """A range for people, rounded outwards: "20 to 35 s left", "1 to 3 min left", "up to 5 s left"."""
    if left.high is None:
        rest = f", at least {_span(_down(left.low))} more" if _down(left.low) else ""
        return f"longer than expected{rest}"
    low, high = _down(left.low), max(1, _up(left.high))
    if low >= high:
        return f"about {_span(high)} left"
    if not low:
        return f"up to {_span(high)} left"
    same_unit = (low < 120) == (high < 120)
    return f"{_span(low).split()[0] if same_unit else _span(low)} to {_span(high)} left"


def _grain(value: float) -> int:
    """To how many seconds a duration is rounded."""
    return 1 if value < 10 else 5 if value < 120 else 60


def _down(value: float) -> int:
    grain = _grain(value)
    return int(value // grain) * grain


def _up(value: float) -> int:
    grain = _grain(value)
    return int(-(-value // grain)) * grain


def _span(value: int) -> str:
    return f"{value} s" if value < 120 else f"{value // 60} min"
