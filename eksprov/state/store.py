"""The state in a file: one writer at a time, and never a moment in which the file is not whole.

A save goes to a temporary file beside it, is fsynced, and renamed over it; the file before stays as `.bak`. Files are
0600 from the moment they exist. The lock is the operating system's, so a killed holder never blocks; who holds it is
written beside it.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from eksprov import errors
from eksprov.state.codec import decode, encode
from eksprov.state.record import State


class StateStore(Protocol):
    """Where a stack's state is kept."""

    def load(self) -> State | None: ...

    def save(self, state: State) -> None: ...

    def forget(self) -> None: ...

    def lock(self, command: str) -> AbstractContextManager[None]: ...

    def where(self) -> str: ...


class FileStore:
    """`<folder>/<stack>.json`."""

    def __init__(self, folder: Path, stack: str) -> None:
        self._folder, self._stack = folder, stack
        self._path = folder / f"{stack}.json"
        self._backup = folder / f"{stack}.json.bak"
        self._holder = folder / f"{stack}.lock.json"

    def where(self) -> str:
        """The file, as the user may name it."""
        return os.path.relpath(self._path) if self._path.is_relative_to(Path.cwd()) else str(self._path)

    def load(self) -> State | None:
        """The state, or None when there is no file. Raises: StateError when it cannot be read."""
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise errors.StateError(f"{self.where()} cannot be read: {error.strerror}") from error
        return decode(data, self.where(), self._stack)

    def save(self, state: State) -> None:
        """Replace the file by `state`. Raises: StateError when the disk refuses; the file before is then intact."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, encode(state), backup=self._backup)
        except OSError as error:
            raise errors.StateError(f"{self.where()} cannot be written: {error.strerror}") from error

    def forget(self) -> None:
        """Remove the file and its backup: nothing of the stack exists any more."""
        for path in (self._path, self._backup):
            path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def lock(self, command: str) -> Iterator[None]:
        """Hold the stack alone. Raises: StateError naming the holder when somebody else does."""
        from filelock import FileLock, Timeout

        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self._folder / f"{self._stack}.lock", timeout=0, mode=0o600)
            lock.acquire()
        except Timeout:
            raise self._held() from None
        except OSError as error:
            raise errors.StateError(f"{self._folder} cannot be written: {error.strerror}") from error
        try:
            write_whole(self._holder, json.dumps(_me(command)).encode())
            yield
        finally:
            self._holder.unlink(missing_ok=True)
            lock.release()

    def _held(self) -> errors.StateError:
        try:
            holder = json.loads(self._holder.read_bytes())
            who = f"`eksprov {holder['command']}` (pid {holder['pid']} on {holder['host']}, since {holder['since']})"
        except (OSError, ValueError, KeyError):
            who = "another eksprov that has only just begun"
        return errors.StateError(f"stack {self._stack!r} is being worked on by {who}", "wait until it has ended")


def _me(command: str) -> dict[str, str | int]:
    since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"command": command, "pid": os.getpid(), "host": socket.gethostname(), "since": since}


def write_whole(path: Path, data: bytes, backup: Path | None = None) -> None:
    """Put `data` at `path` so that a reader, or a crash, sees the old content or the new, never a part.

    The file is 0600 from its first moment; a link at the temporary name is never followed. Raises: OSError.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if backup is not None and path.exists():
            _keep(path, backup)
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _keep(path: Path, backup: Path) -> None:
    """Make `backup` the file that `path` is now, without a moment in which there is none."""
    link = backup.with_name(f".{backup.name}.{os.getpid()}.tmp")
    link.unlink(missing_ok=True)
    os.link(path, link)
    link.rename(backup)
