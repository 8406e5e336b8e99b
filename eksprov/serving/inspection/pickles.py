"""Which library version wrote a pickle, found without unpickling: unpickling runs whatever code the file names.

scikit-learn writes its version into every estimator's state (`_sklearn_version`,
https://scikit-learn.org/stable/model_persistence.html). The key is looked for as bytes, because joblib lays raw arrays
between the opcodes of a pickle, which no opcode reader survives; the two opcodes there are then read with pickletools,
which executes nothing. joblib's compressions are undone as a stream, up to a limit.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickletools
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

KEY = b"_sklearn_version"
CHUNK_BYTES = 2**20
TAIL_BYTES = 512  # more than the opcodes round the key take
# Estimators write their version near where they begin; this bounds the time, and what a bomb can do.
LIMIT_BYTES = 2**30
_VERSION = re.compile(r"\d+\.\d+(\.\d+)?([.\w]*)")


# What unpacking raises for files that are damaged, or packed in a way that cannot be undone here.
PACKED_ERRORS: Final = (EOFError, zlib.error, lzma.LZMAError, OSError, ImportError)


def sklearn_version(path: Path) -> str | None:
    """The scikit-learn version in a pickle or joblib file, or None where there is none to be found."""
    seen = b""
    try:
        with path.open("rb") as file:
            for chunk in _chunks(file):
                seen = seen[-TAIL_BYTES:] + chunk
                if found := _search(seen):
                    return found
    except PACKED_ERRORS:
        return None  # `contents` says so
    return None


def version_warning(path: Path, served: str) -> str | None:
    """A sentence when the file was written by another scikit-learn than the server's, or None."""
    written = sklearn_version(path)
    if written is None or written == served:
        return None
    return (
        f"{path.name} was written by scikit-learn {written}; the server has {served}: "
        "it may fail to load or predict otherwise"
    )


def _chunks(file: io.BufferedReader) -> Iterator[bytes]:
    (stream, _), total = opened(file), 0
    while total < LIMIT_BYTES and (chunk := stream.read(CHUNK_BYTES)):
        total += len(chunk)
        yield chunk


def opened(file: io.BufferedReader) -> tuple[io.BufferedReader, bool]:
    """The file, unpacked as its first bytes say (https://joblib.readthedocs.io/en/stable/persistence.html), and whether
    it is packed at all."""
    magic = file.read(6)
    file.seek(0)
    packed = _unpacking(magic, file)
    return (file, False) if packed is None else (io.BufferedReader(packed, CHUNK_BYTES // 4), True)


def _unpacking(magic: bytes, file: IO[bytes]) -> Any:
    if magic.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=file)
    if magic.startswith(b"BZh"):
        return bz2.BZ2File(file)
    if magic.startswith((b"\xfd7zXZ", b"\x5d\x00\x00")):
        return lzma.LZMAFile(file)
    if magic[:1] == b"\x78" and magic[1:2] in (b"\x01", b"\x5e", b"\x9c", b"\xda"):
        return _Zlib(file)
    return None


class _Zlib(io.RawIOBase):
    """A zlib stream as a file; the standard library has none."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._engine = file, zlib.decompressobj()

    def readable(self) -> bool:
        """It can be read, and nothing else."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Up to the buffer's length more; 0 at the end."""
        while not self._engine.eof:
            packed = self._engine.unconsumed_tail or self._file.read(CHUNK_BYTES // 16)
            if not packed:
                return 0
            if data := self._engine.decompress(packed, len(buffer)):
                buffer[: len(data)] = data
                return len(data)
        return 0


def _search(data: bytes) -> str | None:
    at = data.find(KEY)
    while at >= 0:
        # The key's own opcode stands 1 (text), 2 (short) or 5 (long) bytes before it.
        for start in (at - 2, at - 5, at - 1):
            if start >= 0 and (found := _value_after_key(data[start : at + TAIL_BYTES])):
                return found
        at = data.find(KEY, at + 1)
    return None


def _value_after_key(data: bytes) -> str | None:
    strings: list[str] = []
    try:
        for opcode, argument, _ in pickletools.genops(data):
            if opcode.name in ("MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT"):
                continue
            if not isinstance(argument, str) or (not strings and argument != KEY.decode()):
                return None
            strings.append(argument)
            if len(strings) == 2:
                return argument if _VERSION.fullmatch(argument) else None
    except (ValueError, IndexError):
        return None
    return None
