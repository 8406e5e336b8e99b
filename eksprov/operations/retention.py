"""Which volumes of the cluster's claims may go with it: asked of Kubernetes while it answers, and written down in AWS.

It is written before anything is deleted, so a teardown that is cut off anywhere is carried on by one that knows it,
with the cluster gone and the state lost. While the cluster stands, a "Delete" that was written earlier counts for
nothing, because policies change: what Kubernetes does not confirm now is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from eksprov import errors
from eksprov.aws.faults import translated
from eksprov.aws.session import Aws
from eksprov.core.names import last_part
from eksprov.kube.api import KubeApi
from eksprov.steps.absent import none_if
from eksprov.steps.leftovers.pieces import VOLUME, Piece, found_of
from eksprov.steps.leftovers.reclaiming import DELETE, RECLAIM, RETAIN, UNKNOWN_POLICY, Reclaiming, is_nodes_disk


def policies(kube: KubeApi) -> dict[str, str]:
    """The reclaim policy of each PersistentVolume, by the id of its EBS volume.

    Raises: EksprovError where the API server does not say.
    """
    found: dict[str, str] = {}
    for volume in kube.list("v1", "PersistentVolume"):
        spec = volume.get("spec") or {}
        if volume_id := _volume_id(spec):
            found[volume_id] = DELETE if spec.get("persistentVolumeReclaimPolicy") == DELETE else RETAIN
    return found


def judged(aws: Aws, cluster: str, kube: KubeApi | None, *, delete_retained: bool) -> Reclaiming:
    """What may go of a cluster that stands; nothing is written."""
    asked = _asked(kube)
    with translated("look for the volumes of the cluster's claims"):
        known = {piece.id: _policy(piece, asked) for piece in _volumes(aws, cluster)}
    return Reclaiming(known, delete_retained)


def settled(aws: Aws, cluster: str, kube: KubeApi | None, *, delete_retained: bool) -> Reclaiming:
    """The same, written down. Raises: AccessError where that is not allowed; nothing has been deleted then."""
    if delete_retained:
        return Reclaiming(delete_retained=True)
    asked, known = _asked(kube), dict[str, str]()
    with translated("write down which volumes may go"):
        for piece in _volumes(aws, cluster):
            known[piece.id] = policy = _policy(piece, asked)
            if piece.tags.get(RECLAIM) != policy:
                _write(aws, piece.id, policy)
    return Reclaiming(known)


def remember(aws: Aws, kept: Iterable[Piece]) -> None:
    """Mark what is kept and came too late to be asked about, so that a later teardown still knows it."""
    for piece in kept:
        if RECLAIM not in piece.tags:
            _write(aws, piece.id, UNKNOWN_POLICY)


def _asked(kube: KubeApi | None) -> Mapping[str, str]:
    try:
        return policies(kube) if kube is not None else {}
    except errors.EksprovError:  # then nothing is confirmed, and all is kept
        return {}


def _policy(piece: Piece, asked: Mapping[str, str]) -> str:
    """As Kubernetes says; what it does not know may be what somebody wanted to keep."""
    retained = piece.tags.get(RECLAIM) == RETAIN
    return asked.get(piece.id, RETAIN if retained else UNKNOWN_POLICY)


def _volumes(aws: Aws, cluster: str) -> list[Piece]:
    return [piece for piece in found_of(aws, cluster, whats=(VOLUME,)) if not is_nodes_disk(piece.tags)]


def _write(aws: Aws, volume_id: str, policy: str) -> None:
    tags: Any = [{"Key": RECLAIM, "Value": policy}]
    none_if(lambda: aws.clients.ec2.create_tags(Resources=[volume_id], Tags=tags), "InvalidVolume.NotFound")


def _volume_id(spec: Mapping[str, Any]) -> str:
    """Of the EBS CSI driver's, EKS Auto Mode's, or of the one that Kubernetes had built in ("aws://zone/vol-…")."""
    handle = str((spec.get("csi") or {}).get("volumeHandle") or "")
    built_in = str((spec.get("awsElasticBlockStore") or {}).get("volumeID") or "")
    found = last_part(handle or built_in)
    return found if found.startswith("vol-") else ""
