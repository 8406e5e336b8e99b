"""All local worlds of this user, wherever their folders are: found by the processes themselves."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

from eksprov.errors import LocalWorldError
from eksprov.local.world import DAEMON, WORLD_FILE, WorldInfo, ask, read


@dataclass(frozen=True)
class Listed:
    """A local world of this user: `state` is the folder whose states it serves, `stacks` are those with anything in it.

    `kept`: it stays until `local down`; else it ends in `ends_in_s` seconds, None while something is in it.
    """

    info: WorldInfo
    state: str
    stacks: tuple[str, ...]
    kept: bool
    ends_in_s: int | None


def every() -> tuple[Listed, ...]:
    """All local worlds of this user that run and answer, wherever their folders are, the oldest first."""
    import psutil

    found: dict[Path, Listed] = {}
    for process in psutil.process_iter(["cmdline", "uids"]):
        words = process.info["cmdline"] or []
        if DAEMON not in words or "--home" not in words[:-1]:
            continue
        home = Path(words[words.index("--home") + 1])
        info = read(home)
        if info is not None and info.pid == process.pid:
            with contextlib.suppress(LocalWorldError):  # it ends just now, or another user's key cannot be read
                said = ask(info, "GET", "/eksprov/listed")
                found[home] = Listed(info, _state(home), tuple(said["stacks"]), said["kept"], said["ends_in_s"])
    return tuple(sorted(found.values(), key=lambda one: (one.info.started_at, str(one.info.home))))


def _state(home: Path) -> str:
    try:
        return str(json.loads((home / WORLD_FILE).read_bytes()).get("state", ""))
    except (OSError, ValueError):
        return ""
