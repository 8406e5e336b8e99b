"""What was about to be sent, written down before it is sent.

AWS recognises most creates that come twice, by name or by token. A VPC, an internet gateway or an elastic IP has
neither: when the answer is lost, nothing but a note says that one may exist. So before such a call an *intent* goes to
this file and to the disk; after it, a *result*. An intent without a result is open: the next run looks for the resource
by its tags, for as long as listings may lag, before it sends the call again.

One JSON object a line: `{"do": "intend", "step": ..., "operation": ..., "generation": ..., "token": ...,
"facts_sha256": ..., "at": ...}` and `{"do": "landed", "step": ..., "outputs": {...}, "at": ...}`. A torn last line was
never on the disk as a whole, so its call was never sent: it is left out.

Teams that keep their state in S3 keep the intents there too: see `s3_journal`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from eksprov import errors
from eksprov.state.files import REAL, Files, append_line, reason


@dataclass(frozen=True)
class Intent:
    """A call that is about to be made, written down before it is sent."""

    step: str  # the step's name
    operation: str  # what is sent, like "create"
    generation: int  # how often the resource was deleted before: tells its incarnation
    token: str  # the call's idempotency token, 64 hex digits
    facts_sha256: str  # a hash of the facts wanted, which are the call's parameters


class Journal(Protocol):
    """Where intents are kept. `intend` and `landed` return only when the line is safe; any thread may call them."""

    def open_intents(self) -> dict[str, Intent]: ...

    def intend(self, intent: Intent) -> None: ...

    def landed(self, step: str, outputs: Mapping[str, str]) -> None: ...

    def clear(self) -> None: ...


def utc() -> str:
    """The time to the second, as state and journal have it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class FileJournal:
    """A file beside the state, 0600, only ever appended to; removed once nothing in it is open."""

    def __init__(self, path: Path, now: Callable[[], str] = utc, files: Files = REAL) -> None:
        self._path, self._now, self._files = path, now, files
        self._lock = threading.Lock()

    def open_intents(self) -> dict[str, Intent]:
        """Intents without a result, by step. Raises: StateError when a line before the last is damaged."""
        try:
            lines = self._files.read(self._path).split(b"\n")
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise errors.StateError(f"{self._path} cannot be read: {reason(error)}") from error
        found: dict[str, Intent] = {}
        for number, line in enumerate(lines[:-1], 1):  # what follows the last newline is empty, or torn
            self._apply(found, line, number)
        return found

    def intend(self, intent: Intent) -> None:
        """Write down a call before it is made. Raises: StateError when the disk refuses; the call must not be made."""
        self._append({"do": "intend", **asdict(intent), "at": self._now()})

    def landed(self, step: str, outputs: Mapping[str, str]) -> None:
        """Write down that a step's resource exists. Raises: StateError when the disk refuses."""
        self._append({"do": "landed", "step": step, "outputs": dict(outputs), "at": self._now()})

    def clear(self) -> None:
        """Forget what is settled: the file goes when no intent is open. Raises: StateError."""
        with self._lock:
            if not self.open_intents():
                try:
                    self._files.unlink(self._path)
                except OSError as error:
                    raise errors.StateError(f"{self._path} cannot be removed: {reason(error)}") from error

    def _apply(self, found: dict[str, Intent], line: bytes, number: int) -> None:
        try:
            entry: dict[str, Any] = json.loads(line)
            match entry.pop("do"):
                case "intend":
                    entry.pop("at")
                    found[entry["step"]] = Intent(**entry)
                case "landed":
                    found.pop(entry["step"], None)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise errors.StateError(
                f"{self._path}, line {number}: damaged",
                "move the file away and run the same command again: what exists is found by its tags",
            ) from error

    def _append(self, entry: Mapping[str, Any]) -> None:
        try:
            with self._lock:
                append_line(self._path, json.dumps(entry).encode() + b"\n", self._files)
        except OSError as error:
            raise errors.StateError(f"{self._path} cannot be written: {reason(error)}") from error
