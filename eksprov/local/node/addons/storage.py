"""CSI drivers and the snapshot controller: objects only, no volume is ever provisioned."""

from __future__ import annotations

from dataclasses import dataclass

from eksprov.local.contract import AddonSpec, Json
from eksprov.local.node.addons import parts
from eksprov.local.node.addons.parts import Place


@dataclass(frozen=True)
class _Driver:
    driver: str  # the CSIDriver's name
    short: str  # ebs, efs, s3: how its workloads begin
    repository: str
    tolerant: bool = True  # whether its controller's tolerations can be configured


def ebs(addon: AddonSpec, place: Place) -> list[Json]:
    """Deployment ebs-csi-controller and DaemonSet ebs-csi-node."""
    return _csi(_Driver("ebs.csi.aws.com", "ebs", "eks/aws-ebs-csi-driver"), addon, place)


def efs(addon: AddonSpec, place: Place) -> list[Json]:
    """Deployment efs-csi-controller and DaemonSet efs-csi-node."""
    return _csi(_Driver("efs.csi.aws.com", "efs", "eks/aws-efs-csi-driver"), addon, place)


def fsx(addon: AddonSpec, place: Place) -> list[Json]:
    """Deployment fsx-csi-controller and DaemonSet fsx-csi-node."""
    return _csi(_Driver("fsx.csi.aws.com", "fsx", "eks/aws-fsx-csi-driver"), addon, place)


def mountpoint_s3(addon: AddonSpec, place: Place) -> list[Json]:
    """Deployment s3-csi-controller, since version 2, and DaemonSet s3-csi-node."""
    return _csi(_Driver("s3.csi.aws.com", "s3", "eks/aws-s3-csi-driver", tolerant=False), addon, place)


def snapshot_controller(addon: AddonSpec, place: Place) -> list[Json]:
    image = place.image("eks/csi-snapshotter/snapshot-controller", addon.version)
    pod = {
        "serviceAccountName": "snapshot-controller",
        "containers": [parts.container("snapshot-controller", image, "10m")],
    }
    labels = {"app.kubernetes.io/instance": "snapshot-controller", "app": "snapshot-controller"}
    return [
        parts.account("snapshot-controller", addon),
        parts.deployment(addon, "snapshot-controller", labels, pod),
    ]


def _csi(kind: _Driver, addon: AddonSpec, place: Place) -> list[Json]:
    image = place.image(kind.repository, addon.version)
    node_account, controller_account = f"{kind.short}-csi-node-sa", f"{kind.short}-csi-controller-sa"
    driver = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSIDriver",
        "metadata": {"name": kind.driver},
        "spec": {"attachRequired": kind.short == "ebs", "podInfoOnMount": False},
    }
    node_pod = {
        "serviceAccountName": node_account,
        "hostNetwork": kind.short == "efs",
        "tolerations": parts.ANYWHERE,
        "containers": [parts.container(f"{kind.short}-plugin", image, "10m")],
    }
    pod = {
        "serviceAccountName": controller_account,
        "containers": [parts.container(f"{kind.short}-plugin", image, "10m")],
        **({} if kind.tolerant else {"tolerations": parts.CRITICAL}),
    }
    labels = {"app": f"{kind.short}-csi-controller"}
    return [
        driver,
        parts.account(node_account, addon),
        parts.daemon_set(addon, f"{kind.short}-csi-node", {"app": f"{kind.short}-csi-node"}, node_pod),
        parts.account(controller_account, addon),
        parts.deployment(addon, f"{kind.short}-csi-controller", labels, pod),
    ]
