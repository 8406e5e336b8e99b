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
from typing import Any

from eksprov.core.change import Action
from eksprov.core.plan import Plan, Planned
from eksprov.preflight.facts import TypeFacts

GROUP = "node-group"
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
    """A node group as it is wanted, and how many nodes it has; `new` when EKS has to create it.

    `minimal` groups end nodes before they start others; `unavailable` is how many nodes are replaced at a time.
    """

    name: str
    types: tuple[str, ...]
    capacity_type: str
    have: int
    desired: int
    most: int
    new: bool
    minimal: bool = False
    unavailable: int = 1

    def ceiling(self, zones: int) -> int:
        """The most nodes that it may have for a while: max_size, and an update's new ones before old ones go."""
        return self.most if self.minimal else self.most + max(2 * zones, self.unavailable)

    @property
    def more(self) -> int:
        """Nodes that this run starts."""
        return max(0, self.desired - self.have)


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
    """The node groups that are wanted."""
    return tuple(_group(line) for line in plan.lines if line.kind == GROUP and line.want is not None)


def _group(line: Planned) -> Group:
    want: Any = line.want
    new = line.have is None or line.change.action in (Action.CREATE, Action.REPLACE)
    have: Any = None if new else line.have
    rule = want.update_rule
    return Group(
        name=line.name,
        types=tuple(want.instance_types),
        capacity_type=want.capacity_type,
        have=have.desired_size if have is not None else 0,
        desired=want.desired_size,
        most=want.max_size,
        new=new,
        minimal=rule.strategy == "MINIMAL",
        unavailable=max(rule.max_unavailable, -(-want.max_size * rule.percentage // 100)),
    )


def vcpus(
    wanted: tuple[Group, ...], types: Mapping[str, TypeFacts], zones: int, fallbacks: Collection[str] = ()
) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """By quota code: vCPUs that this run starts, and those that may come with max_size and an update's surge.

    What a group with another choice to go to begins with is no need, only a wish: it counts for the second alone.
    """
    now: Counter[str] = Counter()
    most: Counter[str] = Counter()
    for group in (each for each in wanted if each.capacity_type in ("ON_DEMAND", "SPOT")):
        cores_of = list(_codes(group, types))
        for code, cores in cores_of[:1]:  # on-demand groups begin with their first type
            now[code] += 0 if group.name in fallbacks else group.more * cores
        for code in {code for code, _ in cores_of}:  # any type may come to make up the whole group
            most[code] += (group.ceiling(zones) - group.have) * max(c for other, c in cores_of if other == code)
    return now, most


def _codes(group: Group, types: Mapping[str, TypeFacts]) -> Iterator[tuple[str, int]]:
    for name in group.types:
        code = quota_code(name, group.capacity_type)
        if code and name in types:
            yield code, types[name].vcpus


def starts_auto_mode(plan: Plan) -> bool:
    """Whether the run switches EKS Auto Mode on, be it with the cluster's creation."""
    lines = [(line.want, line.have) for line in plan.lines if line.kind == "cluster"]
    return any(getattr(want, "auto_mode", False) and not getattr(have, "auto_mode", False) for want, have in lines)


def created(plan: Plan, kind: str) -> int:
    """How many resources of a kind the run makes."""
    making = (Action.CREATE, Action.REPLACE)
    return sum(line.kind == kind and line.change.action in making for line in plan.lines)


def is_ipv6(plan: Plan) -> bool:
    """Whether pods get IPv6 addresses."""
    return any(line.kind == "cluster" and getattr(line.want, "ip_family", "") == "ipv6" for line in plan.lines)
