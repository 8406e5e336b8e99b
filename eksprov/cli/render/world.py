"""All local worlds as text. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eksprov.cli.words import clean


def worlds_text(worlds: Sequence[Mapping[str, Any]]) -> str:
    """All local worlds, two lines each."""
    if not worlds:
        return "no local world is running"
    lines = []
    for world in worlds:
        where = clean(world["state_folder"] or world["home"])
        lines.append(f"{where}: pid {world['pid']}, {world['aws_endpoint_url']}, since {world['started_at']}")
        what = f"stacks: {', '.join(map(clean, world['stacks']))}" if world["stacks"] else "no stack"
        lines.append(f"  {what}; {_until(world)}")
    return "\n".join(lines)


def _until(world: Mapping[str, Any]) -> str:
    if world["kept"]:
        return "stays until `eksprov local down`"
    left = world["ends_in_s"]
    return "stays while something is in it" if left is None else f"ends in {left} s unless a command comes"
