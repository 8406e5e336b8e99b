"""The `node_groups` section."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from eksprov.config.schema.base import DISK_KEY, INSTANCE_TYPE, RESERVATION, ZONE_ID, Count, Name, Section

# EKS images that join a cluster by themselves; Amazon Linux 2 has none for living Kubernetes versions
# (https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateNodegroup.html).
AmiType = Literal[
    "AL2023_x86_64_STANDARD",
    "AL2023_ARM_64_STANDARD",
    "AL2023_x86_64_NVIDIA",
    "AL2023_ARM_64_NVIDIA",
    "AL2023_x86_64_NEURON",
    "BOTTLEROCKET_x86_64",
    "BOTTLEROCKET_ARM_64",
    "BOTTLEROCKET_x86_64_FIPS",
    "BOTTLEROCKET_ARM_64_FIPS",
    "BOTTLEROCKET_x86_64_NVIDIA",
    "BOTTLEROCKET_ARM_64_NVIDIA",
    "BOTTLEROCKET_x86_64_NVIDIA_FIPS",
    "BOTTLEROCKET_ARM_64_NVIDIA_FIPS",
]


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


class WarmPool(Section):
    """Instances that have booted once and wait, stopped or running, until the group grows."""

    enabled: bool = Field(False, description="Whether the group has a warm pool; not with SPOT or capacity blocks.")
    min_size: Count = Field(0, description="Fewest instances in the pool.")
    max_prepared: Annotated[int, Field(ge=1, le=450)] | None = Field(
        None, description="Most instances in pool and group together; unset: the group's max_size."
    )
    state: Literal["STOPPED", "RUNNING", "HIBERNATED"] = Field(
        "STOPPED", description="How they wait; STOPPED costs only their volumes."
    )
    reuse_on_scale_in: bool = Field(False, description="Whether nodes go back to the pool when the group shrinks.")


class Fallback(Section):
    """What is tried next when AWS has no capacity; a key that is left out is as in the group."""

    instance_types: tuple[Annotated[str, Field(pattern=INSTANCE_TYPE)], ...] | None = Field(
        None, min_length=1, max_length=20, description="Other EC2 instance types; they need the same image."
    )
    capacity_type: Literal["ON_DEMAND", "SPOT"] | None = Field(None, description="Another way of buying.")
    zone_ids: tuple[Annotated[str, Field(pattern=ZONE_ID)], ...] | None = Field(
        None, max_length=6, description="Other zones, by id; empty: all of the stack's."
    )


class NodeGroup(Section):
    """A managed node group in the private subnets."""

    name: Name = Field(description="The group's name, unique in the stack.")
    instance_types: tuple[Annotated[str, Field(pattern=INSTANCE_TYPE)], ...] = Field(
        min_length=1, max_length=20, description="EC2 instance types, the preferred one first; several help SPOT."
    )
    capacity_type: Literal["ON_DEMAND", "SPOT", "CAPACITY_BLOCK"] = Field(
        "ON_DEMAND", description="How the instances are bought."
    )
    capacity_reservation_id: str | None = Field(
        None,
        pattern=RESERVATION,
        description="The capacity reservation or block to launch into, by id; the nodes stand in its zone.",
    )
    zone_ids: tuple[Annotated[str, Field(pattern=ZONE_ID)], ...] = Field(
        (), max_length=6, description="Zones of the nodes, by id; empty: all of the stack's."
    )
    fallbacks: tuple[Fallback, ...] = Field(
        (), max_length=5, description="What is tried instead, in this order, where AWS has no capacity."
    )
    desired_size: Count = Field(2, description="Nodes to begin with.")
    min_size: Count = Field(
        default_factory=_min_size, description="Fewest nodes; unset: 1, or 0 where desired_size is 0."
    )
    max_size: Annotated[int, Field(ge=1, le=450)] = Field(
        default_factory=_max_size, description="Most nodes; unset: 3, or desired_size where that is more."
    )
    ami_family: Literal["al2023", "bottlerocket"] = Field(
        "al2023", description="The nodes' operating system; the image follows from it and the instance types."
    )
    ami_type: AmiType | None = Field(None, description="An EKS image by name, if the one that follows is not wanted.")
    disk_size_gib: Annotated[int, Field(ge=20, le=16384)] | None = Field(
        None, description="Each node's root volume; unset: 50, or 200 with GPUs or Neuron devices."
    )
    # gp3's limits: https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html
    disk_iops: int = Field(3000, ge=3000, le=80000, description="The root volume's operations a second.")
    disk_throughput_mib: Annotated[int, Field(ge=125, le=2000)] | None = Field(
        None, description="The root volume's MiB a second; unset: 125, or 500 with GPUs or Neuron devices."
    )
    disk_kms_key_arn: str | None = Field(
        None, pattern=DISK_KEY, description="Key of the root volume, open to Auto Scaling's role; unset: the account's."
    )
    local_storage: Literal["none", "raid0"] = Field(
        "none", description="raid0 gives the instances' own fast disks to pods and images (AL2023 only)."
    )
    max_pods: Annotated[int, Field(ge=4, le=737)] | None = Field(
        None, description="Most pods a node; unset: what EKS computes for the type."
    )
    metadata_hop_limit: int = Field(
        1,
        ge=1,
        le=64,
        description="IMDSv2 hop limit; 1 keeps pods from the node's role (they have pod identity), 2 lets them ask.",
    )
    efa: bool = Field(False, description="Elastic Fabric Adapter on every node, as many as the type has; one zone.")
    placement_group: bool = Field(False, description="Nodes close together in one zone, for training across nodes.")
    update_strategy: Literal["DEFAULT", "MINIMAL"] | None = Field(
        None,
        description="MINIMAL ends old nodes before it starts new ones; unset: MINIMAL with GPUs or Neuron devices.",
    )
    max_unavailable: Annotated[int, Field(ge=1, le=100)] | None = Field(
        None, description="Nodes replaced at the same time; unset: 1."
    )
    max_unavailable_percentage: Annotated[int, Field(ge=1, le=100)] | None = Field(
        None, description="The same as a percentage of the nodes."
    )
    node_repair: bool = Field(
        False,
        description="EKS replaces nodes that stay unhealthy, those with broken GPUs too; it brings the add-on "
        "eks-node-monitoring-agent, which sees these.",
    )
    release_version: str | None = Field(
        None, min_length=1, max_length=64, description="Release of the image; unset: the newest at creation, then kept."
    )
    warm_pool: WarmPool = Field(WarmPool(), description="Instances that have booted already, for quick growth.")
    labels: dict[str, str] = Field(
        default_factory=dict, max_length=50, description="Kubernetes labels of the nodes, for node selectors."
    )
    taints: tuple[Taint, ...] = Field((), max_length=50, description="Taints that keep other pods away.")
    accelerator_taint: bool = Field(
        True, description="GPU nodes get the taint nvidia.com/gpu, Neuron nodes aws.amazon.com/neuron."
    )
