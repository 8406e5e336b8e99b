"""A folder as a disk keeps it: what is written is seen at once, and survives a power cut only once it was synced.

The folder is a real one. This process's file functions are wrapped for paths below it: each operation is counted, may
be refused or cut short, and what `fsync` has made safe is remembered, contents and names apart (POSIX promises no more:
https://pubs.opengroup.org/onlinepubs/9699919799/functions/fsync.html). Meant for a process forked for one scenario;
nothing is ever put back.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Hook = Callable[[str, str], "str | None"]
REAL = {
    name: getattr(os, name)
    for name in ("open", "write", "fsync", "rename", "link", "unlink", "close", "ftruncate", "getpid")
}
NAMED = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO, "EROFS": errno.EROFS}


@dataclass
class _File:
    """Contents that are safe; what is not is in the real file."""

    safe: bytes = b""


@dataclass
class Disk:
    """`before(operation, name)` may say how an operation goes wrong: an errno's name, "short", or None.

    `after(operation, name)` hears of each that succeeded. `pid` is the number of the process that is running.
    """

    folder: Path
    before: Hook
    after: Callable[[str, str], None]
    pid: Callable[[], int]
    files: dict[str, _File] = field(default_factory=dict)  # by name, as seen
    safe: dict[str, _File] = field(default_factory=dict)  # by name, as after a power cut
    pending: list[tuple[str, _File | None]] = field(default_factory=list)  # names not safe yet, in order
    open_files: dict[int, tuple[str, int]] = field(default_factory=dict)  # descriptor: name, process
    age: int = 0  # grows whenever a power cut would leave something else than before

    def install(self) -> Disk:
        """Wrap this process's file functions, for good."""
        self._real = REAL
        ours = {
            **{"open": self._open, "write": self._write, "fsync": self._fsync, "close": self._close},
            **{"rename": self._rename, "replace": self._rename, "link": self._link},
            **{"unlink": self._unlink, "remove": self._unlink, "ftruncate": self._ftruncate},
            **{"fdopen": self._fdopen, "getpid": self._getpid},
        }
        for name, function in ours.items():
            setattr(os, name, function)
        return self

    def adopt(self) -> None:
        """Take everything in the folder as safe."""
        for path in self.folder.iterdir():
            if self._ours(path):
                self.files[path.name] = _File(path.read_bytes())
        self.safe, self.pending = dict(self.files), []

    def dies(self, process: int, *, power: bool) -> None:
        """A process is gone, its descriptors with it; with `power`, so is what was not safe."""
        for descriptor, (_, owner) in list(self.open_files.items()):
            if owner == process:
                self._close(descriptor)
        if power:
            for path in self.folder.iterdir():
                if self._ours(path):
                    self._real["unlink"](path)
            for name, file in self.safe.items():
                with io.open(self.folder / name, "wb", opener=self._opener) as out:  # noqa: UP020 -- the unwrapped
                    out.write(file.safe)
            self.files, self.pending = dict(self.safe), []

    def read(self, name: str) -> bytes | None:
        """A file's contents as seen, or None; not counted."""
        path = self.folder / name
        return path.read_bytes() if path.exists() else None

    def write(self, name: str, data: bytes) -> None:
        """Meddle with a file from outside; safe at once and not counted."""
        (self.folder / name).write_bytes(data)
        self.files[name] = self.safe[name] = _File(data)

    def remove(self, name: str) -> None:
        """Delete a file from outside; safe at once and not counted."""
        if name in self.files:
            self._real["unlink"](self.folder / name)
            del self.files[name]
        self.safe.pop(name, None)

    def _getpid(self) -> int:
        """Ours for the product; libraries that look out for forks get the real one."""
        asking = str(sys._getframe(1).f_globals.get("__name__", ""))
        return self.pid() if asking.startswith("eksprov.") else int(REAL["getpid"]())

    def _opener(self, path: str, flags: int) -> int:
        return int(self._real["open"](path, flags, 0o600))

    def _ours(self, path: Any) -> bool:
        return Path(os.fspath(path)).parent == self.folder and not os.fspath(path).endswith(".lock")

    def _fails(self, operation: str, name: str) -> str | None:
        wrong = self.before(operation, name)
        if wrong in NAMED:
            raise OSError(NAMED[wrong], os.strerror(NAMED[wrong]), name)
        return wrong

    def _open(self, path: Any, flags: int, mode: int = 0o777, **more: Any) -> int:
        inside = isinstance(path, str | os.PathLike) and Path(os.fspath(path)).parent == self.folder
        if not inside or not self._ours(path):
            descriptor = int(self._real["open"](path, flags, mode, **more))
            if inside or (isinstance(path, str | os.PathLike) and Path(path) == self.folder):
                self.open_files[descriptor] = (os.fspath(path), self.pid())
            return descriptor
        name = Path(path).name
        makes = bool(flags & os.O_CREAT) and name not in self.files
        if makes:
            self._fails("create", name)
        descriptor = int(self._real["open"](path, flags, mode, **more))
        self.open_files[descriptor] = (name, self.pid())
        if makes:
            self.files[name] = _File()
            self.pending.append((name, self.files[name]))
            self.after("create", name)
        return descriptor

    def _write(self, descriptor: int, data: Any) -> int:
        if (found := self._name(descriptor)) is None:
            return int(self._real["write"](descriptor, data))
        short = self._fails("write", found) == "short"
        written = int(self._real["write"](descriptor, data[: len(data) // 2] if short else data))
        self.after("write", found)
        return written

    def _fsync(self, descriptor: int) -> None:
        place, _ = self.open_files.get(descriptor, ("", 0))
        if place and Path(place) == self.folder:
            self._fails("sync-folder", ".")
            self.age += bool(self.pending)
            for pending, file in self.pending:
                if file is None:
                    self.safe.pop(pending, None)
                else:
                    self.safe[pending] = file
            self.pending.clear()
            self.after("sync-folder", ".")
        elif (name := self._name(descriptor)) is not None:
            self._fails("sync", name)
            if name in self.files:
                self.files[name].safe = (self.folder / name).read_bytes()
                self.age += any(file is self.files[name] for file in self.safe.values())
            self.after("sync", name)
        else:
            self._real["fsync"](descriptor)

    def _rename(self, old: Any, new: Any, **more: Any) -> None:
        if not self._ours(new):
            self._real["rename"](old, new, **more)
            return
        before, after = Path(old).name, Path(new).name
        self._fails("rename", after)
        self._real["rename"](old, new, **more)
        self.files[after] = file = self.files.pop(before)
        self.pending += [(after, file), (before, None)]
        self.after("rename", after)

    def _link(self, old: Any, new: Any, **more: Any) -> None:
        if not self._ours(new):
            self._real["link"](old, new, **more)
            return
        name = Path(new).name
        self._fails("link", name)
        self._real["link"](old, new, **more)
        self.files[name] = self.files[Path(old).name]
        self.pending.append((name, self.files[name]))
        self.after("link", name)

    def _unlink(self, path: Any, **more: Any) -> None:
        if not self._ours(path) or Path(path).name not in self.files:
            self._real["unlink"](path, **more)
            return
        name = Path(path).name
        self._fails("unlink", name)
        self._real["unlink"](path, **more)
        del self.files[name]
        self.pending.append((name, None))
        self.after("unlink", name)

    def _ftruncate(self, descriptor: int, length: int) -> None:
        if (name := self._name(descriptor)) is not None:
            self._fails("truncate", name)
        self._real["ftruncate"](descriptor, length)

    def _close(self, descriptor: int) -> None:
        self.open_files.pop(descriptor, None)
        self._real["close"](descriptor)

    def _fdopen(self, descriptor: int, *arguments: Any, **more: Any) -> Any:
        if self._name(descriptor) is not None:
            return _Writer(self, descriptor)
        return io.open(descriptor, *arguments, **more)  # noqa: UP020 -- what os.fdopen is

    def _name(self, descriptor: int) -> str | None:
        name, _ = self.open_files.get(descriptor, ("", 0))
        return name if name and not name.startswith("/") else None


class _Writer:
    """What os.fdopen gives for writing, through the wrapped functions."""

    def __init__(self, disk: Disk, descriptor: int) -> None:
        self._disk, self._descriptor = disk, descriptor

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def write(self, data: bytes) -> int:
        """As io does: until all is written."""
        done = 0
        while done < len(data):
            written = os.write(self._descriptor, data[done:])
            if not written:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            done += written
        return done

    def flush(self) -> None:
        """Nothing is buffered."""

    def fileno(self) -> int:
        """The descriptor."""
        return self._descriptor
