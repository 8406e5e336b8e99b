"""Ctrl-C, SIGTERM and SIGHUP: the first ends a run in good order, the second ends the process.

While a run changes things (`orderly`), the first signal sets the run's stop flag: nothing new begins, waits are
abandoned, what is known is saved. Outside of that there is nothing to save, so it simply ends the command.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING

from eksprov.errors import EXIT_INTERRUPTED

if TYPE_CHECKING:
    from eksprov.core.executor import StopFlag

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SHOW_CURSOR = "\x1b[?25h"


def _exit_now(code: int) -> None:
    """End the process without unwinding: the state file is whole at every moment."""
    with contextlib.suppress(OSError):  # past the buffers: whoever was interrupted may hold them
        below = f"\n{SHOW_CURSOR}" if os.isatty(2) else ""  # what was drawn in place stays above
        if select.select([], [2], [], 0)[1]:  # a terminal that was stopped (Ctrl-S) takes nothing, for ever
            os.write(2, f"{below}ended at once; run the same command again\n".encode())
    os._exit(code)


def leave(code: int) -> None:
    """End a process whose command was stopped, without waiting for threads whose calls are not answered."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # nobody reads it any more
            stream.flush()
    os._exit(code)


def end_quietly() -> None:
    """Have a Ctrl-C before and after the command end the process without a traceback; for the program itself."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


class Interrupts:
    """Listens while a command runs; `say` shows a line, `leave` ends the process."""

    def __init__(self, say: Callable[[str], None], leave: Callable[[int], None] = _exit_now) -> None:
        self._say, self._leave = say, leave
        self._stop: StopFlag | None = None
        self._asked = False
        self.ran = False  # whether a run has been in order, and has changed what it recorded

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals over, and give them back at the end; only the main thread may."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in SIGNALS}
        # nohup ignores SIGHUP, and that holds; a SIGINT ignored by a shell for its background jobs may still be sent.
        taken = [n for n in SIGNALS if n != signal.SIGHUP or before[n] is not signal.SIG_IGN]
        for number in taken:
            signal.signal(number, self._heard)
        try:
            yield
        finally:
            for number in taken:
                signal.signal(number, before[number])

    @contextlib.contextmanager
    def orderly(self, stop: StopFlag) -> Iterator[None]:
        """While inside, the first signal sets `stop` in place of ending the command."""
        self._stop, self.ran = stop, True
        try:
            yield
        finally:
            self._stop = None

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            self._leave(EXIT_INTERRUPTED)
            return
        self._asked = True
        if self._stop is None:
            raise KeyboardInterrupt
        self._stop.set()
        self._say(
            f"{signal.Signals(number).name}: stopping. Nothing new begins, waits are given up, what was done is saved. "
            "Again: end at once."
        )
