"""The world's time, as far as what is in motion needs it."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """What tells when something that AWS does in the background is over."""

    def now(self) -> float:
        """Seconds since the epoch, by the world's clock."""
        ...

    def latency(self, name: str) -> float:
        """How long `name` (a key of `LATENCY_S`) takes, in the same seconds."""
        ...
