"""Every failure a user may see: what happened, what to do next, and the exit code it ends with.

Whether waiting can help is a property of the class, never of the call site. Anything that is not an
`EksprovError` is a bug: the command line writes its traceback to a log file and prints one line.

Exit codes: 0 done, 1 a step failed, 2 bad usage or config, 3 `plan --check` found changes or `lock --check` a stale
file, 4 not there (not deployed), 5 there but not answering, 130 interrupted (running the same command again resumes).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_CHANGES = 3
EXIT_NOT_THERE = 4
EXIT_NOT_ANSWERING = 5
EXIT_INTERRUPTED = 130


class EksprovError(Exception):
    """A failure with a message for people and, where there is one, the cure."""

    exit_code: ClassVar[int] = EXIT_FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(EksprovError):
    """The command was called in a way that cannot be carried out; nothing was changed."""

    exit_code = EXIT_USAGE


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a file the user wrote.

    `file`, `line` (1-based, 0 when no line can be named) and `path` (`node_groups[0].desired_size`) say
    where; `hint` says what would be right.
    """

    message: str
    path: str = ""
    file: str = ""
    line: int = 0
    hint: str = ""
    level: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        place = ":".join(part for part in (self.file, str(self.line) if self.line else "") if part)
        where = " ".join(part for part in (f"{place}:" if place else "", f"{self.path}:" if self.path else "") if part)
        text = f"{where} {self.message}".strip()
        return f"{text} ({self.hint})" if self.hint else text


class ConfigError(EksprovError):
    """The config is wrong; carries every problem found, not only the first."""

    exit_code = EXIT_USAGE

    def __init__(self, problems: tuple[Problem, ...], hint: str = "") -> None:
        super().__init__("\n".join(map(str, problems)), hint)
        self.problems = problems


class OwnershipError(EksprovError):
    """A resource under our name carries somebody else's tags, or none: it is left alone."""


class ReplacementError(EksprovError):
    """A field changed that AWS cannot change in place."""


class ConvergenceError(EksprovError):
    """The call succeeded, but reading back shows another state than the wanted one."""


class ProvisioningError(EksprovError):
    """AWS or Kubernetes reports a final failure of the resource itself."""


class AccessError(EksprovError):
    """The caller may not do this, or its credentials are missing or expired."""


class WaitTimeoutError(EksprovError):
    """The resource stayed in motion past its deadline; running again goes on waiting."""


class StateError(EksprovError):
    """The state file is locked, damaged, of a newer schema, or another account's or region's."""


class LocalWorldError(EksprovError):
    """The local world cannot be started or has stopped."""


class InterruptedRunError(EksprovError):
    """The user asked to stop; what was done is recorded."""

    exit_code = EXIT_INTERRUPTED
