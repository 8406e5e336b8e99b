"""When a local world ends by itself: ten minutes after its last command, unless somebody wants it or lives in it.

`plan` and its like start a world to look at. With nothing in it, and nobody having asked for it by `local up`, it
serves nobody once they are done; whoever comes later starts another in a second or two. Pure but for its clock.
"""

from __future__ import annotations

from collections.abc import Callable

IDLE_S = 600.0
LOOK_EVERY_S = 5.0  # whether anything is in it is asked no more often


class Lifetime:
    """`now` is a clock in seconds that never goes back; `is_empty` says whether nothing is in the world."""

    def __init__(self, now: Callable[[], float], is_empty: Callable[[], bool], idle_s: float = IDLE_S) -> None:
        self._now, self._is_empty, self._idle_s = now, is_empty, idle_s
        self._last = self._looked = now()
        self.kept = False

    def touch(self) -> None:
        """A command has asked something."""
        self._last = self._now()

    def keep(self) -> None:
        """Somebody has asked for this world itself."""
        self.kept = True

    def ends_in_s(self) -> float | None:
        """How long it has left without a command; None where it stays."""
        if self.kept or not self._is_empty():
            return None
        return max(0.0, self._last + self._idle_s - self._now())

    def is_over(self) -> bool:
        """Whether it is to end now. What is in it counts as a command, so it ends no sooner after a teardown."""
        now = self._now()
        if self.kept or now < min(self._last + self._idle_s, self._looked + max(LOOK_EVERY_S, self._idle_s)):
            return False
        self._looked = now
        if not self._is_empty():
            self._last = now
            return False
        return now >= self._last + self._idle_s
