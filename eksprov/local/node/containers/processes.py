"""Local processes: started in a session of their own with a clean environment, recorded, ended with grace.

What they write goes line by line into the container's log. The record (`controlplane.record`) lets them be found
and ended after a crash; each child carries its mark in the environment.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from eksprov.local.controlplane.record import MARKER, ProcessRecord
from eksprov.local.node.containers.logs import MAX_LINE_BYTES, ContainerLog

# How long output is still read from grandchildren that hold the pipe open after the process has ended.
DRAIN_S = 1.0
# A killed process is gone at once, unless the kernel is busy with it.
KILL_S = 5.0


class ProcessTable:
    """Every process of one cluster's nodes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._record = ProcessRecord(folder)
        self._running: dict[int, asyncio.subprocess.Process] = {}

    async def start(
        self, name: str, argv: Sequence[str], env: Mapping[str, str], cwd: Path, log: ContainerLog
    ) -> Process:
        """Start `argv`. Raises OSError where it cannot be executed."""
        child = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**env, MARKER: str(self.folder.absolute())},
            cwd=cwd,
            start_new_session=True,
            limit=MAX_LINE_BYTES,
        )
        self._running[child.pid] = child
        try:
            await asyncio.to_thread(self._record.add, name, child.pid)
        except BaseException:
            _signal(child, signal.SIGKILL)  # nobody else knows it yet
            raise
        return Process(child, log, self._running)

    async def close(self) -> None:
        """End everything that runs and let the loop see it end; to be called before the loop is closed."""
        children = list(self._running.values())
        for child in children:
            _signal(child, signal.SIGKILL)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*(child.wait() for child in children)), KILL_S)

    def kill_all(self) -> list[str]:
        """End everything at once, also what only the record knows; their names."""
        for child in list(self._running.values()):
            _signal(child, signal.SIGKILL)
        return self._record.kill()


class Process:
    """A running process; `wait` gives its exit code, 128 + n when signal n ended it."""

    def __init__(
        self, child: asyncio.subprocess.Process, log: ContainerLog, running: dict[int, asyncio.subprocess.Process]
    ) -> None:
        self._child = child
        self._log = log
        self._running = running
        self._pump = asyncio.create_task(self._copy())

    async def wait(self) -> int:
        """Wait until it has ended and its output is written."""
        code = await self._child.wait()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._pump, DRAIN_S)
        _signal(self._child, signal.SIGKILL)  # what it left behind in its session
        self._running.pop(self._child.pid, None)
        return 128 - code if code < 0 else code

    async def stop(self, grace_s: float) -> None:
        """SIGTERM, and after `grace_s` SIGKILL to everything it started."""
        if self._child.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._child.terminate()
        try:
            await asyncio.wait_for(self._child.wait(), grace_s)
        except TimeoutError:
            _signal(self._child, signal.SIGKILL)
            await self._child.wait()

    async def _copy(self) -> None:
        assert self._child.stdout is not None
        buffer = b""
        while chunk := await self._child.stdout.read(MAX_LINE_BYTES):
            *lines, buffer = (buffer + chunk).split(b"\n")
            for line in lines:
                self._log.write(line)
            if len(buffer) > MAX_LINE_BYTES:
                self._log.write(buffer)
                buffer = b""
        if buffer:
            self._log.write(buffer)


def _signal(child: asyncio.subprocess.Process, number: signal.Signals) -> None:
    # The child leads a session of its own, so its pid is the group's id; the group lives on while members do.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)
