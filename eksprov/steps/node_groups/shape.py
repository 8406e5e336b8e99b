"""From a node group's config and what EC2 says of its instance types to how its nodes are set up. Pure.

The images: https://docs.aws.amazon.com/eks/latest/APIReference/API_Nodegroup.html#AmazonEKS-Type-Nodegroup-amiType.
AL2023's for accelerated instances have the driver but no device plugin; Bottlerocket's for NVIDIA bring theirs, and its
plain one has the Neuron driver, and none of them the Neuron plugin
(https://docs.aws.amazon.com/eks/latest/userguide/ml-eks-optimized-ami.html,
https://docs.aws.amazon.com/eks/latest/userguide/ml-eks-k8s-device-plugin.html). What is scarce is replaced by first
ending the old node (https://docs.aws.amazon.com/eks/latest/userguide/managed-node-update-behavior.html). Sizes for
accelerated nodes are ours: images and weights of models are large, and are read before the first answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eksprov.core.change import UNKNOWN
from eksprov.steps.node_groups.instances import InstanceFacts, accelerator, family_name

if TYPE_CHECKING:
    from eksprov.config.schema import NodeGroup, NodePool

AMI_TYPES = {
    ("al2023", "x86_64", ""): "AL2023_x86_64_STANDARD",
    ("al2023", "arm64", ""): "AL2023_ARM_64_STANDARD",
    ("al2023", "x86_64", "nvidia"): "AL2023_x86_64_NVIDIA",
    ("al2023", "arm64", "nvidia"): "AL2023_ARM_64_NVIDIA",
    ("al2023", "x86_64", "neuron"): "AL2023_x86_64_NEURON",
    ("bottlerocket", "x86_64", ""): "BOTTLEROCKET_x86_64",
    ("bottlerocket", "arm64", ""): "BOTTLEROCKET_ARM_64",
    ("bottlerocket", "x86_64", "nvidia"): "BOTTLEROCKET_x86_64_NVIDIA",
    ("bottlerocket", "arm64", "nvidia"): "BOTTLEROCKET_ARM_64_NVIDIA",
    ("bottlerocket", "x86_64", "neuron"): "BOTTLEROCKET_x86_64",
}
NEURON_DRIVER = ("AL2023_x86_64_NEURON", "BOTTLEROCKET_x86_64", "BOTTLEROCKET_x86_64_FIPS")
# Pods that want a device tolerate these; Kubernetes' ExtendedResourceToleration does it for them where it is on.
TAINTS = {
    "nvidia": ("nvidia.com/gpu", "present", "NO_SCHEDULE"),
    "neuron": ("aws.amazon.com/neuron", "present", "NO_SCHEDULE"),
}
DISK_GIB, ACCELERATED_DISK_GIB = 50, 200
# gp3 comes with 125 MiB/s; more costs, and 3,000 IOPS carry up to 750
# (https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html).
THROUGHPUT_MIB, ACCELERATED_THROUGHPUT_MIB = 125, 500
CAPACITY_BLOCK = "capacity-block"


@dataclass(frozen=True)
class NodeShape:
    """How the nodes of a group are set up.

    `family` is "al2023" or "bottlerocket"; `plugin` the accelerators' device plugin that has to be installed for the
    nodes: "nvidia", "neuron" or none. `efa_interfaces` counts only where the group asks for EFA. `problem` says why
    nodes cannot be set up like this at all; empty if they can.
    """

    ami_type: str
    family: str = "al2023"
    accelerator: str = ""
    plugin: str = ""
    disk_gib: int = DISK_GIB
    throughput_mib: int = THROUGHPUT_MIB
    update_strategy: str = "DEFAULT"
    taints: tuple[tuple[str, str, str], ...] = ()
    efa_interfaces: int = 0
    efa_first: bool = True
    problem: str = ""

    @property
    def plugins(self) -> tuple[str, ...]:
        """Every device plugin that has to be installed for the nodes, EFA's too."""
        return (*filter(None, (self.plugin,)), *(("efa",) if self.efa_interfaces else ()))


def derive(group: NodeGroup, known: Mapping[str, InstanceFacts]) -> NodeShape:
    """What follows from the types; the config's own words win. `known` may lack types that were never asked for."""
    facts = [known[name] for name in group.instance_types if name in known]
    accelerators = {one.accelerator for one in facts}
    kind = accelerators.pop() if len(accelerators) == 1 else ""
    family = family_of(group)
    ami_type = group.ami_type or _ami_type(family, facts, kind)
    return NodeShape(
        ami_type=ami_type,
        family=family,
        accelerator=kind,
        plugin=_plugin(family, kind) if has_driver(ami_type, kind) else "",
        disk_gib=group.disk_size_gib or (ACCELERATED_DISK_GIB if kind else DISK_GIB),
        throughput_mib=group.disk_throughput_mib or _throughput(kind, group.disk_iops),
        update_strategy=group.update_strategy or ("MINIMAL" if kind else "DEFAULT"),
        taints=_taints(group, kind),
        efa_interfaces=min((one.efa_interfaces for one in facts), default=0) if group.efa else 0,
        efa_first=all(one.efa_first for one in facts),
        problem="; ".join(_problems(group, facts, ami_type, known)),
    )


def derive_pool(pool: NodePool, known: Mapping[str, InstanceFacts]) -> NodeShape:
    """The same for a pool, whose image Karpenter chooses: only what all its types have in common counts."""
    names = (*pool.instance_types, *map(family_name, pool.instance_families))
    facts = [known[name] for name in names if name in known]
    kind = accelerator(facts)
    return NodeShape(
        ami_type="",
        family=pool.ami_family,
        accelerator=kind,
        plugin=_plugin(pool.ami_family, kind),
        disk_gib=pool.disk_size_gib or (ACCELERATED_DISK_GIB if kind else DISK_GIB),
        taints=_taints(pool, kind),
    )


def has_driver(ami_type: str, accelerator: str) -> bool:
    """Whether the image has the driver of "nvidia" or "neuron" devices."""
    return "NVIDIA" in ami_type if accelerator == "nvidia" else ami_type in NEURON_DRIVER


def _plugin(family: str, kind: str) -> str:
    """The device plugin that the image does not bring itself."""
    return "" if (family, kind) == ("bottlerocket", "nvidia") else kind


def family_of(group: NodeGroup) -> str:
    """The operating system, by the image where one is named."""
    if group.ami_type:
        return "bottlerocket" if group.ami_type.startswith("BOTTLEROCKET") else "al2023"
    return group.ami_family


def _ami_type(family: str, facts: Sequence[InstanceFacts], kind: str) -> str:
    architectures = {one.architecture for one in facts}
    if len(architectures) != 1:
        return UNKNOWN
    return AMI_TYPES.get((family, architectures.pop(), kind), UNKNOWN)


def _throughput(kind: str, iops: int) -> int:
    return min(ACCELERATED_THROUGHPUT_MIB, iops // 4) if kind else THROUGHPUT_MIB


def _taints(group: NodeGroup | NodePool, kind: str) -> tuple[tuple[str, str, str], ...]:
    own = tuple((taint.key, taint.value, taint.effect) for taint in group.taints)
    extra = TAINTS.get(kind)
    if extra is None or not group.accelerator_taint or extra[0] in {key for key, _, _ in own}:
        return own
    return (*own, extra)


def _problems(
    group: NodeGroup, facts: Sequence[InstanceFacts], ami_type: str, known: Mapping[str, InstanceFacts]
) -> Iterator[str]:
    """Everything that would be refused, or fail late, in words; nothing is said of types never asked for."""
    if not facts:
        return
    unknown = [name for name in group.instance_types if name not in known or not known[name].architecture]
    if unknown:
        yield f"EC2 does not know {', '.join(unknown)} in this region, or EKS has no image for it"
        return
    if len({one.architecture for one in facts}) > 1:
        yield f"its instance types have different architectures ({_each(facts, 'architecture')})"
    elif len({one.accelerator for one in facts}) > 1:
        yield f"its instance types have different accelerators ({_each(facts, 'accelerator')})"
    elif ami_type is UNKNOWN:
        what = " ".join(part for part in (facts[0].architecture, facts[0].accelerator) if part)
        yield f"EKS has no {family_of(group)} image for {what} instances"
    elif group.ami_type:
        yield from _image_problems(group.ami_type, facts)
    if group.efa and any(not one.efa_interfaces for one in facts):
        yield f"{_those(facts, lambda one: not one.efa_interfaces)} cannot have EFA interfaces"
    if group.placement_group and any(not one.cluster_placement for one in facts):
        yield f"{_those(facts, lambda one: not one.cluster_placement)} cannot be in a cluster placement group"
    if group.capacity_type == "CAPACITY_BLOCK" and any(CAPACITY_BLOCK not in one.buying for one in facts):
        yield f"{_those(facts, lambda one: CAPACITY_BLOCK not in one.buying)} cannot be had as a capacity block"
    if group.capacity_type == "SPOT" and any(one.buying and "spot" not in one.buying for one in facts):
        yield f"{_those(facts, lambda one: 'spot' not in one.buying)} cannot be had as SPOT"
    if group.local_storage == "raid0" and any(not one.local_disks for one in facts):
        yield f"{_those(facts, lambda one: not one.local_disks)} has no local disks for local_storage"


def _image_problems(ami_type: str, facts: Sequence[InstanceFacts]) -> Iterator[str]:
    wanted = "arm64" if "ARM_64" in ami_type else "x86_64"
    if facts[0].architecture != wanted:
        yield f"the image {ami_type} is for {wanted}, but {facts[0].name} is {facts[0].architecture}"
    for word, kind in (("NVIDIA", "nvidia"), ("NEURON", "neuron")):
        if word in ami_type and facts[0].accelerator != kind:
            yield f"the image {ami_type} is for {kind} devices, which {facts[0].name} does not have"


def _each(facts: Sequence[InstanceFacts], key: str) -> str:
    return ", ".join(f"{one.name}: {getattr(one, key) or 'none'}" for one in facts)


def _those(facts: Sequence[InstanceFacts], has: Callable[[InstanceFacts], bool]) -> str:

    return ", ".join(one.name for one in facts if has(one))
