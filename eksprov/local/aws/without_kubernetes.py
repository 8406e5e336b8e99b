"""A Kubernetes side that is always ready and runs nothing: for tests of the AWS side alone."""

from __future__ import annotations

from collections.abc import Mapping

from eksprov.local.contract import AddonHealth, AddonSpec, AutoMode, AwsSide, ClusterSpec, ClusterStatus, NodeSpec


class WithoutKubernetes:
    """Implements `KubernetesSide` and what the daemon asks of a hub beyond it."""

    def __init__(self) -> None:
        self._clusters: set[str] = set()

    def connect(self, aws: AwsSide) -> None:
        """Nothing is ever asked of AWS."""

    def prefetch(self) -> None:
        """There is nothing to fetch."""

    def build_progress(self) -> str:
        return ""

    def close(self) -> None: ...

    def start_cluster(self, spec: ClusterSpec) -> None:
        self._clusters.add(spec.arn)

    def cluster_status(self, cluster_arn: str) -> ClusterStatus:
        return ClusterStatus("ready", "https://127.0.0.1:1", "") if cluster_arn in self._clusters else _ABSENT

    def stop_cluster(self, cluster_arn: str) -> None:
        self._clusters.discard(cluster_arn)

    def add_nodes(self, cluster_arn: str, nodes: tuple[NodeSpec, ...]) -> None:
        """All nodes are there already."""

    def remove_nodes(self, cluster_arn: str, names: tuple[str, ...]) -> None: ...

    def node_ready(self, cluster_arn: str, name: str) -> bool:
        del name
        return cluster_arn in self._clusters

    def set_auto_mode(self, cluster_arn: str, wish: AutoMode | None) -> None:
        """No pod ever needs a node."""

    def install_addon(self, cluster_arn: str, addon: AddonSpec) -> None:
        """All add-ons are there already."""

    def remove_addon(self, cluster_arn: str, name: str) -> None: ...

    def addon_health(self, cluster_arn: str, name: str) -> AddonHealth:
        del name
        return AddonHealth(cluster_arn in self._clusters)

    def sync_access(self, cluster_arn: str, policies: Mapping[str, str]) -> None: ...


_ABSENT = ClusterStatus("absent")
