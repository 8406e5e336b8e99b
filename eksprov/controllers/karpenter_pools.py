"""A pool of the config as Karpenter's objects: an EC2NodeClass, how its nodes are set up, and a NodePool. Pure.

Subnets and security groups are found by tags, so nothing here has to wait for an id: the stack's private subnets by
ours, the cluster's security group by the tag that EKS puts on it
(https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html). The image follows from the operating system, and
Karpenter takes its variant for GPUs or Neuron devices where an instance type has them
(https://karpenter.sh/docs/concepts/nodeclasses/#specamiselectorterms).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from eksprov.controllers.karpenter_definitions import AWS_API, AWS_GROUP, CORE_API
from eksprov.controllers.parts import ControllerFacts, Json, meta

if TYPE_CHECKING:
    from eksprov.config.schema import NodePool

NAME: Final = "karpenter"
INTERNAL: Final = "kubernetes.io/role/internal-elb"  # what private subnets are tagged with
ROOT, DATA = "/dev/xvda", "/dev/xvdb"
BOTTLEROCKET_SYSTEM_GIB: Final = 4  # Karpenter's own default for the volume that holds Bottlerocket itself
EFFECTS: Final = {"NO_SCHEDULE": "NoSchedule", "NO_EXECUTE": "NoExecute", "PREFER_NO_SCHEDULE": "PreferNoSchedule"}
CAPACITY: Final = {"ON_DEMAND": "on-demand", "SPOT": "spot"}
Requirements = tuple[tuple[str, str, tuple[str, ...]], ...]  # label, operator, values
# Only Nitro instances give pods IPv6 addresses (https://docs.aws.amazon.com/eks/latest/userguide/cni-ipv6.html); the
# label is one of Karpenter's own (https://karpenter.sh/docs/concepts/scheduling/#well-known-labels).
NITRO: Final[Requirements] = (("karpenter.k8s.aws/instance-hypervisor", "In", ("nitro",)),)
# What a pool may launch that names neither types nor families.
GENERAL: Final = (
    ("karpenter.k8s.aws/instance-category", "In", ("c", "m", "r")),
    ("karpenter.k8s.aws/instance-generation", "Gt", ("4",)),
    ("kubernetes.io/arch", "In", ("amd64",)),
)


@dataclass(frozen=True)
class KarpenterPool:
    """A pool of the config, and what follows from its instance types: taints (key, value, effect) and volume size."""

    asked: NodePool
    taints: tuple[tuple[str, str, str], ...]
    disk_gib: int


@dataclass(frozen=True)
class PoolNetwork:
    """Where nodes go: `role` is their IAM role's name; `subnet_ids` are of an existing VPC, empty: the stack's own.

    `ipv6`: their pods have IPv6 addresses.
    """

    role: str
    subnet_ids: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    ipv6: bool = False


def pool_parts(facts: ControllerFacts, pool: KarpenterPool, place: PoolNetwork) -> dict[str, Json]:
    """Its two objects, by part."""
    return {
        f"node-class-{pool.asked.name}": _node_class(facts, pool, place),
        f"node-pool-{pool.asked.name}": _node_pool(facts, pool, NITRO if place.ipv6 else ()),
    }


def _node_class(facts: ControllerFacts, pool: KarpenterPool, place: PoolNetwork) -> Json:
    asked = pool.asked
    own = {"tags": {"eksprov:stack": facts.stack, INTERNAL: "1"}}
    spec: Json = {
        "amiSelectorTerms": [{"alias": f"{asked.ami_family}@{asked.ami_version}"}],
        "role": place.role,
        "subnetSelectorTerms": [{"id": one} for one in place.subnet_ids] or [own],
        "securityGroupSelectorTerms": [{"tags": {"aws:eks:cluster-name": facts.cluster}}],
        "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": asked.metadata_hop_limit},
        "blockDeviceMappings": list(_volumes(pool)),
    }
    tags = {"tags": dict(place.tags)} if place.tags else {}
    return {
        "apiVersion": AWS_API,
        "kind": "EC2NodeClass",
        "metadata": meta(facts, NAME, asked.name, namespace=""),
        "spec": {**spec, **tags},
    }


def _volumes(pool: KarpenterPool) -> Iterator[Json]:
    """Encrypted; Bottlerocket keeps images and pods on its second."""
    ebs = {"volumeType": "gp3", "encrypted": True, "deleteOnTermination": True}
    sizes = {ROOT: pool.disk_gib}
    if pool.asked.ami_family == "bottlerocket":
        sizes = {ROOT: BOTTLEROCKET_SYSTEM_GIB, DATA: pool.disk_gib}
    for device, size in sizes.items():
        yield {"deviceName": device, "ebs": {**ebs, "volumeSize": f"{size}Gi"}}


def _node_pool(facts: ControllerFacts, pool: KarpenterPool, more: Requirements) -> Json:
    asked = pool.asked
    spec: Json = {
        "nodeClassRef": {"group": AWS_GROUP, "kind": "EC2NodeClass", "name": asked.name},
        "requirements": list(_requirements(asked, more)),
        "expireAfter": f"{asked.expire_after_hours}h" if asked.expire_after_hours else "Never",
    }
    if pool.taints:
        spec["taints"] = [_taint(*taint) for taint in pool.taints]
    if asked.drain_limit_s:
        spec["terminationGracePeriod"] = f"{asked.drain_limit_s}s"
    labels = {"metadata": {"labels": dict(asked.labels)}} if asked.labels else {}
    return {
        "apiVersion": CORE_API,
        "kind": "NodePool",
        "metadata": meta(facts, NAME, asked.name, namespace=""),
        "spec": {
            "template": {**labels, "spec": spec},
            "disruption": _disruption(asked),
            "limits": dict(_limits(asked)),
            **({"weight": asked.weight} if asked.weight else {}),
        },
    }


def _requirements(asked: NodePool, more: Requirements) -> Iterator[Json]:
    if asked.instance_types:
        which: Requirements = (("node.kubernetes.io/instance-type", "In", asked.instance_types),)
    elif asked.instance_families:
        which = (("karpenter.k8s.aws/instance-family", "In", asked.instance_families),)
    else:
        which = GENERAL
    bought = tuple(CAPACITY[one] for one in asked.capacity_types)
    which = (*which, ("karpenter.sh/capacity-type", "In", bought))
    if asked.zone_ids:
        which = (*which, ("topology.k8s.aws/zone-id", "In", asked.zone_ids))
    for key, operator, values in (*which, *more):
        yield {"key": key, "operator": operator, "values": list(values)}


def _taint(key: str, value: str, effect: str) -> Mapping[str, str]:
    return {"key": key, **({"value": value} if value else {}), "effect": EFFECTS[effect]}


def _disruption(asked: NodePool) -> Json:
    if asked.consolidation == "Never":
        return {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "Never"}
    return {"consolidationPolicy": asked.consolidation, "consolidateAfter": f"{asked.consolidate_after_s}s"}


def _limits(asked: NodePool) -> Iterator[tuple[str, str]]:
    yield "cpu", str(asked.cpu_limit)
    if asked.memory_limit_gib:
        yield "memory", f"{asked.memory_limit_gib}Gi"
    if asked.gpu_limit:
        yield "nvidia.com/gpu", str(asked.gpu_limit)
