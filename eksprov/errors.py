"""Every failure a user may see: what happened, what to do next, and the exit code it ends with.

Whether waiting can help is a property of the class, never of the call site. Anything that is not an
`EksprovError` is a bug: the command line writes its traceback to a log file and prints one line.

The exit code goes with the situation, not with the command: `EXITS` is the table, the same for all of them.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_CHANGES = 3
EXIT_NOT_THERE = 4
EXIT_NO_ANSWER = 5
EXIT_INTERRUPTED = 130

# What `--help` and docs/exit-codes.md say of each.
EXITS: Mapping[int, str] = {
    EXIT_DONE: "done",
    EXIT_FAILED: "failed, or errors were found",
    EXIT_USAGE: "wrong usage or config; nothing was changed",
    EXIT_CHANGES: "something differs (only with --check)",
    EXIT_NOT_THERE: "not there: no cluster yet, not deployed, nothing recorded",
    EXIT_NO_ANSWER: "there, but it does not answer (yet)",
    EXIT_INTERRUPTED: "stopped; the same command goes on",
}

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# What to do about what the operating system refuses (https://docs.python.org/3/library/errno.html).
_CURES: Mapping[int, str] = {
    **dict.fromkeys(FULL, "free some space there (df -h shows it), then run the same command again"),
    **dict.fromkeys((errno.EACCES, errno.EPERM), "give yourself the right to it (ls -ld shows who has it)"),
    errno.EISDIR: "that is a folder, and a file is meant: name another, or move it away",
    errno.ENOTDIR: "a part of that path is a file, and folders are meant: name another, or move it away",
    errno.EEXIST: "something else has that name: name another, or move it away",
    errno.ENOENT: "make the folder first, or name another",
    errno.EROFS: "that file system is read-only: name a place that can be written",
    errno.ELOOP: "those links lead in a circle: name another",
    errno.ENAMETOOLONG: "that name is too long: name another",
    errno.EMFILE: "too many files are open: raise the limit (ulimit -n)",
    errno.ENFILE: "too many files are open on this machine: end something, then run the same command again",
    errno.ENOMEM: "end something that takes memory, then run the same command again",
    errno.EAGAIN: "too many processes run: end some, then run the same command again",
    errno.EIO: "the disk reports an error: look at the system's log",
}


def cure(error: BaseException | None) -> str:
    """What a user can do about an error of the operating system; empty where it is none that is known."""
    return _CURES.get(error.errno or 0, "") if isinstance(error, OSError) else ""


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


class MachineError(EksprovError):
    """The disk, the memory or a file of this machine refuses."""


class NotThereError(EksprovError):
    """What the command is about does not exist: no cluster yet, not deployed, nothing recorded."""

    exit_code = EXIT_NOT_THERE


def unwritable(path: object, error: OSError, hint: str = "") -> EksprovError:
    """Why a file that the user named cannot be written: the machine's fault where it is full or broken, else theirs."""
    ours = error.errno in FULL or error.errno == errno.EIO
    kind = MachineError if ours else UsageError
    return kind(f"{path} cannot be written: {error.strerror or error}", cure(error) if ours else hint or cure(error))


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


class NoAnswerError(ProvisioningError):
    """It is there, or should be, and does not answer (yet): AWS, an API server, a model."""

    exit_code = EXIT_NO_ANSWER


class AccessError(EksprovError):
    """The caller may not do this, or its credentials are missing or expired."""


class WaitTimeoutError(EksprovError):
    """The resource stayed in motion past its deadline; running again goes on waiting."""


class StateError(EksprovError):
    """The state file is locked, damaged, of a newer schema, or another account's or region's."""


class LocalWorldError(EksprovError):
    """The local world cannot be started or has stopped."""


class NoLocalWorldError(LocalWorldError):
    """No local world runs for this folder."""

    exit_code = EXIT_NOT_THERE


class SilentWorldError(LocalWorldError):
    """The local world's process lives and does not answer."""

    exit_code = EXIT_NO_ANSWER


class InterruptedRunError(EksprovError):
    """The user asked to stop; what was done is recorded."""

    exit_code = EXIT_INTERRUPTED
