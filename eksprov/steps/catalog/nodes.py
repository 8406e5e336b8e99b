"""The node groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from eksprov.steps import roles
from eksprov.steps.catalog.names import CLUSTER, cluster_name, subnets
from eksprov.steps.choices import Choices
from eksprov.steps.nodegroup import NodeGroup

if TYPE_CHECKING:
    from eksprov.config.schema import Config


def node_groups(config: Config, choices: Choices) -> Iterator[NodeGroup]:
    """One step a group, in the private subnets."""
    where = subnets(choices, "private")
    ways_out = ("route-table/public", *(f"route-table/private-{n}" for n in range(1, len(where) + 1)))
    for group in config.node_groups:
        yield NodeGroup(
            name=f"node-group/{group.name}",
            slug=f"{cluster_name(config)}/{group.name}",
            role=roles.NODE,
            subnets=where,
            instance_types=group.instance_types,
            capacity_type=group.capacity_type,
            disk_gib=group.disk_size_gib,
            min_size=group.min_size,
            desired_size=group.desired_size,
            max_size=group.max_size,
            labels=tuple(sorted(group.labels.items())),
            taints=tuple((taint.key, taint.value, taint.effect) for taint in group.taints),
            needs=(CLUSTER, roles.NODE, *where, *ways_out),
        )
