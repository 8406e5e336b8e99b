"""Container logs as files: every line with the moment it was written, read back the way `kubectl logs` asks.

A container's file grows to 10 MiB, then its older half is put beside it under `.1`, as the kubelet does
(https://kubernetes.io/docs/concepts/cluster-administration/logging/#log-rotation) with fewer files.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

MAX_BYTES = 10 * 1024**2
MAX_LINE_BYTES = 64 * 1024
# The kubelet's limits for a termination message taken from the log.
FALLBACK_LINES = 80
FALLBACK_BYTES = 2048


class ContainerLog:
    """Appends lines to one file (0600); a line is `<RFC 3339 with microseconds> <text>`."""

    def __init__(self, path: Path, now: Callable[[], datetime]) -> None:
        self.path = path
        self._now = now
        self._open()

    def _open(self) -> None:
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        self._file = open(handle, "ab", buffering=0)  # noqa: SIM115 - lives as long as the container

    def write(self, line: bytes | str) -> None:
        """Append one line; a file that is full is put aside first."""
        text = line.encode() if isinstance(line, str) else line
        stamp = self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()
        self._file.write(stamp + b" " + text.rstrip(b"\r\n")[:MAX_LINE_BYTES] + b"\n")
        if self._file.tell() > MAX_BYTES:
            self._file.close()
            self.path.replace(self.path.with_name(self.path.name + ".1"))
            self._open()

    def close(self) -> None:
        self._file.close()


@dataclass(frozen=True)
class LogQuery:
    """What the API server passes on from `kubectl logs` (PodLogOptions)."""

    tail_lines: int | None = None
    since: datetime | None = None
    limit_bytes: int | None = None
    timestamps: bool = False
    follow: bool = False
    previous: bool = False

    @staticmethod
    def of(parameters: Mapping[str, str], now: datetime) -> LogQuery:
        """Read the query string. Raises ValueError for what is no number or time."""
        since = None
        if "sinceSeconds" in parameters:
            since = now - timedelta(seconds=int(parameters["sinceSeconds"]))
        elif "sinceTime" in parameters:
            since = datetime.fromisoformat(parameters["sinceTime"].replace("Z", "+00:00"))
        tail, limit = parameters.get("tailLines"), parameters.get("limitBytes")
        return LogQuery(
            tail_lines=None if tail is None else int(tail),
            since=since,
            limit_bytes=None if limit is None else int(limit),
            timestamps=parameters.get("timestamps") == "true",
            follow=parameters.get("follow") == "true",
            previous=parameters.get("previous") == "true",
        )

    def shown(self, line: bytes) -> bytes | None:
        """The line as it is to be shown, or None where it is older than asked for."""
        stamp, _, text = line.partition(b" ")
        if self.since is not None and datetime.fromisoformat(stamp.decode().replace("Z", "+00:00")) < self.since:
            return None
        return line if self.timestamps else text


def read(path: Path, query: LogQuery) -> bytes:
    """What is in the file now, cut down to what `query` asks for."""
    lines = [shown for line in _lines(path) if (shown := query.shown(line)) is not None]
    if query.tail_lines is not None:
        lines = lines[len(lines) - min(query.tail_lines, len(lines)) :]
    text = b"".join(lines)
    return text if query.limit_bytes is None else text[: query.limit_bytes]


def last_words(path: Path) -> str:
    """The end of the log, for `terminationMessagePolicy: FallbackToLogsOnError`."""
    text = b"".join(LogQuery().shown(line) or b"" for line in list(_lines(path))[-FALLBACK_LINES:])
    return text[-FALLBACK_BYTES:].decode("utf-8", "replace").strip()


def _lines(path: Path) -> Iterator[bytes]:
    for part in (path.with_name(path.name + ".1"), path):
        if part.exists():
            with part.open("rb") as file:
                yield from (line for line in file if line.endswith(b"\n"))
