"""The ways in which a node group may be had: other instance types, zones, another way of buying.

The first choice bears the group's own name, a later one that name and a short hash of what it is, so that a name always
means the same choice however the config's list is changed. A group's step is in its tags, whatever it is called.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass

from eksprov.aws.session import Aws
from eksprov.core.names import InCluster, StepName
from eksprov.steps.cluster.reading import none_if_gone

HASH = 6  # characters: "<group>-1a2b3c"


@dataclass(frozen=True)
class Alternative:
    """One later way; no `zone_ids`: all of the stack's."""

    instance_types: tuple[str, ...]
    capacity_type: str
    zone_ids: tuple[str, ...] = ()

    @property
    def mark(self) -> str:
        """What its groups' names end with."""
        return mark(self.instance_types, self.capacity_type, self.zone_ids)


def mark(*what: object) -> str:
    """A short hash that always means the same."""
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:HASH]


def words(instance_types: tuple[str, ...], capacity_type: str, zone_ids: tuple[str, ...]) -> str:
    """A choice for people: "g5.xlarge SPOT in usw2-az1"."""
    where = f" in {', '.join(zone_ids)}" if zone_ids else ""
    return f"{'/'.join(instance_types)} {capacity_type}{where}"


def slugs(aws: Aws, step: str, slug: str, *, fresh: bool) -> list[str]:
    """The slugs of all live groups that may be a step's, by their names alone; one listing a cluster and run."""
    cluster, logical = InCluster.parse(slug).cluster, StepName.parse(step).of

    def load() -> list[str]:
        pages = aws.clients.eks.get_paginator("list_nodegroups").paginate(clusterName=cluster)
        return none_if_gone(lambda: [name for page in pages for name in page["nodegroups"]]) or []

    listed = aws.listing(f"eks/node-groups/{cluster}", load, fresh=fresh)
    name = re.compile(rf"{re.escape(logical)}(-[0-9a-f]{{{HASH}}})?")
    return [str(InCluster(cluster, each)) for each in listed if name.fullmatch(each)]
