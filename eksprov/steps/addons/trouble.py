"""What EKS says is wrong with an add-on, and what would mend it.

The codes are those of https://docs.aws.amazon.com/eks/latest/APIReference/API_AddonIssue.html. Too few replicas is what
an add-on without nodes has; it passes when nodes come. Of the others some may pass by themselves, most need somebody.
"""

from __future__ import annotations

from collections.abc import Iterable

from eksprov.steps.cluster.reading import in_words

WELL = "well"
CURES = {
    "AccessDenied": "EKS may not change its objects: look for who changed the rights of eks:addon-manager",
    "AddonPermissionFailure": "its role lacks a right, or the pod identity agent is missing",
    "AddonSubscriptionNeeded": "subscribe to it in AWS Marketplace first",
    "AdmissionRequestDenied": "an admission webhook in the cluster refuses its objects",
    "ConfigurationConflict": "somebody else set what it manages: resolve_conflicts: overwrite takes it back",
    "UnsupportedAddonModification": "the configuration changes what this add-on keeps fixed",
}
"""The codes that waiting does not mend."""


def trouble(status: str, health: Iterable[tuple[str, str]]) -> str:
    """`WELL`, or what is wrong where neither nodes nor time will mend it; a failed create is undone instead."""
    found = [(code, text) for code, text in health if status == "UPDATE_FAILED" or code in CURES]
    if status == "UPDATE_FAILED":
        return f"its update failed: {diagnosed(found) or 'EKS does not say why'}"
    return diagnosed(found) if status == "DEGRADED" and found else WELL


def diagnosed(health: Iterable[tuple[str, str]]) -> str:
    """The issues in one line, each known one with its cure."""
    return in_words((code, f"{text} ({CURES[code]})" if code in CURES else text) for code, text in health)
