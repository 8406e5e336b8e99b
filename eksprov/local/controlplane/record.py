"""The processes started for a folder, remembered on disk, so that they can be ended after a crash of ours.

A pid alone is not enough, since it may have been given to another process meanwhile: the record keeps the
process's start time beside it. Between starting a process and recording it we may be killed too; therefore each
child carries the folder in its environment (`MARKER`), and `kill` looks for that as well.
"""

from __future__ import annotations

import contextlib
import json
import threading
from pathlib import Path
from typing import Any

import psutil

from eksprov.local.home import write_private

MARKER = "EKSPROV_LOCAL_FOLDER"
FILE = "processes.json"
END_TIMEOUT_S = 10.0
# Start times are told in clock ticks of 10 ms, relative to a boot time that is itself rounded.
SAME_START_S = 1.0


class ProcessRecord:
    """The processes that were started for `folder`; they must carry `MARKER=<folder>` in their environment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._path = self._folder / FILE
        self._lock = threading.Lock()

    def add(self, name: str, pid: int) -> None:
        """Remember a child that was just started; one that has ended already is left out."""
        try:
            created = psutil.Process(pid).create_time()
        except psutil.NoSuchProcess:
            return
        with self._lock:
            entries = [*self._entries(), {"name": name, "pid": pid, "created": created}]
            write_private(self._path, json.dumps(entries))

    def alive(self) -> dict[int, str]:
        """pid to name of what still runs, recorded or only marked."""
        found = {process.pid: name for process, name in self._recorded()}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.pid not in found and process.environ().get(MARKER) == str(self._folder):
                    found[process.pid] = process.name()
        return found

    def kill(self) -> list[str]:
        """End (SIGKILL) all that still run, wait until they are gone, forget them; gives their names.

        Children of this very process are waited for, so that no zombie stays; their status is then lost.
        """
        ended: list[psutil.Process] = []
        names: list[str] = []
        for pid, name in self.alive().items():
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)  # kill() checks the start time of this object again
                process.kill()
                ended.append(process)
                names.append(name)
        psutil.wait_procs(ended, timeout=END_TIMEOUT_S)
        with self._lock:
            self._path.unlink(missing_ok=True)
        return names

    def _recorded(self) -> list[tuple[psutil.Process, str]]:
        found = []
        for entry in self._entries():
            # What is no entry of ours is passed over: the marks are still there.
            with contextlib.suppress(psutil.Error, KeyError, TypeError, ValueError):
                process = psutil.Process(int(entry["pid"]))
                same = abs(process.create_time() - float(entry["created"])) < SAME_START_S
                if same and process.status() != psutil.STATUS_ZOMBIE:
                    found.append((process, str(entry["name"])))
        return found

    def _entries(self) -> list[Any]:
        try:
            entries = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return []  # nothing was started, or the file is damaged
        return entries if isinstance(entries, list) else []
