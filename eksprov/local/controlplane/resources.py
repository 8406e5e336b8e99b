"""Whether this machine has room for what is about to be fetched, built or started: asked before, not after."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from eksprov.errors import LocalWorldError

GIB = 1024**3


@dataclass(frozen=True)
class Room:
    """What is free, in bytes: on the disk of a folder, and in memory."""

    disk: int
    memory: int


Measure = Callable[[Path], Room]


CGROUP = Path("/sys/fs/cgroup")


def measure(folder: Path, cgroup: Path = CGROUP) -> Room:
    """The room for something below `folder` (which need not exist yet); a container's memory limit counts."""
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = psutil.virtual_memory().available
    limit = cgroup_free(cgroup)
    return Room(shutil.disk_usage(existing).free, free if limit is None else min(free, limit))


def cgroup_free(root: Path) -> int | None:
    """What the memory limit of this container leaves, or None without one.

    https://docs.kernel.org/admin-guide/cgroup-v2.html (memory.max, memory.current) and its predecessor; pages of
    the file cache count as used there although they can be had back, so they are subtracted.
    """
    for limit_name, usage_name, stat_name, cache_key in (
        ("memory.max", "memory.current", "memory.stat", "inactive_file"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat", "total_inactive_file"),
    ):
        try:
            limit, used = (int((root / name).read_text()) for name in (limit_name, usage_name))
            stat = dict(line.split() for line in (root / stat_name).read_text().splitlines())
            return max(0, limit - used + int(stat.get(cache_key, "0")))
        except (OSError, ValueError):  # no such file, or "max"
            continue
    return None


def require(
    folder: Path, purpose: str, disk_bytes: int, memory_bytes: int, measure: Measure = measure, hint: str = ""
) -> None:
    """Raise `LocalWorldError` naming what `purpose` needs and what there is, where it is too little."""
    room = measure(folder)
    if room.disk < disk_bytes:
        raise LocalWorldError(
            f"{purpose} needs {disk_bytes / GIB:.1f} GiB of disk at {folder}; {room.disk / GIB:.1f} GiB are free",
            f"Free disk there. {hint}".strip(),
        )
    if room.memory < memory_bytes:
        raise LocalWorldError(
            f"{purpose} needs {memory_bytes / GIB:.1f} GiB of memory; {room.memory / GIB:.1f} GiB are available",
            f"End other programs. {hint}".strip(),
        )


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
