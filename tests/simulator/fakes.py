"""What a process of the product is handed instead of the real thing: clock, threads, chance, a folder."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.scheduler import Scheduler


@dataclass
class Done:
    """A result with a report in it; a plan is always fine."""

    report: Any

    @property
    def ok(self) -> bool:
        """Whether all went well."""
        return bool(getattr(self.report, "ok", True))


class SimClock:
    """Virtual time; `sleep` gives the baton away."""

    def __init__(self, now: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self.now, self.sleep = now, sleep


class SimPool:
    """What runs a step beside the others."""

    def __init__(self, scheduler: Scheduler, group: int) -> None:
        self._scheduler, self._group, self._count = scheduler, group, 0

    def submit(self, work: Callable[[], None], /) -> None:
        """A thread of the process."""
        self._count += 1
        self._scheduler.spawn(self._group, work, f"step-{self._count}")


def seed_everything(seed: int) -> None:
    """Every source of chance in this process follows the seed."""
    from moto.moto_api._internal import mock_random

    import eksprov.serving.files

    source = random.Random(f"bytes {seed}")
    os.urandom = source.randbytes
    random._urandom = source.randbytes  # type: ignore[attr-defined]  # where `random` seeds from
    random.seed(seed)
    mock_random.seed(seed)
    eksprov.serving.files.THREADS = 1  # threads that are not the scheduler's come one at a time


def state_folder() -> Path:
    """A new folder in memory, where there is such a place."""
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="eksprov-simulator-", dir=memory if memory.is_dir() else None))
