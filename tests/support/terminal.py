"""A real terminal: a pseudo-terminal with a shell on it that runs one command, and whoever sits before it.

The shell leads the session, so Ctrl-C is a byte that is typed, and the kernel makes a signal of it for whatever runs
in the foreground. When the command has ended the shell says how it left the terminal.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

CTRL_C = b"\x03"
SHELL = (
    'exec <>"$0" >&0 2>&1; before=$(stty -g); trap : INT; "$@"; code=$?; '
    'after=$(stty -g); [ "$before" = "$after" ] && kept=kept || kept=changed; printf "\\n[exit %s, %s]\\n" $code $kept'
)
ENDED = re.compile(r"\[exit (\d+), (kept|changed)\]")
SEQUENCE = re.compile(r"\x1b\[(\??)(\d*)([A-Za-z])|\r|\n|[^\x1b]|\x1b")


class Terminal:
    """`columns` and `rows` may change while the command runs. `said` is all that came out."""

    def __init__(
        self, command: Sequence[str], folder: Path, environ: Mapping[str, str], columns: int, rows: int = 24
    ) -> None:
        self._far, near = os.openpty()
        self.resize(columns, rows)
        self._came: list[bytes] = []
        self._grown = threading.Condition()
        self._shell = subprocess.Popen(
            ("/bin/sh", "-c", SHELL, os.ttyname(near), *command),
            cwd=folder, env={**environ, "TERM": "xterm-256color", "PYTHONFAULTHANDLER": "1"},
            start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._near = near  # else the far end is closed before the shell has opened its own
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def said(self) -> str:
        """What came out so far."""
        return b"".join(self._came).decode(errors="replace")

    @property
    def ended(self) -> tuple[int, bool] | None:
        """The command's exit code as a shell has it, and whether the terminal's settings are as before."""
        found = ENDED.search(self.said)
        return (int(found[1]), found[2] == "kept") if found else None

    @property
    def cursor_shown(self) -> bool:
        """Whether the last word about the cursor is that it be shown."""
        return self.said.rfind("\x1b[?25l") <= self.said.rfind("\x1b[?25h")

    def poll(self) -> int | None:
        """As of a process."""
        return self.ended[0] if self.ended else None

    def resize(self, columns: int, rows: int) -> None:
        """What pulling at a window's corner does; whatever runs in the foreground gets SIGWINCH."""
        fcntl.ioctl(self._far, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: bytes) -> None:
        """Press keys."""
        os.write(self._far, text)

    def wait(self, seconds: float, words: str = "") -> bool:
        """Wait until the command has ended, or these words came out; false when they did not in time."""
        until = time.monotonic() + seconds
        with self._grown:
            while not (self.ended or (words and words in self.said)):
                if not self._grown.wait(until - time.monotonic()):
                    return False
        return True

    def close(self) -> None:
        """End whatever still runs. What hangs says where it stands first."""
        if self.ended is None and self._shell.poll() is None:
            for number in (signal.SIGABRT, signal.SIGKILL):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._shell.pid, number)
                self.wait(2.0)
        self._shell.wait()
        os.close(self._near)
        self._reader.join()
        os.close(self._far)

    def _read(self) -> None:
        while True:
            ready, _, _ = select.select([self._far], [], [], 0.5)
            try:
                data = os.read(self._far, 65536) if ready else b""
            except OSError:  # nobody has the near end any more
                data = b""
            with self._grown:
                if data:
                    self._came.append(data)
                self._grown.notify_all()
            if not data and self._shell.poll() is not None:
                return


def screen(text: str, columns: int) -> list[str]:
    """The lines that stay on a terminal of this width, those scrolled away included."""
    lines, row, column = [""], 0, 0
    for found in SEQUENCE.finditer(text):
        mark, number, final = found[1], int(found[2] or 1), found[3]
        if final == "A":
            row = max(0, row - number)
        elif final == "K":
            lines[row] = "" if number == 2 else lines[row][:column]
        elif final or mark or found[0] == "\x1b":
            continue
        elif found[0] == "\r":
            column = 0
        elif found[0] == "\n":
            row, lines = row + 1, lines + [""] * (row + 2 - len(lines))
        else:
            if column == columns:
                row, column, lines = row + 1, 0, lines + [""] * (row + 2 - len(lines))
            lines[row] = f"{lines[row][:column]:{column}}{found[0]}{lines[row][column + 1 :]}"
            column += 1
    return [line.rstrip() for line in lines]
