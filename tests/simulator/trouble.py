"""What goes wrong while a process runs, and what became of the process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from eksprov.local.faults.plan import NOTHING, FaultPlan

NO_EXIT = -9  # the exit code of a killed process


@dataclass(frozen=True)
class DiskFault:
    """What goes wrong at the `at`-th file operation, `times` times (0: from then on always).

    `kind`: an errno's name, "short", "crash" (before it) or "crash-after".
    """

    kind: str
    at: int
    times: int = 1


@dataclass(frozen=True)
class Trouble:
    """All that goes wrong while one process runs.

    `crash_at`: the process ends at this mutating call, at `crash_where` ("replied": the code has the answer and is
    about to do something else; "recorded": the state has been saved once more). `power`: a crash takes with it what
    was not synced.
    """

    plan: FaultPlan = NOTHING
    disk: tuple[DiskFault, ...] = ()
    crash_at: int = 0
    crash_where: str = ""
    power: bool = True


@dataclass
class Ended:
    """A process that has ended: its exit code, what it said, and how much it asked of AWS."""

    code: int
    command: str
    messages: list[str] = field(default_factory=list)
    result: Any = None
    bug: str = ""
    calls: int = 0
    mutations: int = 0
    files: int = 0
    seconds: float = 0.0
    struck: list[tuple[str, str]] = field(default_factory=list)
    drained: list[str] = field(default_factory=list)
    crashed: str = ""
    changed_at: list[float] = field(default_factory=list)  # when it sent what changes something

    @property
    def ok(self) -> bool:
        """Whether it did all it was to do."""
        return self.code == 0
