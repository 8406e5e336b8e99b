"""Rules of node groups."""

from __future__ import annotations

from collections.abc import Iterator

from eksprov.config.document import Path
from eksprov.config.rules.base import Finding, finding, qualified, twice
from eksprov.config.schema import NodeGroup, Taint


def node_group(group: NodeGroup, at: Path) -> Iterator[Finding]:
    least, wanted, most = (*at, "min_size"), (*at, "desired_size"), (*at, "max_size")
    if group.min_size > group.max_size:
        yield finding(f"{group.min_size} is more than max_size {group.max_size}", least, most)
    elif group.desired_size < group.min_size:
        yield finding(f"{group.desired_size} is less than min_size {group.min_size}", wanted, least)
    elif group.desired_size > group.max_size:
        yield finding(f"{group.desired_size} is more than max_size {group.max_size}", wanted, most)
    yield from twice((*at, "instance_types"), None, group.instance_types)
    for key, value in group.labels.items():
        yield from qualified(key, value, (*at, "labels", key), (*at, "labels", key))
    for index, taint in enumerate(group.taints):
        yield from qualified(taint.key, taint.value, (*at, "taints", index, "key"), (*at, "taints", index, "value"))
    yield from twice((*at, "taints"), None, map(_identity, group.taints))


def _identity(taint: Taint) -> str:
    return f"{taint.key}:{taint.effect}"
