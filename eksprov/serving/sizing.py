"""Does a replica fit on a node at all? Answered before anything is made; instance facts come in as data. Pure.

What a node offers to pods is less than what the instance has: EKS's node image reserves CPU, memory and disk
(https://github.com/awslabs/amazon-eks-ami/blob/main/nodeadm/internal/kubelet/config.go), and the add-ons that run on
every node ask for their part (aws-node 50m, kube-proxy 100m CPU in their default configuration).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from eksprov.errors import Problem
from eksprov.serving.spec import FETCH_MEMORY_MIB, MIB, ModelSpec

ADDON_MILLICPUS = 150
ADDON_MEMORY_MIB = 100


@dataclass(frozen=True)
class NodeType:
    """One instance type of a node group or pool, as DescribeInstanceTypes tells it, and its disk.

    `architecture` is Kubernetes' word; `keeps_away` says that its nodes have taints, which no model tolerates.
    """

    instance_type: str
    vcpus: int
    memory_mib: int
    max_pods: int
    disk_gib: int
    architecture: str = "amd64"
    keeps_away: bool = False

    @property
    def millicpus_free(self) -> int:
        """For pods of ours: without 6 % of the first core, 1 % of the second, 0.5 % of two more, 0.25 % of the rest."""
        reserved = sum((60, 10, 5, 5)[: self.vcpus]) + 2.5 * max(0, self.vcpus - 4)
        return int(self.vcpus * 1000 - reserved) - ADDON_MILLICPUS

    @property
    def memory_free_mib(self) -> int:
        """For pods of ours: without 255 MiB, 11 MiB a pod, and the eviction threshold of 100 MiB."""
        return self.memory_mib - 255 - 11 * self.max_pods - 100 - ADDON_MEMORY_MIB

    @property
    def disk_free_mib(self) -> int:
        """Of the root volume: without 1 GiB for the system and the eviction threshold of 10 %."""
        return max(0, int(self.disk_gib * 1024 * 0.9) - 1024)


def fit(spec: ModelSpec, nodes: Sequence[NodeType]) -> Problem | None:
    """Why no replica can ever run on any of these nodes, or None when one fits on the largest of them."""
    where = f"models[{spec.name}]"
    if not nodes:
        return Problem("there is no node group or pool to run on", where, hint="add one under node_groups")
    if all(node.keeps_away for node in nodes):
        hint = "add one without; those with GPUs or Neuron devices have one unless accelerator_taint is false"
        return Problem("it tolerates no taints, and the nodes of every group and pool have one", where, hint=hint)
    nodes = [node for node in nodes if not node.keeps_away]
    able = [node for node in nodes if node.architecture in spec.runtime.architectures]
    if not able:
        wanted, have = " or ".join(spec.runtime.architectures), ", ".join(sorted({node.architecture for node in nodes}))
        message = f"the image of {spec.runtime.name} is for {wanted}, and the nodes that take models are {have}"
        return Problem(message, where, hint=f"add a node group or pool of {wanted} instances")
    nodes = able
    millicpus = int(spec.model.cpu * 1000)
    memory = max(spec.model.memory_mib, FETCH_MEMORY_MIB // 4)
    if any(_fits(node, millicpus, memory, spec.ephemeral_mib) for node in nodes):
        return None
    best = max(nodes, key=lambda node: (node.memory_free_mib, node.millicpus_free))
    offers = f"{best.millicpus_free / 1000:.2f} cores, {best.memory_free_mib} MiB, {best.disk_free_mib} MiB of disk"
    asks = f"{spec.model.cpu:g} cores, {memory} MiB, {spec.ephemeral_mib} MiB of disk"
    return Problem(
        f"a replica asks for {asks}; the largest node ({best.instance_type}) has room for {offers}",
        where,
        hint="ask for less (cpu, memory_mib), or name a larger instance type or disk in node_groups or node_pools",
    )


def memory(spec: ModelSpec, loaded_bytes: int) -> Problem | None:
    """Whether a replica's memory can hold the server and its model: an error where it cannot, a warning where it is
    tight, None where there is room or nothing is known (`loaded_bytes` 0).

    Arrays took their bytes once more in memory than the file has unpacked (186 MB of a nearest-neighbours model, as
    joblib, pickle and gzip), a forest twice (69 MB of it took 139; measured with scikit-learn 1.5.2, November 2026).
    """
    has, model = spec.model.memory_mib, -(-loaded_bytes // MIB)
    floor, usual = spec.runtime.floor_mib + model, spec.runtime.usual_mib + 2 * model
    if not loaded_bytes or has >= usual:
        return None
    level: Literal["error", "warning"] = "error" if has < floor else "warning"
    said = (
        f"its file is {model} MiB unpacked, and the server without a model takes {spec.runtime.floor_mib} MiB or more"
    )
    verdict = "both cannot fit" if level == "error" else "that is tight"
    where = f"models[{spec.name}].memory_mib"
    return Problem(f"{has} MiB: {said}; {verdict}", where, hint=f"raise it to {usual} MiB", level=level)


def _fits(node: NodeType, millicpus: int, memory_mib: int, disk_mib: int) -> bool:
    return millicpus <= node.millicpus_free and memory_mib <= node.memory_free_mib and disk_mib <= node.disk_free_mib
