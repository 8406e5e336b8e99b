"""Whether the volume of a claim may go with its cluster: Kubernetes knows, in the PersistentVolume's reclaim policy.

`Retain` says that the data outlives the claim (https://kubernetes.io/docs/concepts/storage/persistent-volumes/#reclaiming).
EC2 knows nothing of that, and when the cluster is gone nobody does. So a teardown writes the policy into a tag of each
volume before it deletes anything, and later deletes only what is known to be deletable: a volume of which nobody could
say it, because the API server did not answer or has no PersistentVolume of it, stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

RECLAIM = "eksprov:reclaim-policy"
RETAIN, DELETE = "Retain", "Delete"
UNKNOWN_POLICY = "unknown"
# Tags of an instance that its disks have too; a claim's volume has none of them.
NODES = ("karpenter.sh/nodepool", "eks:kubernetes-node-pool-name", "eks:nodegroup-name")
CLAIMS = ("CSIVolumeName", "kubernetes.io/created-for/pvc/name", "kubernetes.io/created-for/pv/name")


@dataclass(frozen=True)
class Reclaiming:
    """What is known of volumes, by their ids, from Kubernetes in this run; and whether the user wants all of them gone.

    What Kubernetes has said counts more than a tag, which EC2 may not show yet.
    """

    known: Mapping[str, str] = field(default_factory=dict)
    delete_retained: bool = False

    def why_kept(self, volume_id: str, tags: Mapping[str, str]) -> str:
        """Why this volume stays; empty where it goes."""
        if self.delete_retained or is_nodes_disk(tags):
            return ""
        policy = self.known.get(volume_id, tags.get(RECLAIM, UNKNOWN_POLICY))
        if policy == DELETE:
            return ""
        if policy == RETAIN:
            return "its reclaim policy is Retain"
        return "no PersistentVolume says that it may go"


def is_nodes_disk(tags: Mapping[str, str]) -> bool:
    """Whether the volume came with an instance."""
    return any(key in tags for key in NODES) and not any(key in tags for key in CLAIMS)
