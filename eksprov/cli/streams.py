"""Standard input, output and error, such that no reader that leaves and no full disk breaks a run in its middle.

Whoever closes the pipe has read enough: the rest goes nowhere, the command ends its work, and its exit code is that of
the work, as with the AWS CLI, whose tables pass over it too
(https://github.com/aws/aws-cli/blob/develop/awscli/formatter.py). So `policy | head -1`
exits 0, and a `provision | head` that fails exits 1. What a full disk does not take is noted, and told at the end.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import Any, TextIO


class PatientStream(io.FileIO):
    """A descriptor whose writes never fail: `left` once nobody reads, `refused` by what the disk did not take."""

    left = False
    refused: OSError | None = None

    def write(self, data: Any, /) -> int:
        """As much as the system takes; all of it, once it takes no more."""
        if not self.left and self.refused is None:
            try:
                return super().write(data) or 0
            except BrokenPipeError:
                self.left = True
            except OSError as error:
                self.refused = error
        return memoryview(data).nbytes


def settle() -> None:
    """Put patient streams in place of this process's own; one that was closed leads nowhere.

    A closed descriptor would be given to the next file that is opened, which would then get what is printed.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 -- it lives as long as the process
    # A terminal that knows no "…" shows "?", and nothing breaks.
    sys.stdout = _patient(sys.stdout, 1, "replace")
    sys.stderr = _patient(sys.stderr, 2, "backslashreplace")


def unwritten(stream: TextIO) -> OSError | None:
    """Write out what waits, and why that was refused, if it was."""
    stream.flush()
    raw = _raw(stream)
    return raw.refused if raw is not None else None


def is_read(stream: TextIO) -> bool:
    """Whether anybody may still read what is written to it."""
    stream.flush()
    raw = _raw(stream)
    return raw is None or not (raw.left or raw.refused)


def _patient(old: TextIO | None, number: int, errors: str) -> TextIO:
    if old is not None:
        with contextlib.suppress(OSError):
            old.flush()
    raw = PatientStream(number, "w", closefd=False)
    lines = number == 2 or raw.isatty()
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=getattr(old, "encoding", "utf-8"), errors=errors, line_buffering=lines
    )


def _raw(stream: TextIO) -> PatientStream | None:
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    return raw if isinstance(raw, PatientStream) else None
