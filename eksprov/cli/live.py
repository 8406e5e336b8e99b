"""The display on a terminal: finished steps scroll by, below them what runs now, drawn in place."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from eksprov.cli.progress import Display
from eksprov.cli.words import seconds

ROWS = 12  # of running steps; a screen has 24 lines
FRAMES_PER_S = 8


class LiveDisplay(Display):
    """See the module. `rich` redraws by itself, so signs of life are not written."""

    def __init__(
        self, stream: TextIO, *, color: bool, now: Callable[[], float] = time.monotonic, every: bool = False
    ) -> None:
        self._console = Console(file=stream, no_color=not color, highlight=False)
        super().__init__(self._print, now, every=every, columns=lambda: self._console.width)
        self._spinner = Spinner("dots")
        self._live = Live(
            get_renderable=self._frame, console=self._console, refresh_per_second=FRAMES_PER_S, transient=True
        )

    def __enter__(self) -> LiveDisplay:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def _print(self, text: str) -> None:
        self._console.print(Text.from_ansi(text), soft_wrap=True)

    def _frame(self) -> RenderableType:
        with self._lock:
            now = self._now()
            rows = Table.grid(padding=(0, 2))
            longest = sorted(self._running.items(), key=lambda item: item[1].since)
            for name, run in longest[:ROWS]:
                rows.add_row(self._spinner, name, seconds(now - run.since), Text(run.message, style="dim"))
            if len(longest) > ROWS:
                rows.add_row("", f"and {len(longest) - ROWS} more", "", "")
            if self._activity:
                rows.add_row(self._spinner, self._activity, seconds(now - self._began), "")
            for name, text in self._asides.items():
                rows.add_row(self._spinner, name, "", Text(text, style="dim"))
            return Group(rows, Text(self.tally(), style="bold")) if self._total else rows
