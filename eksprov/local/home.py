"""Where the local world's files lie, and how they are written: for their owner alone.

Each state folder has a local world of its own. Its *home* holds what lives as long as that world runs: keys,
databases, logs, pods' files. The *cache* is the user's, shared by all worlds, and holds what is dear to make
and the same for everyone, like the control-plane binary.

Folders are made 0700 and files 0600, because keys lie among them. Nothing is read here but the environment.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

from eksprov.errors import LocalWorldError
from eksprov.home import home

# sun_path holds 108 bytes on Linux (unix(7)) and 104 on macOS (sys/un.h), the closing zero included.
SOCKET_PATH_BYTES = 103


def local_home(state_dir: Path, environ: Mapping[str, str]) -> Path:
    """The folder of the local world that belongs to `state_dir`; it is not made here.

    `EKSPROV_LOCAL_HOME` if set; else `eksprov/local-<12 hex digits of the state folder's path>` below
    `XDG_STATE_HOME` (https://specifications.freedesktop.org/basedir-spec/latest/).
    """
    if chosen := environ.get("EKSPROV_LOCAL_HOME"):
        return Path(chosen).expanduser().absolute()
    digest = hashlib.sha256(os.fsencode(state_dir.resolve())).hexdigest()
    return _base(environ, "XDG_STATE_HOME", ".local/state") / "eksprov" / f"local-{digest[:12]}"


def cache_home(environ: Mapping[str, str]) -> Path:
    """The user's cache folder of eksprov; it is not made here."""
    return _base(environ, "XDG_CACHE_HOME", ".cache") / "eksprov"


def _base(environ: Mapping[str, str], variable: str, below_home: str) -> Path:
    # The specification tells to ignore relative paths here.
    if (chosen := environ.get(variable)) and os.path.isabs(chosen):
        return Path(chosen)
    return home(environ) / below_home


def private_folder(path: Path) -> Path:
    """Make `path` and its parents 0700 (an existing folder is narrowed to that, its parents are left as they are).

    Raises `LocalWorldError` where it cannot be made, is no folder, or belongs to somebody else.
    """
    try:
        _make_folders(path)
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise LocalWorldError(
                f"{path} is not a folder of this user",
                "Remove it, or set EKSPROV_LOCAL_HOME (or XDG_CACHE_HOME) to a folder of your own.",
            )
        if stat.S_IMODE(found.st_mode) != 0o700:
            path.chmod(0o700)
    except OSError as error:
        raise LocalWorldError(
            f"the folder {path} cannot be made: {error.strerror}",
            "Set EKSPROV_LOCAL_HOME (or XDG_CACHE_HOME) to a folder that can be written.",
        ) from error
    return path


def _make_folders(path: Path) -> None:
    # Path.mkdir(parents=True, mode=…) gives the mode to the last folder only.
    for folder in (*reversed(path.parents), path):
        if not folder.exists():
            with contextlib.suppress(FileExistsError):
                folder.mkdir(mode=0o700)


def write_private(path: Path, content: bytes | str) -> Path:
    """Write `path` as a whole or not at all, mode 0600, never through a link that somebody laid there.

    Raises `OSError` where the folder is missing or cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with open(handle, "wb") as file:
            file.write(data)
        os.rename(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return path


def socket_path(folder: Path, name: str, environ: Mapping[str, str]) -> Path:
    """A path for a unix socket that stands for `folder/name`; its folder is made.

    `folder/name` itself where it is short enough for a socket; else a folder of this user named after a hash
    of `folder`, below `XDG_RUNTIME_DIR` or the folder for temporary files. The same arguments always give the
    same path, so what a crash left behind is found again. Raises `LocalWorldError` as `private_folder` does.
    """
    direct = folder / name
    if len(os.fsencode(direct)) <= SOCKET_PATH_BYTES:
        return private_folder(folder) / name
    digest = hashlib.sha256(os.fsencode(folder.absolute())).hexdigest()[:16]
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    base = Path(runtime) if os.path.isabs(runtime) and len(os.fsencode(runtime)) < 48 else Path(tempfile.gettempdir())
    short = base / f"eksprov-{os.getuid()}-{digest}"
    if len(os.fsencode(short / name)) > SOCKET_PATH_BYTES:
        raise LocalWorldError(
            f"no path short enough for a unix socket: {short / name}",
            "Set EKSPROV_LOCAL_HOME or TMPDIR to a folder with a short path.",
        )
    return private_folder(short) / name


def discard_socket(path: Path) -> None:
    """Remove a socket, and the short folder that `socket_path` made for it once that is empty."""
    path.unlink(missing_ok=True)
    if path.parent.name.startswith(f"eksprov-{os.getuid()}-"):
        with contextlib.suppress(OSError):  # others still use it, or it has gone
            path.parent.rmdir()
