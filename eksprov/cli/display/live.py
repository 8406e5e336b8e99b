"""The display on a terminal: finished steps scroll by, below them what runs now, drawn in place.

`rich` has locks of its own, and a thread that would draw by itself. Here only the display's one thread calls it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from eksprov.cli.display.progress import Display
from eksprov.cli.words import seconds

ROWS = 12  # of running steps; a screen has 24 lines
FRAMES_PER_S = 8


class LiveDisplay(Display):
    """See the module. What goes on is drawn, so signs of life are not written."""

    tick_s = 1 / FRAMES_PER_S

    def __init__(
        self, stream: TextIO, *, color: bool, now: Callable[[], float] = time.monotonic, every: bool = False
    ) -> None:
        self._console = Console(file=stream, no_color=not color, highlight=False)
        super().__init__(self._print, now, every=every, columns=lambda: self._console.width)
        self._spinner = Spinner("dots")
        # Answers on stdout come when it is over; what libraries write to stderr meanwhile goes above the picture.
        self._live = Live(
            get_renderable=self._frame,
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
        )

    def _pulse(self) -> None:
        self._written(self._live.refresh)

    def _begin(self) -> None:
        self._written(lambda: self._live.start(refresh=True))

    def _finish(self) -> None:
        self._written(self._live.stop)

    def _print(self, text: str) -> None:
        self._console.print(Text.from_ansi(text), soft_wrap=True)

    def _frame(self) -> RenderableType:
        now, picture = self._now(), self._picture
        rows = Table.grid(padding=(0, 2))
        longest = picture.longest()
        for name, run in longest[:ROWS]:
            rows.add_row(self._spinner, Text(name), seconds(now - run.since), Text(run.message, style="dim"))
        if len(longest) > ROWS:
            rows.add_row("", f"and {len(longest) - ROWS} more", "", "")
        if picture.activity:
            rows.add_row(self._spinner, Text(picture.activity), seconds(now - picture.began), "")
        for name, text in picture.asides.items():
            rows.add_row(self._spinner, Text(name), "", Text(text, style="dim"))
        return Group(rows, Text(picture.tally(now), style="bold")) if picture.nodes else rows
