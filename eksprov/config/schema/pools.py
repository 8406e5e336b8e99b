"""The `node_pools` section: what Karpenter may launch."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from eksprov.config.schema.base import AMI_VERSION, INSTANCE_FAMILY, INSTANCE_TYPE, ZONE_ID, Name, Section
from eksprov.config.schema.nodes import Taint

NODE_POOLS: Final = (
    "What karpenter may launch; empty: one pool of general-purpose nodes. Karpenter decides how many nodes there are."
)


class NodePool(Section):
    """A NodePool and its EC2NodeClass, of the pool's name."""

    name: Name = Field(description="The pool's name, unique in the stack.")
    instance_types: tuple[Annotated[str, Field(pattern=INSTANCE_TYPE)], ...] = Field(
        (), max_length=60, description="EC2 instance types; empty: whatever instance_families says."
    )
    instance_families: tuple[Annotated[str, Field(pattern=INSTANCE_FAMILY)], ...] = Field(
        (),
        max_length=60,
        description="Families like m7i; empty, and no instance_types: x86_64 of c, m and r, fifth generation or later.",
    )
    capacity_types: tuple[Literal["ON_DEMAND", "SPOT"], ...] = Field(
        ("ON_DEMAND",), min_length=1, max_length=2, description="How instances are bought; with both SPOT comes first."
    )
    zone_ids: tuple[Annotated[str, Field(pattern=ZONE_ID)], ...] = Field(
        (), max_length=6, description="Zones of the nodes, by id; empty: all of the stack's."
    )
    cpu_limit: int = Field(100, ge=1, le=1_000_000, description="Most vCPUs of the pool, all nodes together.")
    memory_limit_gib: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Most memory, all nodes together; unset: no limit of its own."
    )
    gpu_limit: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Most NVIDIA GPUs, all nodes together; unset: no limit of its own."
    )
    consolidation: Literal["WhenEmptyOrUnderutilized", "WhenEmpty", "Never"] = Field(
        "WhenEmptyOrUnderutilized", description="Which nodes are given back or replaced by cheaper ones."
    )
    consolidate_after_s: int = Field(60, ge=0, le=86_400, description="How long a node must have been so, in seconds.")
    expire_after_hours: Annotated[int, Field(ge=1, le=8760)] | None = Field(
        720, description="Age at which a node is replaced; null: never."
    )
    drain_limit_s: Annotated[int, Field(ge=60)] | None = Field(
        None,
        description="How long a leaving node may wait for pods that a disruption budget keeps; unset: for ever.",
    )
    weight: Annotated[int, Field(ge=1, le=100)] | None = Field(
        None, description="Pools of more weight are tried first; unset: 0."
    )
    ami_family: Literal["al2023", "bottlerocket"] = Field("al2023", description="The nodes' operating system.")
    ami_version: str = Field(
        "latest",
        pattern=AMI_VERSION,
        description="Release of the image, like v20260801 (al2023) or v1.30.0 (bottlerocket); latest replaces nodes "
        "when a new one comes.",
    )
    disk_size_gib: Annotated[int, Field(ge=20, le=16384)] | None = Field(
        None, description="Each node's volume for images and pods; unset: 50, or 200 with GPUs or Neuron devices."
    )
    metadata_hop_limit: int = Field(1, ge=1, le=64, description="IMDSv2 hop limit; 1 keeps pods from it.")
    labels: dict[str, str] = Field(default_factory=dict, max_length=50, description="Kubernetes labels of the nodes.")
    taints: tuple[Taint, ...] = Field((), max_length=50, description="Taints that keep other pods away.")
    accelerator_taint: bool = Field(
        True, description="GPU nodes get the taint nvidia.com/gpu, Neuron nodes aws.amazon.com/neuron."
    )
