"""The `node_groups` section."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from eksprov.config.schema.base import INSTANCE_TYPE, Count, Name, Section


class Taint(Section):
    """A Kubernetes taint in EKS's spelling."""

    key: str = Field(min_length=1, max_length=63, description="The taint's key.")
    value: str = Field("", max_length=63, description="The taint's value; may be empty.")
    effect: Literal["NO_SCHEDULE", "NO_EXECUTE", "PREFER_NO_SCHEDULE"] = Field(
        description="What happens to pods that do not tolerate it."
    )


def _min_size(data: Mapping[str, Any]) -> int:
    return min(1, int(data.get("desired_size", 1)))


def _max_size(data: Mapping[str, Any]) -> int:
    return max(3, int(data.get("desired_size", 3)))


class NodeGroup(Section):
    """A managed node group in the private subnets."""

    name: Name = Field(description="The group's name, unique in the stack.")
    instance_types: tuple[Annotated[str, Field(pattern=INSTANCE_TYPE)], ...] = Field(
        min_length=1, max_length=20, description="EC2 instance types, the preferred one first; several help SPOT."
    )
    capacity_type: Literal["ON_DEMAND", "SPOT"] = Field("ON_DEMAND", description="How the instances are bought.")
    desired_size: Count = Field(2, description="Nodes to begin with.")
    min_size: Count = Field(
        default_factory=_min_size, description="Fewest nodes; unset: 1, or 0 where desired_size is 0."
    )
    max_size: Annotated[int, Field(ge=1, le=450)] = Field(
        default_factory=_max_size, description="Most nodes; unset: 3, or desired_size where that is more."
    )
    disk_size_gib: int = Field(50, ge=20, le=16384, description="Each node's root volume.")
    labels: dict[str, str] = Field(
        default_factory=dict, max_length=50, description="Kubernetes labels of the nodes, for node selectors."
    )
    taints: tuple[Taint, ...] = Field((), max_length=50, description="Taints that keep other pods away.")
