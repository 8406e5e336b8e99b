"""Resources that end badly: EKS reports a failure of its own, long after it has accepted the call.

Health codes and states are those of
https://docs.aws.amazon.com/eks/latest/APIReference/API_Issue.html and
https://docs.aws.amazon.com/eks/latest/APIReference/API_ClusterIssue.html. What controllers leave is made in `left`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eksprov.local.aws.emulator import LocalAws
from eksprov.local.faults.left import LEFT, leak_interface
from eksprov.local.faults.plan import Fate
from eksprov.local.faults.wire import Asked

NEVER = float("inf")
AFTER_S = 30.0  # how long EKS takes to find out
STRIKES = {
    "CreateNodegroup": ("nodegroup", "nodegroup-degraded"),
    "DeleteNodegroup": ("leaked-interface", "nodegroup-delete"),
    "CreateCluster": ("cluster",),
    "DeleteCluster": ("leaked-interface", *LEFT),
    "CreateAddon": ("addon",),
    "UpdateClusterConfig": ("update",),
    "UpdateNodegroupConfig": ("update",),
    "UpdateNodegroupVersion": ("update",),
}


# What a cluster keeps such things in, in which motion they are struck (empty: in any), and how that ends.
ENDS = {
    "nodegroup": ("nodegroups", "CREATING", "CREATE_FAILED"),
    "nodegroup-degraded": ("nodegroups", "", "DEGRADED"),
    "nodegroup-delete": ("nodegroups", "DELETING", "DELETE_FAILED"),
    "addon": ("addons", "CREATING", "CREATE_FAILED"),
}


class Fates:
    """Strikes resources as they are made, and keeps them as they are to be."""

    def __init__(self, world: LocalAws, fates: tuple[Fate, ...], region: str) -> None:
        self._world, self._region = world, region
        self._left = {fate: fate.times for fate in fates}
        self._due: list[tuple[float, Callable[[], object]]] = []
        self._struck: set[int] = set()

    def enforce(self) -> None:
        """Let happen what is due by now; before every call."""
        due = [act for at, act in self._due if at <= self._world.now()]
        self._due = [(at, act) for at, act in self._due if at > self._world.now()]
        for act in due:
            act()

    def note(self, call: Asked) -> None:
        """After a call that succeeded: is this the one?"""
        for fate in list(self._left):
            if fate.of in STRIKES.get(call.operation, ()) and self._left[fate] > 0:
                for cluster in self._world.clusters():
                    self._strike(fate, cluster)

    def _strike(self, fate: Fate, cluster: Any) -> None:
        if fate.of == "cluster" and cluster.status == "CREATING":
            self._fail(fate, cluster, "FAILED")
        elif fate.of in ENDS:
            kept, moving, end = ENDS[fate.of]
            for resource in getattr(cluster, kept).values():
                if moving in ("", resource.shape["status"]):
                    self._fail(fate, resource, end)
        elif fate.of == "update":
            for update in cluster.updates.values():
                if update.running:
                    self._fail_update(fate, cluster, update)
        elif fate.of == "leaked-interface":
            self._leak(fate, cluster)
        elif fate.of in LEFT and cluster.status == "DELETING":
            self._left[fate] -= 1
            LEFT[fate.of](cluster, self._region)

    def _fail(self, fate: Fate, resource: Any, status: str) -> None:
        if self._left[fate] <= 0 or id(resource) in self._struck:
            return
        self._left[fate] -= 1
        self._struck.add(id(resource))

        def fail() -> None:
            resource.shape["status"] = status
            issue = {"code": fate.code, "message": fate.message, "resourceIds": ["i-0123456789abcdef0"]}
            resource.shape["health"] = {"issues": [issue]}
            resource.changed_at = NEVER if status != "DEGRADED" else resource.changed_at

        when = self._world.now() + AFTER_S / self._world.speed
        self._due.append((when, fail))
        if status == "DEGRADED" and fate.lasts_s:
            self._due.append((when + fate.lasts_s, lambda: resource.shape.update(status="ACTIVE")))

    def _fail_update(self, fate: Fate, cluster: Any, update: Any) -> None:
        """What was to change stays as it is, and works."""
        if self._left[fate] <= 0:
            return
        changed = cluster.nodegroups.get(update.nodegroup) or cluster.addons.get(update.addon) or cluster
        changed.shape["status"] = "ACTIVE"
        update.undo()
        self._left[fate] -= 1
        update.shape["status"] = "Failed"
        update.shape["errors"] = [{"errorCode": fate.code, "errorMessage": fate.message, "resourceIds": []}]

    def _leak(self, fate: Fate, cluster: Any) -> None:
        """An interface in one of the cluster's subnets; it goes after `lasts_s`, or stays (0)."""
        self._left[fate] -= 1
        forget = leak_interface(cluster, self._region, fate.message, by_cni=fate.code == "amazon-vpc-cni")
        if fate.lasts_s:
            self._due.append((self._world.now() + fate.lasts_s, forget))
