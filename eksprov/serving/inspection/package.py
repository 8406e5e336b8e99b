"""A model folder as what is to be uploaded: files with their hashes, one digest for all, and what the runtime needs
beside them.

Reads files and writes none: what the runtime wants beside the model is derived by its layout. What could not be served
is refused here, before anything is made.
Left out: hidden files, `__pycache__`, and `sample.json`, the request that `invoke` sends when it is given no data.
Links are read through, but never out of the folder.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from eksprov import errors
from eksprov.serving.inspection.contents import refuse_pointers
from eksprov.serving.inspection.folder import Folder
from eksprov.serving.inspection.formats import ANNEX
from eksprov.serving.runtimes.base import Runtime

SAMPLE: Final = "sample.json"
CHUNK_BYTES: Final = 2**20
KEY_BYTES: Final = 900  # S3 keys have 1,024 bytes; the prefix needs some of them


@dataclass(frozen=True)
class ModelFile:
    """One file of a package: its path below the folder, and where its bytes come from (a file, or `content`)."""

    path: str
    size: int
    sha256: str
    source: Path | None = None
    content: bytes = b""


@dataclass(frozen=True)
class Package:
    """A model's files. `digest` changes with any byte or name in them, and with nothing else. `loaded_bytes`: of the
    model's file unpacked, at least, which the server will hold in memory; 0 where that is not known."""

    folder: Path
    files: tuple[ModelFile, ...]
    digest: str
    warnings: tuple[str, ...] = ()
    loaded_bytes: int = 0

    @property
    def size_bytes(self) -> int:
        """The sum of all files."""
        return sum(file.size for file in self.files)

    @property
    def sample(self) -> Path | None:
        """The folder's sample request, where there is one."""
        path = self.folder / SAMPLE
        return path if path.is_file() else None


def read_package(folder: Path, name: str, runtime: Runtime) -> Package:
    """Read and hash a model's folder, and look into what is in it.

    Raises: UsageError for a folder that is missing, empty, leads outside by a link, leaves open which file is the
    model, or holds something that the server could not load, or not answer from.
    """
    _refuse_no_folder(folder, name)
    files = {file.path: file for path in _walk(folder, folder.resolve(), name) if (file := _hashed(folder, path))}
    if not files:
        raise errors.UsageError(f"model {name}: the folder {folder} is empty", "put the model's file into it")
    here = Folder(folder, name, frozenset(files), runtime)
    refuse_pointers(here)
    prepared = runtime.layout(here)
    for path, content in prepared.files.items():
        files[path] = ModelFile(path, len(content), hashlib.sha256(content).hexdigest(), content=content)
    listed = sorted(files.values(), key=lambda file: file.path)
    return Package(folder, tuple(listed), _digest(listed), prepared.warnings, prepared.loaded_bytes)


def _refuse_no_folder(folder: Path, name: str) -> None:
    if folder.is_file():
        raise errors.UsageError(
            f"model {name}: {folder} is a file", "`path` in the config names the folder that the model's file is in"
        )
    if not folder.is_dir():
        raise errors.UsageError(
            f"model {name}: there is no folder {folder}", "train the model first, or correct its `path` in the config"
        )


def _walk(folder: Path, root: Path, name: str) -> Iterator[Path]:
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        if entry.name.startswith(".") or entry.name == "__pycache__":
            continue
        path = Path(entry.path)
        if path.parent.resolve() == root and entry.name == SAMPLE:
            continue
        if entry.is_symlink() and "annex/objects/" in os.readlink(path):
            raise errors.UsageError(f"model {name}: {path} is {ANNEX.name}", ANNEX.cure)
        if entry.is_symlink() and not path.resolve().is_relative_to(root):
            raise errors.UsageError(
                f"model {name}: {path} is a link that leads out of the model's folder", "copy the file instead"
            )
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(path, root, name)
        elif entry.is_file():
            yield path
        elif entry.is_symlink() and not path.exists():
            raise errors.UsageError(
                f"model {name}: {path} is a link to {os.readlink(path)}, which is not there", "copy the file instead"
            )
        else:
            raise errors.UsageError(f"model {name}: {path} is no ordinary file", "move it out of the model's folder")


def _hashed(folder: Path, path: Path) -> ModelFile:
    relative = path.relative_to(folder).as_posix()
    if not relative.isprintable() or len(relative.encode()) > KEY_BYTES:
        raise errors.UsageError(f"{str(path)!a}: the name cannot be an object's in S3", "rename the file")
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
    except OSError as error:
        raise errors.UsageError(f"{path} cannot be read: {error.strerror}") from error
    return ModelFile(relative, size, digest.hexdigest(), path)


def _digest(files: list[ModelFile]) -> str:
    """16 hex digits over names and contents, independent of the folder's place, times and order."""
    listing = "".join(f"{file.sha256}  {file.path}\n" for file in files)
    return hashlib.sha256(listing.encode()).hexdigest()[:16]
