"""Which pool makes a node for which pods, and of which instance types. Pure.

Pools are tried by weight, then by name (https://karpenter.sh/docs/concepts/nodepools/#specweight); of the types that a
pool allows and that hold the pods beside the daemons of a node, the smallest come first, so that GPUs are not spent on
what needs none. Prices are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from eksprov.local.contract import InstanceKind, Json, Manager, NodeSpec, Offers
from eksprov.local.node.containers.environment import quantity
from eksprov.local.node.machine import GPU, NEURON, allocatable
from eksprov.local.node.ondemand.demand import NOTHING, Demand, demand, holds, selects, tolerates

ZONE, ZONE_ID = "topology.kubernetes.io/zone", "topology.k8s.aws/zone-id"
CAPACITY = "karpenter.sh/capacity-type"
ON_DEMAND, SPOT = "on-demand", "spot"
# The group of a pool's node class tells whose it is, and each has its own words for what instances are like:
# https://docs.aws.amazon.com/eks/latest/userguide/create-node-pool.html#auto-supported-labels
MANAGERS: Mapping[str, Manager] = {"eks.amazonaws.com": "auto", "karpenter.k8s.aws": "karpenter"}
DAEMONS = Demand({"cpu": Decimal("0.3"), "memory": Decimal(256 * 2**20), "pods": Decimal(6)})
TYPES_AT_MOST = 20


@dataclass(frozen=True)
class Pool:
    """A NodePool as far as it decides; `used` is what its nodes have already."""

    name: str
    uid: str
    weight: int
    node_class: str
    group: str
    kind: str
    requirements: tuple[Json, ...]
    labels: Mapping[str, str]
    taints: tuple[Mapping[str, str], ...]
    limits: Mapping[str, str]

    @property
    def manager(self) -> Manager | None:
        """Who makes its nodes; None for nobody known here."""
        return MANAGERS.get(self.group)

    @staticmethod
    def of(live: Json) -> Pool:
        spec, metadata = live["spec"], live["metadata"]
        template = spec["template"]
        reference = template["spec"]["nodeClassRef"]
        return Pool(
            name=metadata["name"],
            uid=metadata["uid"],
            weight=int(spec.get("weight", 0)),
            node_class=reference["name"],
            group=reference["group"],
            kind=reference["kind"],
            requirements=tuple(template["spec"].get("requirements") or ()),
            labels=(template.get("metadata") or {}).get("labels") or {},
            taints=tuple(template["spec"].get("taints") or ()),
            limits=spec.get("limits") or {},
        )


@dataclass(frozen=True)
class Choice:
    """A node to be made: its pool, what it may be, and the pods it is for."""

    pool: Pool
    kinds: tuple[InstanceKind, ...]
    zones: tuple[str, ...]
    capacity: str
    pods: tuple[Json, ...]


def choices(
    pods: Iterable[Json],
    pools: Iterable[Pool],
    offers: Offers,
    used: Mapping[str, Demand],
) -> Iterator[Choice]:
    """The nodes that the pods need: each pod joins the first with room. `used`, by pool, counts for limits."""
    ordered, offered = sorted(pools, key=lambda pool: (-pool.weight, pool.name)), sorted(offers.kinds, key=_size)
    made: list[Choice] = []

    def had(pool: Pool) -> Demand:
        return used.get(pool.name, NOTHING)

    for pod in pods:
        for index, one in enumerate(made):
            if (larger := _choose((*one.pods, pod), one.pool, offered, offers.zones, had(one.pool))) is not None:
                made[index] = larger
                break
        else:
            found = (_choose((pod,), pool, offered, offers.zones, had(pool)) for pool in ordered)
            if (first := next((one for one in found if one is not None), None)) is not None:
                made.append(first)
    yield from made


def describe(kind: InstanceKind, group: str) -> dict[str, str]:
    """The labels that an instance type brings, in the words of the node class's group."""
    family, _, size = kind.name.partition(".")
    parts = re.fullmatch(r"([a-z]+(?:-)?)(\d*).*", family)
    category, generation = (parts.group(1), parts.group(2)) if parts else (family, "")
    gpu = {"gpu-count": str(kind.gpus), "gpu-name": kind.gpu_name, "gpu-manufacturer": "nvidia"} if kind.gpus else {}
    facts = {
        "category": category,
        "family": family,
        "size": size,
        "cpu": str(kind.vcpus),
        "memory": str(kind.memory_mib),
        **({"generation": generation} if generation else {}),
        **({"hypervisor": kind.hypervisor} if kind.hypervisor else {}),
        **gpu,
    }
    return {
        "kubernetes.io/arch": kind.architecture,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": kind.name,
        **{f"{group}/instance-{name}": value for name, value in facts.items()},
    }


def _choose(
    pods: tuple[Json, ...], pool: Pool, kinds: Iterable[InstanceKind], zones: Mapping[str, str], used: Demand
) -> Choice | None:
    if not all(tolerates(pod, pool.taints) for pod in pods):
        return None
    need = sum((demand(pod) for pod in pods), DAEMONS)
    # Spot is preferred where a pool allows both: https://karpenter.sh/docs/concepts/nodepools/
    for capacity in (SPOT, ON_DEMAND):
        if not holds([one for one in pool.requirements if one["key"] == CAPACITY], {CAPACITY: capacity}):
            continue
        fit, where = [], set()
        for kind in kinds:
            labels = {**node_labels(pool, capacity), **describe(kind, pool.group)}
            allowed = [
                zone for zone, known in zones.items() if _allowed(pods, pool, {**labels, ZONE: zone, ZONE_ID: known})
            ]
            if allowed and _roomy(kind, need) and not _beyond(pool, kind, used):
                fit.append(kind)
                where.update(allowed)
            if len(fit) == TYPES_AT_MOST:
                break
        if fit:
            return Choice(pool, tuple(fit), tuple(sorted(where)), capacity, pods)
    return None


def node_labels(pool: Pool, capacity: str) -> dict[str, str]:
    """The labels of the pool's nodes that do not depend on the instance."""
    own = {"eks.amazonaws.com/compute-type": "auto"} if pool.manager == "auto" else {}
    kind = f"{pool.group}/{pool.kind.lower()}"
    return {**pool.labels, **own, CAPACITY: capacity, "karpenter.sh/nodepool": pool.name, kind: pool.node_class}


def _allowed(pods: tuple[Json, ...], pool: Pool, labels: Mapping[str, str]) -> bool:
    return holds(pool.requirements, labels) and all(selects(pod, labels) for pod in pods)


def _roomy(kind: InstanceKind, need: Demand) -> bool:
    spec = NodeSpec(
        "", "", "", "", "", "", kind.name, kind.architecture, kind.vcpus, kind.memory_mib, 80, kind.max_pods
    )
    offered = allocatable(spec, frozenset()) | {GPU: str(kind.gpus), NEURON: str(kind.neuron_devices)}
    return need.fits(offered)


def _beyond(pool: Pool, kind: InstanceKind, used: Demand) -> bool:
    """Whether one more of these would be more than the pool may have."""
    more = {"cpu": Decimal(kind.vcpus), "memory": Decimal(kind.memory_mib) * 2**20, GPU: Decimal(kind.gpus)}
    return any(used[name] + more.get(name, 0) > quantity(limit) for name, limit in pool.limits.items() if name in more)


def _size(kind: InstanceKind) -> tuple[int, int, int, str]:
    return (kind.gpus + kind.neuron_devices, kind.vcpus, kind.memory_mib, kind.name)
