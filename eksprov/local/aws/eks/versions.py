"""Kubernetes versions of EKS: a fixed sample of what DescribeClusterVersions answers.

Dates are those of https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html as known in late 2026;
what is not known is left out, as for 1.36. Nothing outside the local world may take them for truth.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from eksprov.local.aws.eks import refusals
from eksprov.local.aws.eks.model import Shape
from eksprov.local.aws.eks.region import EksRegion

DEFAULT_VERSION = "1.36"
PLATFORM_VERSION = "eks.1"


def _day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _known(version: str, status: str, released: str, standard_until: str, extended_until: str) -> Shape:
    return {
        "clusterVersion": version,
        "versionStatus": status,
        "releaseDate": _day(released),
        "endOfStandardSupportDate": _day(standard_until),
        "endOfExtendedSupportDate": _day(extended_until),
    }


# Newest first, as EKS lists them.
VERSIONS: tuple[Shape, ...] = (
    {"clusterVersion": "1.36", "versionStatus": "STANDARD_SUPPORT"},
    _known("1.35", "STANDARD_SUPPORT", "2026-01-27", "2027-03-27", "2028-03-27"),
    _known("1.34", "STANDARD_SUPPORT", "2025-10-02", "2026-12-02", "2027-12-02"),
    _known("1.33", "EXTENDED_SUPPORT", "2025-05-29", "2026-07-29", "2027-07-29"),
)
NAMES = tuple(str(version["clusterVersion"]) for version in VERSIONS)


def minor(version: str) -> int:
    """The minor version of a Kubernetes version: 36 of "1.36"."""
    return int(version.split(".")[1])


def describe_cluster_versions(region: EksRegion, ask: Shape) -> dict[str, Any]:
    wanted = ask.get("clusterVersions") or NAMES
    if unknown := sorted(set(wanted) - set(NAMES)):
        raise refusals.invalid(f"Unknown cluster versions: {', '.join(unknown)}")
    status = ask.get("versionStatus") or str(ask.get("status") or "").upper().replace("-", "_")
    found = [
        {
            **version,
            "clusterType": "eks",
            "defaultPlatformVersion": PLATFORM_VERSION,
            "defaultVersion": version["clusterVersion"] == DEFAULT_VERSION,
            "status": str(version["versionStatus"]).lower().replace("_", "-"),
        }
        for version in VERSIONS
        if version["clusterVersion"] in wanted
        and status in ("", version["versionStatus"])
        and (not ask.get("defaultOnly") or version["clusterVersion"] == DEFAULT_VERSION)
    ]
    return region.page("clusterVersions", found, ask)


OPERATIONS = {"DescribeClusterVersions": describe_cluster_versions}
