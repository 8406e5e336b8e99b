"""Where a scheduler would put pods: taints, selectors, and room for CPU, memory and number of pods; first come, first
served. Enough to tell which workloads find no node, and in whose words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from eksprov.local.contract import AddonSpec, NodeSpec
from eksprov.local.node.addons import Place, objects
from eksprov.local.node.containers.environment import quantity
from eksprov.local.node.machine import allocatable, labels

PLACE = Place("us-west-2", "172.20.0.10")
TAINTED, FULL = "had untolerated taint(s)", "Too many pods"


@dataclass
class Room:
    """A node, and what is left on it."""

    node: NodeSpec
    left: dict[str, Decimal]

    @classmethod
    def of(cls, node: NodeSpec) -> Room:
        """The whole of it."""
        offered = allocatable(node, frozenset(node.plugins))
        return cls(node, {key: quantity(str(offered[key])) for key in ("cpu", "memory", "pods")})

    def refuses(self, pod: Mapping[str, Any]) -> str:
        """Why the pod cannot come here, in the scheduler's words; empty where it can."""
        if not all(_tolerated(taint, pod.get("tolerations") or ()) for taint in self.node.taints):
            return TAINTED
        has = labels(self.node)
        if any(has.get(key) != value for key, value in (pod.get("nodeSelector") or {}).items()):
            return "didn't match Pod's node affinity/selector"
        needs = _needs(pod)
        short = [key for key in ("cpu", "memory") if needs[key] > self.left[key]]
        return FULL if self.left["pods"] < 1 else f"Insufficient {short[0]}" if short else ""

    def take(self, pod: Mapping[str, Any]) -> None:
        """Let it run here."""
        for key, value in _needs(pod).items():
            self.left[key] -= value


def placed(rooms: list[Room], pod: Mapping[str, Any]) -> str:
    """Put the pod on the first node that takes it; what the scheduler says where none does."""
    reasons = [(room, room.refuses(pod)) for room in rooms]
    free = next((room for room, why in reasons if not why), None)
    if free is not None:
        free.take(pod)
        return ""
    if not rooms:
        return "no nodes available to schedule pods"
    counted = Counter(why for _, why in reasons)
    return f"0/{len(rooms)} nodes are available: " + ", ".join(
        f"{many} {why}" if why.startswith(("Ins", "Too")) else f"{many} node(s) {why}"
        for why, many in sorted(counted.items())
    )


def rooms_beside_daemons(nodes: Iterable[NodeSpec], addons: Iterable[AddonSpec]) -> list[Room]:
    """The nodes, the add-ons' DaemonSets on them already."""
    rooms = [Room.of(node) for node in nodes]
    for pod in (pod for addon in addons for _, pod in _pods(addon, "DaemonSet")):
        for room in rooms:
            if not room.refuses(pod):
                room.take(pod)
    return rooms


def homeless(rooms: list[Room], addons: Iterable[AddonSpec]) -> dict[str, str]:
    """The add-ons of whose Deployments a pod finds no node, and why."""
    found: dict[str, str] = {}
    for addon in addons:
        for replicas, pod in _pods(addon, "Deployment"):
            for why in (placed(rooms, pod) for _ in range(replicas)):
                if why:
                    found.setdefault(addon.name, why)
    return found


def _pods(addon: AddonSpec, kind: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for made in objects(addon, PLACE) or ():
        if made["kind"] == kind:
            yield int(made["spec"].get("replicas", 1)), made["spec"]["template"]["spec"]


def _needs(pod: Mapping[str, Any]) -> dict[str, Decimal]:
    asked = [(one.get("resources") or {}).get("requests") or {} for one in pod["containers"]]
    sums = {key: sum((quantity(str(one.get(key, 0))) for one in asked), Decimal(0)) for key in ("cpu", "memory")}
    return {**sums, "pods": Decimal(1)}


def _tolerated(taint: Mapping[str, str], tolerations: Iterable[Mapping[str, Any]]) -> bool:
    if taint["effect"] == "PreferNoSchedule":
        return True
    return any(
        one.get("key", taint["key"]) == taint["key"]
        and one.get("effect") in (None, "", taint["effect"])
        and (one.get("operator") == "Exists" or one.get("value", "") == taint.get("value", ""))
        for one in tolerations
    )
