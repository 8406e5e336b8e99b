"""The Kubernetes objects of EKS add-ons, as EKS lays them into kube-system: small, but true in names and labels.

`objects(addon, place)` gives the list in the order of applying, or None for an add-on that is not known: nothing is
invented for it. Their images are stand-ins (`node/containers/standins.py`), so pods turn Ready without doing anything.
Names, labels and tolerations follow the manifests that AWS publishes:
https://github.com/aws/amazon-vpc-cni-k8s/tree/master/config,
https://github.com/aws/eks-pod-identity-agent/tree/main/charts, https://github.com/aws/eks-charts.

metrics-server's APIService (metrics.k8s.io) is left out: with no server behind it, it would break API discovery
for every client and keep namespaces from being deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from eksprov.local.contract import AddonSpec, Json
from eksprov.local.node.addons import cluster, network, observability, storage
from eksprov.local.node.addons.parts import NAMESPACE, Place

__all__ = ["NAMESPACE", "Place", "known", "objects"]

Builder = Callable[[AddonSpec, Place], list[Json]]

BUILDERS: Mapping[str, Builder] = {
    "vpc-cni": network.vpc_cni,
    "kube-proxy": network.kube_proxy,
    "coredns": cluster.coredns,
    "eks-pod-identity-agent": cluster.pod_identity_agent,
    "metrics-server": cluster.metrics_server,
    "eks-node-monitoring-agent": cluster.node_monitoring_agent,
    "aws-ebs-csi-driver": storage.ebs,
    "aws-efs-csi-driver": storage.efs,
    "aws-fsx-csi-driver": storage.fsx,
    "aws-mountpoint-s3-csi-driver": storage.mountpoint_s3,
    "snapshot-controller": storage.snapshot_controller,
    "amazon-cloudwatch-observability": observability.cloudwatch,
}


def objects(addon: AddonSpec, place: Place) -> list[Json] | None:
    """The add-on's objects, or None where the add-on is not known."""
    builder = BUILDERS.get(addon.name)
    return None if builder is None else builder(addon, place)


def known() -> str:
    """The names of all add-ons that are known, for messages."""
    return ", ".join(BUILDERS)
