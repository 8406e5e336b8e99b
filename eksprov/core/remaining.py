"""How long a walk probably still takes, as a range that moves with what was done and how long that really took.

Pure: the caller says what has ended and for how long the rest has run. What a step is expected to take is a mean of
published figures, so the range begins wide; each step that ended moves it by how its time compares with what was
expected, and narrows it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from eksprov.core.executor import Node, order

CALLS_S = 0.5  # a step takes about so long whatever it does: it is read, and read again
SLOWEST, FASTEST = 4.0, 0.25  # so many times what was expected; beyond that nothing is learned from a ratio
FIRST_SPREAD, LAST_SPREAD = 1.5, 1.15  # the range is the likely time divided and multiplied by this


@dataclass(frozen=True)
class TimeLeft:
    """How long a run still takes, in seconds of the clock, never below zero."""

    low: float  # at the least
    high: float | None  # at the most; None: a step has outlasted all that was expected


@dataclass(frozen=True)
class Spent:
    """How long a step has run for, or ran."""

    seconds: float
    moved: bool = False  # it waits for a change in AWS or Kubernetes, or made one


def time_left(
    nodes: Sequence[Node], settled: Collection[str], ended: Mapping[str, Spent], running: Mapping[str, Spent]
) -> TimeLeft:
    """The longest chain of what is still to be done.

    `settled` are steps that the record calls ready: they are expected to be read alone, until they are seen to move.
    """
    quick, slow = _factors(nodes, ended)
    overdue = any(
        not _idle(node.name, settled, running[node.name])
        and running[node.name].seconds > node.expected_s * slow + CALLS_S
        for node in nodes
        if node.name in running
    )

    def longest(factor: float, least: float) -> float:
        behind: dict[str, float] = {}
        by_name = {node.name: node for node in nodes}
        for name in order(nodes):
            node, so_far = by_name[name], running.get(name, Spent(0.0))
            whole = least if _idle(name, settled, so_far) else max(node.expected_s * factor, least)
            own = 0.0 if name in ended else max(0.0, whole - so_far.seconds)
            behind[name] = own + max((behind[need] for need in node.needs if need in behind), default=0.0)
        return max(behind.values(), default=0.0)

    return TimeLeft(longest(quick, 0.0), None if overdue else longest(slow, CALLS_S))


def _idle(name: str, settled: Collection[str], spent: Spent) -> bool:
    return name in settled and not spent.moved


def _factors(nodes: Sequence[Node], ended: Mapping[str, Spent]) -> tuple[float, float]:
    """How many times what was expected things take here, at the least and at the most."""
    whole = sum(node.expected_s for node in nodes)
    doubt = whole / 3  # as if so much had taken just as long as expected: a short step tells little of a long one
    if not doubt:
        return 1.0, 1.0
    told = [node for node in nodes if node.expected_s >= CALLS_S and node.name in ended and ended[node.name].moved]
    expected = sum(node.expected_s for node in told)
    ratio = (sum(ended[node.name].seconds for node in told) + doubt) / (expected + doubt)
    pace = min(SLOWEST, max(FASTEST, ratio))
    done = sum(node.expected_s for node in nodes if node.name in ended) / whole
    spread = FIRST_SPREAD + (LAST_SPREAD - FIRST_SPREAD) * done
    return pace / spread, max(1.0, pace) * spread  # that some were quick does not make another late
