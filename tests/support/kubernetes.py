"""Kubernetes for tests of the AWS half: a cluster is ready at once, its nodes too, and so is what finds room on them.

Deployments of add-ons and of ours find a node as a scheduler would find one: by taints, selectors and room. No process,
no thread, no time of its own.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from eksprov.kube.api import Manifest, Ref, Reply
from eksprov.local.contract import AddonHealth, AddonSpec, AutoMode, ClusterSpec, ClusterStatus, NodeSpec
from support.memory_kube import MemoryKube
from support.scheduling import homeless, placed, rooms_beside_daemons


@dataclass
class _Cluster:
    spec: ClusterSpec
    nodes: dict[str, NodeSpec] = field(default_factory=dict)
    addons: dict[str, AddonSpec] = field(default_factory=dict)
    auto: AutoMode | None = None
    _judged: tuple[Any, dict[str, str]] = ((), {})

    def homeless(self) -> dict[str, str]:
        """The add-ons that find no node, and why; Auto Mode makes one for whatever needs it."""
        if self.auto:
            return {}
        now = (tuple(self.nodes.values()), tuple(self.addons.values()))
        if self._judged[0] != now:
            self._judged = (now, homeless(rooms_beside_daemons(*now), now[1]))
        return self._judged[1]

    def unfit(self, pod: Mapping[str, Any]) -> str:
        """Why a pod would find no node beside the add-ons; empty where it would."""
        if self.auto:
            return ""
        rooms = rooms_beside_daemons(self.nodes.values(), self.addons.values())
        homeless(rooms, self.addons.values())
        return placed(rooms, pod)


class StillKubernetes:
    """A `KubernetesSide` that is always done."""

    def __init__(self, now: Callable[[], float] = lambda: 0.0) -> None:
        self._now = now
        self.clusters: dict[str, _Cluster] = {}
        self.apis: dict[str, MemoryKube] = {}  # by the cluster's ARN; what is in a cluster goes with it

    def start_cluster(self, spec: ClusterSpec) -> None:
        """There it is."""
        cluster = self.clusters.setdefault(spec.arn, _Cluster(spec))
        self.apis.setdefault(spec.arn, MemoryKube(unfit=cluster.unfit, homeless=cluster.homeless, now=self._now))

    def cluster_status(self, cluster_arn: str) -> ClusterStatus:
        """Ready while it is there."""
        if cluster_arn not in self.clusters:
            return ClusterStatus("absent")
        return ClusterStatus("ready", "https://127.0.0.1:6443", base64.b64encode(b"no certificate").decode())

    def stop_cluster(self, cluster_arn: str) -> None:
        """Gone."""
        self.clusters.pop(cluster_arn, None)
        self.apis.pop(cluster_arn, None)

    def add_nodes(self, cluster_arn: str, nodes: tuple[NodeSpec, ...]) -> None:
        """They register."""
        self.clusters[cluster_arn].nodes |= {node.name: node for node in nodes}

    def remove_nodes(self, cluster_arn: str, names: tuple[str, ...]) -> None:
        """They leave."""
        for name in names:
            if cluster_arn in self.clusters:
                self.clusters[cluster_arn].nodes.pop(name, None)

    def node_ready(self, cluster_arn: str, name: str) -> bool:
        """As soon as it registered."""
        return cluster_arn in self.clusters and name in self.clusters[cluster_arn].nodes

    def set_auto_mode(self, cluster_arn: str, wish: AutoMode | None) -> None:
        """Nodes for whatever needs them."""
        self.clusters[cluster_arn].auto = wish

    def install_addon(self, cluster_arn: str, addon: AddonSpec) -> None:
        """Its objects are there."""
        self.clusters[cluster_arn].addons[addon.name] = addon

    def remove_addon(self, cluster_arn: str, name: str) -> None:
        """They are not."""
        if cluster_arn in self.clusters:
            self.clusters[cluster_arn].addons.pop(name, None)

    def addon_health(self, cluster_arn: str, name: str) -> AddonHealth:
        """Deployments want a node that takes them."""
        why = self.clusters[cluster_arn].homeless().get(name, "")
        return AddonHealth(not why, why)

    def sync_access(self, cluster_arn: str, policies: Mapping[str, str]) -> None:
        """Nothing to bind."""


class EmptyKube:
    """A `KubeApi` with no objects in it."""

    def get(self, ref: Ref) -> dict[str, Any] | None:
        """Absent."""
        return None

    def list(self, api_version: str, kind: str, namespace: str = "", selector: str = "") -> list[dict[str, Any]]:
        """None."""
        return []

    def apply(self, manifest: Manifest, *, dry_run: bool = False, force: bool = False) -> dict[str, Any]:
        """Not here: a test that writes needs `MemoryKube`."""
        raise AssertionError("EmptyKube takes no objects; use MemoryKube")

    def delete(self, ref: Ref, *, uid: str = "") -> None:
        """Nothing to delete."""

    def logs(self, namespace: str, pod: str, container: str, **_: Any) -> Iterator[str]:
        """Silence."""
        return iter(())

    def service_proxy(self, *_: Any, **__: Any) -> Reply:
        """Not here: nothing serves."""
        raise AssertionError("EmptyKube serves nothing; use MemoryKube")

    def server_version(self) -> str:
        """Some version."""
        return "v1.36.0"
