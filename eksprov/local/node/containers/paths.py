"""Container paths become host paths: processes run without a mount namespace, so words that name a mount are rewritten.

A word is rewritten when it begins with a mount path (`/mnt/models`, `/mnt/models/a`); the longest mount path wins.
Once is enough: a host path may itself begin with a mount path, such as /tmp.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

Mounts = Mapping[str, Path]


def translate(word: str, mounts: Mounts) -> str:
    """`word` with a leading mount path replaced by the folder that stands for it."""
    for mount in sorted(mounts, key=len, reverse=True):
        prefix = mount.rstrip("/") or "/"
        if word.rstrip("/") == prefix.rstrip("/"):
            return str(mounts[mount])
        if prefix != "/" and word.startswith(prefix + "/"):
            return str(mounts[mount]) + word[len(prefix) :]
    return word


def place(path: str, mounts: Mounts, root: Path) -> Path:
    """The host path of a container path: below a mount, or below `root`, which stands for all else of the container.

    So nothing outside the pod's own folders is ever read or written in a container's name.
    """
    absolute = path if path.startswith("/") else "/" + path
    translated = translate(absolute, mounts)
    return Path(translated) if translated != absolute else root / absolute.lstrip("/")


def back(path: str, mounts: Mounts) -> str:
    """The container's name for a host path below one of its mounts, the innermost one; else the path itself."""
    found = [(host, mount) for mount, host in mounts.items() if Path(path).is_relative_to(host)]
    if not found:
        return path
    host, mount = max(found, key=lambda pair: len(pair[0].parts))
    return (Path(mount) / Path(path).relative_to(host)).as_posix()
