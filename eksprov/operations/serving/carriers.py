"""What may carry a model: instance types of node groups, of Karpenter's pools and of EKS Auto Mode, as EC2 has them.

Autoscalers make nodes up to a pool's limits, so a type that alone is beyond them is never launched. A pool that names
neither types nor families, and Auto Mode's own, takes any of the families C, M and R: what the largest of these have is
what counts (https://docs.aws.amazon.com/ec2/latest/instancetypes/mo.html).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from eksprov.aws.faults import translated
from eksprov.config.rules.pools import KEEPS_AWAY
from eksprov.config.schema import NodeGroup, NodePool
from eksprov.operations.stack import Opened
from eksprov.serving.sizing import NodeType
from eksprov.steps.catalog.karpenter import KARPENTER, pools
from eksprov.steps.catalog.names import has_auto_mode
from eksprov.steps.node_groups.instances import ALL, MOST_AT_ONCE, family_name, named_types, read
from eksprov.steps.node_groups.shape import NodeShape, derive, derive_pool

Described = Mapping[str, Any]
KUBERNETES: Final = {"x86_64": "amd64", "arm64": "arm64"}  # EC2's word for an architecture, and Kubernetes'
ANY_TYPE: Final = NodeType("largest of C, M and R", 192, 1536 * 1024, 110, 0)
AUTO_DISK_GIB: Final = 80  # https://docs.aws.amazon.com/eks/latest/userguide/create-node-class.html


def node_types(opened: Opened) -> tuple[NodeType, ...]:
    """Every instance type that a node of the stack may have; one call a hundred types, and one a family."""
    config = opened.stack.config
    pooled = pools(config) if config.autoscaler == KARPENTER else ()
    names = {name for group in config.node_groups for name in named_types(group)}
    names |= {name for pool in pooled for name in (*pool.instance_types, *map(family_name, pool.instance_families))}
    found = _described(opened, sorted(names)) if names else {}
    carriers = [kind for group in config.node_groups for kind in _of_group(group, found)]
    carriers += [kind for pool in pooled for kind in _of_pool(pool, found)]
    if has_auto_mode(config) and "general-purpose" in config.auto_mode.node_pools:
        carriers.append(replace(ANY_TYPE, disk_gib=AUTO_DISK_GIB))
    return tuple(carriers)


def _of_group(group: NodeGroup, found: Mapping[str, Described]) -> Iterator[NodeType]:
    for name in named_types(group):
        if name in found:
            yield _node_type(found[name], derive(group, {name: read(found[name])}))


def _of_pool(pool: NodePool, found: Mapping[str, Described]) -> Iterator[NodeType]:
    """Those that its limits let one node have."""
    families = tuple(f"{family}." for family in pool.instance_families)
    facts = {name: read(described) for name, described in found.items()}
    named = [name for name in found if name in pool.instance_types or (families and name.startswith(families))]
    for name in named:
        whole = pool.model_copy(update={"instance_types": (name,), "instance_families": ()})
        kind = _node_type(found[name], derive_pool(whole, facts))
        if kind.vcpus <= pool.cpu_limit and kind.memory_mib <= _most_memory(pool):
            yield kind
    if not named and not pool.instance_types and not pool.instance_families:
        shape = derive_pool(pool, facts)
        kind = replace(ANY_TYPE, disk_gib=shape.disk_gib, keeps_away=_keeps_away(shape))
        yield replace(kind, vcpus=min(kind.vcpus, pool.cpu_limit), memory_mib=min(kind.memory_mib, _most_memory(pool)))


def _most_memory(pool: NodePool) -> int:
    return pool.memory_limit_gib * 1024 if pool.memory_limit_gib else ANY_TYPE.memory_mib * 100


def _described(opened: Opened, names: list[str]) -> dict[str, Described]:
    """What EC2 says of types and of all types of families, by type."""
    ec2, found = opened.aws.clients.ec2, dict[str, Described]()
    types = [name for name in names if not name.endswith(ALL)]
    with translated("read the instance types of node groups and pools"):
        for start in range(0, len(types), MOST_AT_ONCE):
            asked: Any = {"InstanceTypes": types[start : start + MOST_AT_ONCE]}
            found |= {one["InstanceType"]: one for one in ec2.describe_instance_types(**asked)["InstanceTypes"]}
        for family in (name for name in names if name.endswith(ALL)):
            filters: list[Any] = [{"Name": "instance-type", "Values": [family]}]
            for page in ec2.get_paginator("describe_instance_types").paginate(Filters=filters):
                found |= {one["InstanceType"]: one for one in page["InstanceTypes"]}
    return found


def _node_type(found: Described, shape: NodeShape) -> NodeType:
    """Pods by network interfaces: https://docs.aws.amazon.com/eks/latest/userguide/choosing-instance-type.html."""
    network = found["NetworkInfo"]
    max_pods = network["MaximumNetworkInterfaces"] * (network["Ipv4AddressesPerInterface"] - 1) + 2
    return NodeType(
        found["InstanceType"],
        found["VCpuInfo"]["DefaultVCpus"],
        found["MemoryInfo"]["SizeInMiB"],
        max_pods,
        shape.disk_gib,
        KUBERNETES.get(read(found).architecture, ""),
        _keeps_away(shape),
    )


def _keeps_away(shape: NodeShape) -> bool:
    return any(effect in KEEPS_AWAY for _, _, effect in shape.taints)
