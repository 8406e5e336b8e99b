"""What a run adds to what is there, from the lines of a plan. Pure.

Managed node groups start new nodes before old ones go when they are updated: at most twice the number of zones or
maxUnavailable more, whichever is greater; with the MINIMAL strategy none
(https://docs.aws.amazon.com/eks/latest/userguide/managed-node-update-behavior.html).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from eksprov.core.change import Action
from eksprov.core.plan import Plan, Planned
from eksprov.core.step import Facts
from eksprov.preflight.facts import TypeFacts
from eksprov.steps.cluster.facts import ClusterFacts
from eksprov.steps.node_groups.facts import NodeGroupFacts

STANDARD = frozenset("acdhimrtz")  # https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
# Quota codes of EC2's vCPUs, by family: on demand and spot (https://docs.aws.amazon.com/general/latest/gr/ec2-service.html).
VCPU_CODES: Mapping[tuple[str, str], str] = {
    ("standard", "ON_DEMAND"): "L-1216C47A",
    ("g", "ON_DEMAND"): "L-DB2E81BA",
    ("p", "ON_DEMAND"): "L-417A185B",
    ("inf", "ON_DEMAND"): "L-1945791B",
    ("trn", "ON_DEMAND"): "L-2C3B7624",
    ("standard", "SPOT"): "L-34B43A08",
    ("g", "SPOT"): "L-3819A6DF",
    ("p", "SPOT"): "L-7212CCBC",
    ("p5", "SPOT"): "L-C4BD4855",
    ("inf", "SPOT"): "L-B5D1601B",
    ("trn", "SPOT"): "L-6B0D517C",
}


AUTO_MODE_CODE = VCPU_CODES["standard", "ON_DEMAND"]
AUTO_MODE_VCPUS = 2  # of its first node: the smallest that its pools make for pods of x86_64


@dataclass(frozen=True)
class Group:
    """A node group as it is wanted, and what EKS has of it; `have` is None where EKS has to create it."""

    name: str
    want: NodeGroupFacts
    have: NodeGroupFacts | None

    @property
    def new(self) -> bool:
        """Whether EKS has to create the node group."""
        return self.have is None

    @property
    def size(self) -> int:
        """How many nodes the group has now."""
        return self.have.desired_size if self.have is not None else 0

    @property
    def more(self) -> int:
        """How many nodes this run starts in the group."""
        theirs = self.have is not None and "desired_size" in self.want.unmanaged
        return 0 if theirs else max(0, self.want.desired_size - self.size)

    def ceiling(self, zones: int) -> int:
        """The most nodes that it may have for a while: max_size, and an update's new ones before old ones go."""
        most, rule = self.want.max_size, self.want.update_rule
        unavailable = max(rule.max_unavailable, -(-most * rule.percentage // 100))
        return most if rule.strategy == "MINIMAL" else most + max(2 * zones, unavailable)


def family(instance_type: str) -> str:
    """The quota family of an instance type; empty for one that no quota here covers."""
    letters = re.match(r"[a-z]+", instance_type)
    word = letters[0] if letters else ""
    if word in ("g", "gr", "vt"):
        return "g"
    if word in ("p", "inf", "trn"):
        return word
    return "standard" if word[:1] in STANDARD and word not in ("hpc", "mac") else ""


def quota_code(instance_type: str, capacity_type: str) -> str:
    """The code of the vCPU quota that an instance counts against; empty where none is known."""
    kind = family(instance_type)
    if kind == "p" and capacity_type == "SPOT" and re.match(r"p[5-9]", instance_type):
        kind = "p5"
    return VCPU_CODES.get((kind, capacity_type), "")


def groups(plan: Plan) -> tuple[Group, ...]:
    """The node groups that the plan wants, each with what EKS has of it."""
    return tuple(Group(line.name, want, None if _made(line) else have) for line, want, have in plan.of(NodeGroupFacts))


def _made(line: Planned) -> bool:
    return line.change.action in (Action.CREATE, Action.REPLACE)


def vcpus(
    wanted: tuple[Group, ...], types: Mapping[str, TypeFacts], zones: int, fallbacks: Collection[str] = ()
) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """By quota code: vCPUs that this run starts, and those that may come with max_size and an update's surge.

    What a group with another choice to go to begins with is no need, only a wish: it counts for the second alone.
    """
    now: Counter[str] = Counter()
    most: Counter[str] = Counter()
    for group in (each for each in wanted if each.want.capacity_type in ("ON_DEMAND", "SPOT")):
        cores_of = list(_codes(group, types))
        for code, cores in cores_of[:1]:  # on-demand groups begin with their first type
            now[code] += 0 if group.name in fallbacks else group.more * cores
        for code in {code for code, _ in cores_of}:  # any type may come to make up the whole group
            most[code] += (group.ceiling(zones) - group.size) * max(c for other, c in cores_of if other == code)
    return now, most


def _codes(group: Group, types: Mapping[str, TypeFacts]) -> Iterator[tuple[str, int]]:
    for name in group.want.instance_types:
        code = quota_code(name, group.want.capacity_type)
        if code and name in types:
            yield code, types[name].vcpus


def starts_auto_mode(plan: Plan) -> bool:
    """Whether the run switches EKS Auto Mode on, be it with the cluster's creation."""
    return any(want.auto_mode and not (have and have.auto_mode) for _, want, have in plan.of(ClusterFacts))


def created(plan: Plan, facts: type[Facts]) -> int:
    """How many resources with such facts the run makes."""
    return sum(_made(line) for line, _, _ in plan.of(facts))


def is_ipv6(plan: Plan) -> bool:
    """Whether pods get IPv6 addresses."""
    return any(want.ip_family == "ipv6" for _, want, _ in plan.of(ClusterFacts))
