"""A lock file as text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eksprov.operations.commands.lock import Locked


def lock_text(locked: Locked) -> str:
    """One line for each entry, and for each image that has none."""
    lines = [*_lines(locked)]
    kind_width, name_width = (max(len(line[column]) for line in lines) for column in (0, 1))
    return "\n".join(f"{kind:{kind_width}}  {name:{name_width}}  {value}" for kind, name, value in lines)


def lock_json(locked: Locked, path: Path, *, stale: bool) -> dict[str, Any]:
    """The entries, why some are missing, and whether the file was (or with --check is) out of date."""
    pins = locked.pins
    return {
        "schema": 1,
        "file": str(path),
        "stale": stale,
        "kubernetes_version": pins.kubernetes_version,
        "addons": dict(sorted(pins.addons.items())),
        "node_releases": dict(sorted(pins.node_releases.items())),
        "images": dict(sorted(pins.images.items())),
        "unresolved": dict(sorted(locked.reasons.items())),
    }


def _lines(locked: Locked) -> Iterator[tuple[str, str, str]]:
    pins = locked.pins
    yield "kubernetes", "", pins.kubernetes_version
    for kind, found in (("addon", pins.addons), ("node-group", pins.node_releases), ("image", pins.images)):
        for name, value in sorted(found.items()):
            yield kind, name, value
    for name, reason in sorted(locked.reasons.items()):
        yield "unresolved", name, reason
