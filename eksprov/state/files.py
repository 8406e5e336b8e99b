"""The file operations that state is kept by, and the two patterns of them that lose nothing.

`Files` is the operating system; tests bring one whose n-th operation fails. `write_whole` replaces a file so that a
reader, or a crash, sees the old content or the new; `append_line` adds a line that is on the disk when it returns.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

PRIVATE = 0o600


class Files:
    """What the operating system offers. Every method raises OSError."""

    def make_folder(self, path: Path) -> None:
        """Make a folder and those above it, where they are missing."""
        path.mkdir(parents=True, exist_ok=True)

    def open(self, path: Path, flags: int) -> int:
        """A descriptor; a file that is made is private from its first moment, and a link is never followed."""
        return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE)

    def read(self, path: Path) -> bytes:
        return path.read_bytes()

    def write(self, descriptor: int, data: bytes) -> int:
        """Write some of `data`; return how many bytes."""
        return os.write(descriptor, data)

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut a file off behind `size` bytes."""
        os.ftruncate(descriptor, size)

    def fsync(self, descriptor: int) -> None:
        """Wait until what was written to a file is on the disk."""
        os.fsync(descriptor)

    def close(self, descriptor: int) -> None:
        os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        """Put one name in place of another, at once."""
        source.rename(target)

    def link(self, source: Path, target: Path) -> None:
        """Give a file a second name."""
        os.link(source, target)

    def unlink(self, path: Path) -> None:
        """Remove a name of a file, if it is there."""
        path.unlink(missing_ok=True)


REAL = Files()


def reason(error: OSError) -> str:
    """Why the operating system refused a call, in its words."""
    return error.strerror or str(error)


def write_whole(path: Path, data: bytes, backup: Path | None = None, files: Files = REAL) -> None:
    """Put `data` at `path`; what was there before stays as `backup`.

    Raises: OSError; `path` then holds the old content, or, where only the folder's fsync failed, the new one.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    files.unlink(temporary)
    try:
        with _opened(files, temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as descriptor:
            _write_all(files, descriptor, data)
            files.fsync(descriptor)
        if backup is not None:
            _keep(files, path, backup)
        files.rename(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):  # litter is harmless; the first failure is the one to tell
            files.unlink(temporary)
        raise
    sync_folder(files, path.parent)


def append_line(path: Path, line: bytes, files: Files = REAL) -> None:
    """Add a line, cutting off a torn one that an earlier crash left behind. Raises: OSError; the line may be torn."""
    files.make_folder(path.parent)
    with _opened(files, path, os.O_RDWR | os.O_CREAT) as descriptor:
        whole = _whole_lines(descriptor)
        if whole < os.fstat(descriptor).st_size:
            files.truncate(descriptor, whole)
        os.lseek(descriptor, whole, os.SEEK_SET)
        try:
            _write_all(files, descriptor, line)
            files.fsync(descriptor)
        except OSError:
            with contextlib.suppress(OSError):  # without it the line stays, and says that a call may have been made
                files.truncate(descriptor, whole)
            raise
    if whole == 0:
        sync_folder(files, path.parent)


def sync_folder(files: Files, folder: Path) -> None:
    """Wait until the names in the folder are on the disk."""
    with _opened(files, folder, os.O_RDONLY | os.O_DIRECTORY) as descriptor:
        files.fsync(descriptor)


@contextlib.contextmanager
def _opened(files: Files, path: Path, flags: int) -> Iterator[int]:
    """A descriptor; a failing close is a failure, unless there was one before."""
    descriptor = files.open(path, flags)
    try:
        yield descriptor
    except BaseException:
        with contextlib.suppress(OSError):
            files.close(descriptor)
        raise
    files.close(descriptor)


def _write_all(files: Files, descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        written = files.write(descriptor, bytes(rest))
        if written <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        rest = rest[written:]


def _whole_lines(descriptor: int) -> int:
    """How many bytes of the file are whole lines."""
    size = os.lseek(descriptor, 0, os.SEEK_END)
    if not size or os.pread(descriptor, 1, size - 1) == b"\n":
        return size
    return os.pread(descriptor, size, 0).rfind(b"\n") + 1


def _keep(files: Files, path: Path, backup: Path) -> None:
    """Make `backup` the file that `path` is now, without a moment in which there is none."""
    link = backup.with_name(f".{backup.name}.{os.getpid()}.tmp")
    files.unlink(link)
    try:
        files.link(path, link)
    except FileNotFoundError:
        return  # nothing was there before
    try:
        files.rename(link, backup)
    except BaseException:
        with contextlib.suppress(OSError):
            files.unlink(link)
        raise
    files.unlink(link)  # where both are names of one file, after a write that failed, rename leaves both (POSIX)
