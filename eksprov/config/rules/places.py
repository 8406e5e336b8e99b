"""Rules of names that tell more than they name: regions, partitions, zones, releases that another key contradicts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from eksprov.config.document import Path
from eksprov.config.rules.base import Finding, finding
from eksprov.config.schema import Config

# Partitions whose regions tell them by their names
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html).
_PARTITIONS: Final = {"cn-": "aws-cn", "us-gov-": "aws-us-gov", "eusc-": "aws-eusc"}
_RELEASE: Final = re.compile(r"(1\.\d+)\.\d+-\d{8}")  # of Amazon Linux: "1.36.0-20260801"
_APART: Final = ("us-iso", "eu-iso")


def places(config: Config) -> Iterator[Finding]:
    """ARNs of another partition or region than the stack's, and zones that are never to be used."""
    wanted = _partition(config.region)
    for at, arn in _arns(config):
        partition = arn.split(":")[1]
        if wanted and partition != wanted:
            said = f"{arn} is of the partition {partition}, and {config.region} lies in {wanted}"
            yield finding(said, at, ("region",), hint="partitions share nothing: name one of the region's own")
    for index, group in enumerate(config.node_groups):
        key = group.disk_kms_key_arn
        if key and key.split(":")[3] != config.region:
            said = f"the key is in {key.split(':')[3]}, but the nodes are in {config.region}"
            at = ("node_groups", index, "disk_kms_key_arn")
            yield finding(said, at, ("region",), hint="EBS takes a key of its own region only")
    yield from _excluded(config)
    yield from _releases(config)


def _partition(region: str) -> str:
    """Empty where the name of the region does not tell."""
    if region.startswith(_APART):
        return ""
    return next((name for prefix, name in _PARTITIONS.items() if region.startswith(prefix)), "aws")


def _arns(config: Config) -> Iterator[tuple[Path, str]]:
    if config.cluster.kms_key.startswith("arn:"):
        yield ("cluster", "kms_key"), config.cluster.kms_key
    for index, entry in enumerate(config.access):
        yield ("access", index, "principal_arn"), entry.principal_arn
    for index, group in enumerate(config.node_groups):
        if group.disk_kms_key_arn:
            yield ("node_groups", index, "disk_kms_key_arn"), group.disk_kms_key_arn
    for index, addon in enumerate(config.addons):
        if addon.service_account_role_arn:
            yield ("addons", index, "service_account_role_arn"), addon.service_account_role_arn
        for account, role in (addon.pod_identity_roles or {}).items():
            yield ("addons", index, "pod_identity_roles", account), role
    if config.iam.boundary_arn:
        yield ("iam", "permissions_boundary"), config.iam.boundary_arn
    for purpose, role in config.iam.roles:
        if role:
            yield ("iam", "roles", purpose), role
    for index, model in enumerate(config.models):
        if model.role_arn:
            yield ("models", index, "role_arn"), model.role_arn
    if config.monitoring.alarm_topic_arn:
        yield ("monitoring", "alarm_topic_arn"), config.monitoring.alarm_topic_arn


def _excluded(config: Config) -> Iterator[Finding]:
    """Zones of nodes that the network never gets a subnet in."""
    named: list[tuple[Path, tuple[str, ...]]] = []
    for index, group in enumerate(config.node_groups):
        named.append((("node_groups", index, "zone_ids"), group.zone_ids))
        for number, one in enumerate(group.fallbacks):
            named.append((("node_groups", index, "fallbacks", number, "zone_ids"), one.zone_ids or ()))
    named += [(("node_pools", index, "zone_ids"), pool.zone_ids) for index, pool in enumerate(config.node_pools)]
    for at, zones in named:
        if both := [zone for zone in zones if zone in config.network.exclude_zone_ids]:
            said = f"{', '.join(both)} is never used: network.exclude_zone_ids names it"
            yield finding(said, at, ("network", "exclude_zone_ids"), hint="take it out of one of the two")


def _releases(config: Config) -> Iterator[Finding]:
    """Releases of another system than the group's, or of another Kubernetes than the stack's
    (https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateNodegroup.html, `releaseVersion`)."""
    for index, group in enumerate(config.node_groups):
        if not group.release_version:
            continue
        at: Path = ("node_groups", index)
        of_linux = _RELEASE.fullmatch(group.release_version)
        bottlerocket = (
            group.ami_type.startswith("BOTTLEROCKET") if group.ami_type else group.ami_family == "bottlerocket"
        )
        if bool(of_linux) == bottlerocket:
            system = "ami_type" if group.ami_type else "ami_family"
            form = "1.30.0-1a2b3c4d" if bottlerocket else "1.36.0-20260801"
            said = f"{group.release_version} is no release of {getattr(group, system)}"
            yield finding(said, (*at, "release_version"), (*at, system), hint=f"they look like {form}")
        elif of_linux and config.kubernetes_version not in (None, of_linux[1]):
            said = f"{group.release_version} is of Kubernetes {of_linux[1]}, but kubernetes_version is not"
            hint = "name a release of that version, or leave it out for the newest"
            yield finding(said, (*at, "release_version"), ("kubernetes_version",), hint=hint, level="warning")
