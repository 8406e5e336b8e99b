"""Whether the pods of add-ons find room on the nodes that there will be: CPU, memory, and how many pods a node takes.

A t3.nano takes four pods, three of which are on every node
(https://docs.aws.amazon.com/eks/latest/userguide/choosing-instance-type.html); EKS waits for the others in vain.
Counted are the add-ons of every stack, by the requests that EKS gives them, two replicas each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from eksprov.config.rules.pools import KEEPS_AWAY
from eksprov.core.plan import Plan
from eksprov.core.step import Owner
from eksprov.core.words import article, plural
from eksprov.preflight.facts import PreflightFacts, SystemPods, TypeFacts, Unread
from eksprov.preflight.findings import Finding
from eksprov.preflight.need import Group, groups
from eksprov.serving.sizing import NodeType

REPLICAS: Final = 2
REQUESTS: Final[Mapping[str, tuple[int, int]]] = {"coredns": (100, 70), "metrics-server": (100, 200)}  # millicpus, MiB
ON_EVERY_NODE: Final = frozenset({"vpc-cni", "kube-proxy", "eks-pod-identity-agent", "eks-node-monitoring-agent"})
ENOUGH: Final = 8  # nodes of a group: more of the same would not change the answer for two pods each


@dataclass
class _Room:
    """What is left of a node's CPU, memory and pods."""

    millicpus: int
    memory_mib: int
    pods: int

    def takes(self, millicpus: int, memory_mib: int) -> bool:
        """Put a pod on the node, if it has room; whether it had."""
        if millicpus > self.millicpus or memory_mib > self.memory_mib or self.pods < 1:
            return False
        self.millicpus, self.memory_mib, self.pods = (
            self.millicpus - millicpus,
            self.memory_mib - memory_mib,
            self.pods - 1,
        )
        return True


def room(plan: Plan, facts: PreflightFacts, _us: Owner) -> Iterator[Finding]:
    """An error where a run's pod of them would find no node; nothing is said where types could not be read."""
    asked, types = facts.system_pods, facts.types
    if asked is None or isinstance(types, Unread):
        return
    hosts = [(group, kind) for group in _hosts(plan, asked) if (kind := _largest(group, types, asked))]
    if not hosts:
        return
    rooms = [_room(kind, asked) for group, kind in hosts for _ in range(min(ENOUGH, _count(group, asked)))]
    pods = sorted(
        ((REQUESTS[name], name) for name in asked.addons & REQUESTS.keys() for _ in range(REPLICAS)), reverse=True
    )
    lost = [name for wanted, name in pods if not any(one.takes(*wanted) for one in rooms)]
    if lost:
        nodes = ", ".join(f"{_count(group, asked)} {kind.instance_type}" for group, kind in hosts)
        first = min((kind for _, kind in hosts), key=lambda kind: kind.memory_mib)
        left = _room(first, asked)
        what = f"no room for {len(lost)} of {plural(len(pods), 'pod')} of {', '.join(sorted(set(lost)))} on {nodes}"
        takes = plural(first.max_pods, "pod")
        why = f"{article(first.instance_type)} takes {takes}, {first.max_pods - left.pods} of them on every node"
        yield Finding(
            "system-pods",
            "error" if plan.changes else "warning",  # as it is, nothing waits for them
            f"{what}: {why}, and has {max(0, left.memory_mib)} MiB for others",
            "choose a larger instance type, or more nodes",
        )


def max_pods(plan: Plan, facts: PreflightFacts, _us: Owner) -> Iterator[Finding]:
    """A node takes more pods than it has addresses for: the last ones never start.

    https://docs.aws.amazon.com/eks/latest/userguide/cni-increase-ip-addresses.html
    """
    asked, types = facts.system_pods, facts.types
    if asked is None or asked.prefixes or isinstance(types, Unread):
        return
    for group in groups(plan):
        limit = asked.max_pods.get(group.name, 0)
        known = [types[name] for name in group.want.instance_types if name in types]
        least = min((_addresses(kind) for kind in known), default=limit)
        if limit > least:
            what = f"{group.name}: max_pods is {limit}, but the network interfaces of a node have addresses for {least}"
            cure = 'leave it out, or give the add-on vpc-cni the configuration env: {ENABLE_PREFIX_DELEGATION: "true"}'
            yield Finding("max-pods", "warning", what, cure)


def _addresses(kind: TypeFacts) -> int:
    return kind.interfaces * (kind.addresses_per_interface - 1) + 2


def _hosts(plan: Plan, asked: SystemPods) -> list[Group]:
    """The groups that have nodes: those without taints, or where there is none all of them."""
    known = [group for group in groups(plan) if _count(group, asked)]
    open_to_all = [group for group in known if not any(effect in KEEPS_AWAY for _, _, effect in group.want.taints)]
    return open_to_all or known


def _count(group: Group, asked: SystemPods) -> int:
    return group.want.max_size if asked.grows else group.want.desired_size


def _largest(group: Group, types: Mapping[str, TypeFacts], asked: SystemPods) -> NodeType | None:
    """The most that a node of the group may have; None where a type is not known."""
    named = group.want.instance_types
    if not named or not all(name in types and types[name].memory_mib for name in named):
        return None
    name = max(named, key=lambda one: types[one].memory_mib)
    kind = types[name]
    return NodeType(name, kind.vcpus, kind.memory_mib, asked.max_pods.get(group.name, _addresses(kind)), 0)


def _room(kind: NodeType, asked: SystemPods) -> _Room:
    daemons = len(asked.addons & ON_EVERY_NODE)
    return _Room(kind.millicpus_free, kind.memory_free_mib, kind.max_pods - daemons)
