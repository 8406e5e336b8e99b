"""A model folder as what is to be uploaded: files with their hashes, one digest for all, and what the runtime needs
beside them.

Reads files and writes none: `model-settings.json`, which MLServer wants beside the model
(https://mlserver.readthedocs.io/en/stable/reference/model-settings.html), is derived unless the folder has one.
Left out: hidden files, `__pycache__`, and `sample.json`, the request that `invoke` sends when it is given no data.
Links are read through, but never out of the folder.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eksprov import errors
from eksprov.serving.pickles import version_warning
from eksprov.serving.runtimes import Runtime

SETTINGS: Final = "model-settings.json"
SAMPLE: Final = "sample.json"
CHUNK_BYTES: Final = 2**20
# MLServer's start-up script unpacks it into its working directory, which is read-only here, and so the server ends
# (https://github.com/SeldonIO/MLServer/blob/1.7.1/hack/activate-env.sh).
ENVIRONMENT: Final = "environment.tar.gz"
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
    """A model's files. `digest` changes with any byte or name in them, and with nothing else."""

    folder: Path
    files: tuple[ModelFile, ...]
    digest: str
    warnings: tuple[str, ...] = ()

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
    """Read and hash a model's folder.

    Raises: UsageError for a folder that is missing, empty, leads outside by a link, or leaves open which file is the
    model.
    """
    if not folder.is_dir():
        raise errors.UsageError(
            f"model {name}: there is no folder {folder}", "train the model first, or correct its `path` in the config"
        )
    files = sorted((_hashed(folder, path) for path in _walk(folder, folder.resolve(), name)), key=lambda f: f.path)
    if not files:
        raise errors.UsageError(f"model {name}: the folder {folder} is empty", "put the model's file into it")
    if any(file.path == ENVIRONMENT for file in files):
        raise errors.UsageError(
            f"model {name}: {folder / ENVIRONMENT} is an environment of its own, which the server cannot unpack here",
            f"take it out, and train with the libraries of {runtime.name}: {_listed(runtime)}",
        )
    settings = next((file for file in files if file.path == SETTINGS), None)
    model: ModelFile | None
    if settings is None:
        model = found = _candidate(files, folder, name, runtime)
        files = sorted([*files, _derived_settings(name, runtime, found.path)], key=lambda f: f.path)
    else:
        model = _named_by(settings, files, name)
    warning = version_warning(model.source, runtime.libraries["scikit-learn"]) if model and model.source else None
    return Package(folder, tuple(files), _digest(files), (warning,) if warning else ())


def _listed(runtime: Runtime) -> str:
    return ", ".join(f"{name} {version}" for name, version in runtime.libraries.items())


def _walk(folder: Path, root: Path, name: str) -> Iterator[Path]:
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        if entry.name.startswith(".") or entry.name == "__pycache__":
            continue
        path = Path(entry.path)
        if path.parent.resolve() == root and entry.name == SAMPLE:
            continue
        if entry.is_symlink() and not path.resolve().is_relative_to(root):
            raise errors.UsageError(
                f"model {name}: {path} is a link that leads out of the model's folder", "copy the file instead"
            )
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(path, root, name)
        elif entry.is_file():
            yield path
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


def _candidate(files: list[ModelFile], folder: Path, name: str, runtime: Runtime) -> ModelFile:
    found = [file for file in files if file.path.endswith(runtime.suffixes)]
    if len(found) == 1:
        return found[0]
    kinds = ", ".join(f"*{suffix}" for suffix in runtime.suffixes)
    if not found:
        raise errors.UsageError(
            f"model {name}: no file in {folder} looks like a model for {runtime.name} ({kinds})",
            f"save the model with joblib.dump, or write a {SETTINGS} that names the file",
        )
    named = ", ".join(file.path for file in found)
    raise errors.UsageError(
        f"model {name}: {len(found)} files in {folder} could be the model: {named}",
        f"leave one, or write a {SETTINGS} with parameters.uri naming it",
    )


def _derived_settings(name: str, runtime: Runtime, model_path: str) -> ModelFile:
    settings = {"name": name, "implementation": runtime.implementation, "parameters": {"uri": f"./{model_path}"}}
    content = json.dumps(settings, indent=2, sort_keys=True).encode() + b"\n"
    return ModelFile(SETTINGS, len(content), hashlib.sha256(content).hexdigest(), content=content)


def _named_by(settings: ModelFile, files: list[ModelFile], name: str) -> ModelFile | None:
    """The model file that the user's own settings name; their name must be the model's, or nobody would find it."""
    assert settings.source is not None
    try:
        content: Any = json.loads(settings.source.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise errors.UsageError(f"model {name}: {settings.source} is no JSON: {error}") from error
    if not isinstance(content, dict):
        raise errors.UsageError(f"model {name}: {settings.source} is no JSON object")
    if content.get("name", name) != name:
        raise errors.UsageError(
            f"model {name}: {settings.source} gives it another name: {content['name']}",
            f'write "name": "{name}" there, or call the model so in the config',
        )
    uri = (content.get("parameters") or {}).get("uri", "")
    wanted = os.path.normpath(str(uri))
    return next((file for file in files if file.path == wanted), None)


def _digest(files: list[ModelFile]) -> str:
    """16 hex digits over names and contents, independent of the folder's place, times and order."""
    listing = "".join(f"{file.sha256}  {file.path}\n" for file in files)
    return hashlib.sha256(listing.encode()).hexdigest()[:16]
