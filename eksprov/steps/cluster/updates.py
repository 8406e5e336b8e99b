"""What became of an update that EKS goes on with by itself.

A failed one leaves the resource as it was and ready, so a reading alone says only that nothing has changed. The reason
is in DescribeUpdate (https://docs.aws.amazon.com/eks/latest/APIReference/API_ErrorDetail.html): for a node group that
cannot be drained, which pods would not go
(https://docs.aws.amazon.com/eks/latest/userguide/managed-node-update-behavior.html).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from eksprov.aws.session import Aws
from eksprov.steps.cluster.reading import none_if_gone

ENDED_BADLY = frozenset({"Failed", "Cancelled"})
EVICTION = "PodEvictionFailure"
NOT_DRAINED = "disruption budgets that let no pod go: kubectl get poddisruptionbudgets --all-namespaces"


def begun(answer: Mapping[str, Any]) -> str:
    """The id of the update that a call has begun."""
    return str(answer["update"]["id"])


def why_failed(aws: Aws, cluster: str, update: str, **of: str) -> str:
    """EKS's own words; empty where the update has not failed. `of` is `nodegroupName` or `addonName`."""
    answer = none_if_gone(lambda: aws.clients.eks.describe_update(name=cluster, updateId=update, **of))
    if answer is None or answer["update"].get("status") not in ENDED_BADLY:
        return ""
    return in_words(answer["update"].get("errors") or ()) or f"EKS calls it {answer['update']['status']} and no reason"


def in_words(found: Iterable[Mapping[str, Any]]) -> str:
    """The errors of an update in one line, with what they name."""
    parts = []
    for error in found:
        said = ": ".join(part for part in (error.get("errorCode", ""), error.get("errorMessage", "")) if part)
        named = ", ".join(error.get("resourceIds") or ())
        advice = f"; look for {NOT_DRAINED}" if error.get("errorCode") == EVICTION else ""
        parts.append(f"{said}{f' ({named})' if named else ''}{advice}")
    return "; ".join(parts)
