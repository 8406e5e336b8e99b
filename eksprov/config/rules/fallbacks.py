"""Rules of what a node group falls back to. That all need one image is known once EC2 was asked; see the catalog."""

from __future__ import annotations

from collections.abc import Iterator

from eksprov.config.document import Path
from eksprov.config.rules.base import Finding, finding, twice
from eksprov.config.schema import NodeGroup
from eksprov.config.schema.nodes import Fallback


def fallbacks(group: NodeGroup, at: Path) -> Iterator[Finding]:
    """No choice twice; none where the group's template is made for one type or one reservation."""
    seen = {_choice(group.instance_types, group.capacity_type, group.zone_ids): at}
    for index, one in enumerate(group.fallbacks):
        place = (*at, "fallbacks", index)
        yield from twice((*place, "instance_types"), None, one.instance_types or ())
        yield from twice((*place, "zone_ids"), None, one.zone_ids or ())
        choice = _choice(
            one.instance_types or group.instance_types,
            one.capacity_type or group.capacity_type,
            group.zone_ids if one.zone_ids is None else one.zone_ids,
        )
        if choice in seen:
            hint = "give another instance type, capacity_type or zone, or leave it out"
            yield finding("this choice is there already: it would be tried twice", place, seen[choice], hint=hint)
        seen.setdefault(choice, place)
        yield from _of_the_template(group, one, place, at)
    if group.fallbacks and (group.capacity_type == "CAPACITY_BLOCK" or group.capacity_reservation_id):
        key = "capacity_type" if group.capacity_type == "CAPACITY_BLOCK" else "capacity_reservation_id"
        hint = "make the group without it a group of its own"
        yield finding(
            "nodes of a capacity reservation have no fallback: it is of one type in one zone",
            (*at, "fallbacks"),
            (*at, key),
            hint=hint,
        )


def _choice(types: tuple[str, ...], capacity_type: str, zone_ids: tuple[str, ...]) -> tuple[object, ...]:
    return types, capacity_type, frozenset(zone_ids)


def _of_the_template(group: NodeGroup, one: Fallback, place: Path, at: Path) -> Iterator[Finding]:
    """What the group's launch template, or its warm pool, cannot be for this choice."""
    if group.efa and one.instance_types is not None:
        yield finding(
            "with efa the instance types cannot fall back: the number of interfaces is the type's",
            (*place, "instance_types"),
            (*at, "efa"),
            hint="fall back to other zones, or leave efa out",
        )
    several = one.zone_ids is not None and len(one.zone_ids) != 1
    if several and (group.efa or group.placement_group):
        key = "efa" if group.efa else "placement_group"
        hint = "name one zone"
        yield finding(f"with {key} all nodes are in one zone", (*place, "zone_ids"), (*at, key), hint=hint)
    if group.warm_pool.enabled and one.capacity_type == "SPOT":
        yield finding(
            "a group with a warm pool cannot fall back to SPOT",
            (*place, "capacity_type"),
            (*at, "warm_pool"),
            hint="fall back to other types or zones, or leave the warm pool out",
        )
