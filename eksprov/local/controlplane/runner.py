"""Run one long command, line by line, so that time is seen to pass and the command can be called off."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from eksprov.errors import LocalWorldError
from eksprov.local.controlplane.toolchain import Finished

HEARTBEAT_S = 1.0
KEPT_LINES = 12
# AWS is provisioned by other processes while Kubernetes builds: they go first.
NICENESS = 5


class Runner:
    """Runs commands in process groups of their own.

    `on_line` gets each line that the command prints and says whether it is worth keeping for an error's words;
    `on_tick` is called after each line and every second without one. Setting `cancel` ends the command.
    """

    def __init__(
        self, on_line: Callable[[str], bool], on_tick: Callable[[], None], cancel: threading.Event, log: Path
    ) -> None:
        self._on_line = on_line
        self._on_tick = on_tick
        self._cancel = cancel
        self._log = log

    def __call__(self, command: Sequence[str], folder: Path, environ: Mapping[str, str]) -> Finished:
        """Run the command to its end. Raises `LocalWorldError` when cancelled; then nothing of it runs any more."""
        try:
            child = subprocess.Popen(
                command,
                cwd=folder,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            return Finished(127, str(error.strerror))
        with contextlib.suppress(psutil.Error):
            psutil.Process(child.pid).nice(NICENESS)
        lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        reader = threading.Thread(target=_read, args=(child, lines), name="build-output", daemon=True)
        reader.start()
        try:
            kept = self._follow(lines)
            status = child.wait()
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            reader.join()
        return Finished(status, "\n".join(kept))

    def _follow(self, lines: queue.SimpleQueue[str | None]) -> deque[str]:
        kept: deque[str] = deque(maxlen=KEPT_LINES)
        with self._log.open("a", encoding="utf-8") as log:
            while True:
                if self._cancel.is_set():
                    raise LocalWorldError("building Kubernetes was called off", "Run again: it goes on where it was.")
                with contextlib.suppress(queue.Empty):
                    line = lines.get(timeout=HEARTBEAT_S)
                    if line is None:
                        return kept
                    log.write(f"{line}\n")
                    if self._on_line(line):
                        kept.append(line)
                self._on_tick()


def _read(child: subprocess.Popen[str], lines: queue.SimpleQueue[str | None]) -> None:
    assert child.stdout is not None
    with child.stdout:
        for line in child.stdout:
            lines.put(line.rstrip())
    lines.put(None)
