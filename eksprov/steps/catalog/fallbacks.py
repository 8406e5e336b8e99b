"""The later choices of a node group, and why one of them could never stand in for the first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from eksprov.core.change import UNKNOWN
from eksprov.steps.node_groups.alternatives import Alternative
from eksprov.steps.node_groups.shape import derive
from eksprov.steps.settled import Settled

if TYPE_CHECKING:
    from eksprov.config import schema


def fallbacks(group: schema.NodeGroup) -> Iterator[Alternative]:
    """The later choices; what one does not say is as in the group."""
    for one in group.fallbacks:
        zones = group.zone_ids if one.zone_ids is None else one.zone_ids
        yield Alternative(one.instance_types or group.instance_types, one.capacity_type or group.capacity_type, zones)


def fallback_problem(group: schema.NodeGroup, alternatives: Settled) -> str:
    """A choice that needs another image than the group, whose template is made for one; or that has no subnets."""
    known = {one.name: one for one in alternatives.instances}
    wanted, zones = derive(group, known).ami_type, {zone.id for zone in alternatives.zones}
    for choice in fallbacks(group):
        same = group.model_copy(update={"instance_types": choice.instance_types})
        unknown = [
            name for name in choice.instance_types if known and (name not in known or not known[name].architecture)
        ]
        image = derive(same, known).ami_type
        if unknown:
            return f"EC2 does not know the fallback's {', '.join(unknown)} here"
        if UNKNOWN not in (image, wanted) and image != wanted:
            return f"the fallback {'/'.join(choice.instance_types)} needs the image {image}, the group {wanted}"
        strange = sorted(set(choice.zone_ids) - zones)
        if strange and UNKNOWN not in zones:
            return (
                f"the stack has no subnets in the fallback's {', '.join(strange)}, only in {', '.join(sorted(zones))}"
            )
    return ""
