"""Signal handlers that come in anywhere: between any two lines of what a thread does."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

STUCK_S = 30.0  # on the machine's own clock, which no test here waits for


def returned(act: Callable[[], object]) -> bool:
    """Whether it comes to an end, on a thread of its own."""
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    thread.join(STUCK_S)
    return not thread.is_alive()


@dataclass
class _Handler:
    """Comes in once, at the n-th line that the thread reaches."""

    enter: Callable[[], object]
    at: int
    lines: int = 0
    where: str = ""

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        """What sys.settrace calls."""
        if event == "line" and not self.where:
            self.lines += 1
            if self.lines == self.at:
                self.where = f"{frame.f_code.co_filename}:{frame.f_lineno}"
                sys.settrace(None)
                self.enter()
        return self.trace


def entered_anywhere(act: Callable[[], object], enter: Callable[[], object]) -> Iterator[tuple[str, bool]]:
    """Run `act` once for each line it reaches, in libraries too, with `enter` called there; which line, and did it end?

    `act` must do the same each time.
    """
    at = 0
    while True:
        at += 1
        handler = _Handler(enter, at)

        def traced(handler: _Handler = handler) -> None:
            sys.settrace(handler.trace)
            act()
            sys.settrace(None)

        ended = returned(traced)
        if not handler.where:
            return
        yield handler.where, ended
