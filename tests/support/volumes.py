"""Volumes of claims, as a CSI driver makes them: in EC2 with its tags, and in Kubernetes as a PersistentVolume."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from support.stage import Stage


def claims_volume(
    stage: Stage, cluster: str, policy: str, *, driver: str = "ebs.csi.aws.com", tags: Mapping[str, str] | None = None
) -> str:
    """Make both; gives the id of the volume. Without a policy Kubernetes does not know it."""
    every = {"CSIVolumeName": "pvc-1", **(tags or {f"kubernetes.io/cluster/{cluster}": "owned"})}
    listed: Any = [{"Key": key, "Value": value} for key, value in every.items()]
    ec2, where = stage.account.plain("ec2"), [{"ResourceType": "volume", "Tags": listed}]
    made = ec2.create_volume(AvailabilityZone="us-west-2a", Size=8, TagSpecifications=where)["VolumeId"]
    if policy:
        say(stage, made, policy, driver)
    return str(made)


def say(stage: Stage, volume_id: str, policy: str, driver: str = "ebs.csi.aws.com") -> None:
    """The PersistentVolume of the volume has this reclaim policy from now on."""
    (kube,) = stage.kubernetes.apis.values()
    source: dict[str, Any] = {"csi": {"driver": driver, "volumeHandle": volume_id}}
    if not driver:
        source = {"awsElasticBlockStore": {"volumeID": f"aws://us-west-2a/{volume_id}"}}
    spec = {"persistentVolumeReclaimPolicy": policy, "capacity": {"storage": "8Gi"}, **source}
    meta = {"name": f"pv-{volume_id}"}
    kube.apply_as("csi", {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": meta, "spec": spec}, force=True)


def there(stage: Stage) -> set[str]:
    """The ids of all volumes in the account but those of instances."""
    found = stage.account.plain("ec2").describe_volumes()["Volumes"]
    return {one["VolumeId"] for one in found if any(tag["Key"] == "CSIVolumeName" for tag in one.get("Tags", []))}
