"""In which order kinds are applied, and the opposite order for deletion. Pure.

What others name comes before them: the namespace first, a pod's service account and network policy before the pods.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from eksprov.kube.api import Manifest

APPLY_ORDER: Final = (
    "Namespace",
    "ResourceQuota",
    "NetworkPolicy",
    "ServiceAccount",
    "Secret",
    "ConfigMap",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "Service",
    "DaemonSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "PodDisruptionBudget",
)


def rank(kind: str) -> int:
    """A kind's place; kinds not known here come last."""
    return APPLY_ORDER.index(kind) if kind in APPLY_ORDER else len(APPLY_ORDER)


def for_apply(manifests: Iterable[Manifest]) -> list[Manifest]:
    """The manifests so that each comes after what it names; the same input always gives the same order."""
    return sorted(manifests, key=lambda m: (rank(m["kind"]), m["metadata"].get("namespace", ""), m["metadata"]["name"]))


def for_delete(manifests: Iterable[Manifest]) -> list[Manifest]:
    return for_apply(manifests)[::-1]
