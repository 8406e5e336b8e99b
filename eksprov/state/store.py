"""The state in a file: one writer at a time, and never a moment in which the file is not whole.

A save goes to a temporary file beside it, is fsynced, and renamed over it; the file before stays as `.bak`. Files are
0600 from the moment they exist. The lock is the operating system's, so a killed holder never blocks; who holds it is
written beside it. Teams keep the state in S3 instead: see `s3_store`.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from eksprov import errors
from eksprov.state.codec import decode, encode
from eksprov.state.files import REAL, Files, reason, sync_folder, write_whole
from eksprov.state.holder import Holder, Me, stamp, this_process
from eksprov.state.journal import FileJournal, Journal
from eksprov.state.record import State

if TYPE_CHECKING:
    from filelock import BaseFileLock

NAME_PAUSE_S, NAME_LOOKS = 0.05, 40  # looks for the holder's name: for 2 s in all


class StateStore(Protocol):
    """Where a stack's state is kept."""

    def load(self) -> State | None: ...

    def save(self, state: State) -> None: ...

    def forget(self) -> None: ...

    def lock(self, command: str) -> AbstractContextManager[None]: ...

    def where(self) -> str: ...


class LockedStore(StateStore, Protocol):
    """A store with what the command line asks of one: its journal, and who holds the lock."""

    def journal(self) -> Journal: ...

    def lost(self) -> bool:
        """Whether the lock that this process took has been taken from it: nothing new may begin."""
        ...

    def holder(self) -> Holder | None:
        """Who holds the lock now."""
        ...

    def unlock(self, holder: Holder) -> None:
        """Take the lock from a holder that has died. Raises: StateError where it lives, or is another by now."""
        ...


class FileStore:
    """A stack's state in the file `<folder>/<stack>.json`, with its lock, journal and backup beside it."""

    def __init__(
        self,
        folder: Path,
        stack: str,
        files: Files = REAL,
        me: Me | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._folder, self._stack, self._files, self._pause = folder, stack, files, pause
        self._me = me or this_process()
        self._path = folder / f"{stack}.json"
        self._backup = folder / f"{stack}.json.bak"
        self._holder = folder / f"{stack}.lock.json"
        self._damaged = False

    def where(self) -> str:
        """The file, as the user may name it."""
        return _shown(self._path)

    def load(self) -> State | None:
        """The state, or None when there is no file. Raises: StateError when it cannot be read."""
        try:
            data = self._files.read(self._path)
        except FileNotFoundError:
            self._damaged = False
            return None
        except OSError as error:
            raise errors.StateError(f"{self.where()} cannot be read: {reason(error)}") from error
        self._damaged = True
        state = decode(data, self.where(), self._stack, self._cure)
        self._damaged = False
        return state

    def save(self, state: State) -> None:
        """Replace the file by `state`; what was read as damaged does not become the backup.

        Raises: StateError when the disk refuses; the file is then whole, as before.
        """
        try:
            self._files.make_folder(self._folder)
            write_whole(self._path, encode(state), None if self._damaged else self._backup, self._files)
        except OSError as error:
            raise errors.StateError(f"{self.where()} cannot be written: {reason(error)}") from error
        self._damaged = False

    def forget(self) -> None:
        """Remove the file and its backup: nothing of the stack exists any more. Raises: StateError."""
        try:
            if not self._folder.is_dir():
                return
            for path in (self._backup, self._path):
                self._files.unlink(path)
            sync_folder(self._files, self._folder)
        except OSError as error:
            raise errors.StateError(f"{self.where()} cannot be removed: {reason(error)}") from error

    def journal(self) -> Journal:
        return FileJournal(self._folder / f"{self._stack}.journal", files=self._files)

    @contextlib.contextmanager
    def lock(self, command: str) -> Iterator[None]:
        """Hold the stack alone. Raises: StateError naming the holder when somebody else does."""
        held = self._take()
        if held is None:
            raise self._refused()
        try:
            self._remove_drafts()
            holder = Holder(command, self._me.user, self._me.host, self._me.pid, stamp(time.time()))
            try:
                write_whole(self._holder, json.dumps(asdict(holder)).encode(), files=self._files)
            except OSError as error:
                raise errors.StateError(f"{_shown(self._holder)} cannot be written: {reason(error)}") from error
            yield
        finally:
            with contextlib.suppress(OSError):  # a name that stays behind says nothing: only the lock itself does
                self._files.unlink(self._holder)
            held.release()

    def lost(self) -> bool:
        """Never: only the end of the process ends its lock."""
        return False

    def holder(self) -> Holder | None:
        """Who holds the lock; one without a name and a pid where the holder hasn't written them in a while."""
        if not (self._folder / f"{self._stack}.lock").exists():
            return None
        held = self._take()
        if held is None:
            return self._named() or Holder("…", "", self._me.host, 0, "just now")
        held.release()
        return None

    def unlock(self, holder: Holder) -> None:
        """Refused: this lock ends with its holder. Raises: StateError."""
        raise errors.StateError(
            f"stack {self._stack!r} is held by {holder}, which is running",
            "wait until it has ended; its lock ends with it",
        )

    def _remove_drafts(self) -> None:
        """Remove what killed holders of this lock have left half-written."""
        for path in self._folder.glob(f".{self._stack}.*.tmp"):
            with contextlib.suppress(OSError):  # litter is harmless
                self._files.unlink(path)

    def _take(self) -> BaseFileLock | None:
        """The lock; None where another process has it. Raises: StateError."""
        from filelock import FileLock, Timeout

        try:
            self._files.make_folder(self._folder)
            lock = FileLock(self._folder / f"{self._stack}.lock", timeout=0, mode=0o600)
            lock.acquire()
        except Timeout:
            return None
        except OSError as error:
            raise errors.StateError(f"{_shown(self._folder)} cannot be written: {reason(error)}") from error
        return lock

    def _refused(self) -> errors.StateError:
        who = self._named() or "another eksprov that does not say its name"
        return errors.StateError(f"stack {self._stack!r} is being worked on by {who}", "wait until it has ended")

    def _named(self) -> Holder | None:
        """The holder, as it has written itself down: a moment after it took the lock, so that moment is waited for.

        A name that a killed holder left behind is not the one that holds the lock now.
        """
        for _ in range(NAME_LOOKS):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # none yet, or not one
                named = Holder.read(json.loads(self._files.read(self._holder)))
                if named.lives(self._me) is not False:
                    return named
            self._pause(NAME_PAUSE_S)
        return None

    def _cure(self) -> str:
        return cure_by_backup(self._backup_read, _shown(self._backup))

    def _backup_read(self) -> State | None:
        try:
            return decode(self._files.read(self._backup), "", self._stack)
        except OSError:
            return None


def cure_by_backup(read: Callable[[], State | None], where: str) -> str:
    """What to say beside "move it away" of a damaged state: that the one before is whole, if it is."""
    try:
        before = read()
    except errors.EksprovError:
        return ""
    if before is None:
        return ""
    return (
        f"; or put back the one before the last write, {where} (serial {before.serial}, whole), "
        "with `eksprov state push FILE --force`"
    )


def _shown(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
