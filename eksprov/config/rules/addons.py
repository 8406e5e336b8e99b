"""Rules of add-ons: what can be said of them without asking EKS.

Which versions there are and what a configuration may hold only EKS knows; that is checked before the first call
that makes something (`eksprov.steps.addons.checks`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from eksprov.config.document import Path
from eksprov.config.rules.base import Finding, finding, twice
from eksprov.config.rules.pools import TAINT_HINT, places
from eksprov.config.schema import Addon, Config

MOUNTPOINT: Final = "aws-mountpoint-s3-csi-driver"
CNI: Final = "vpc-cni"
_ACCOUNT: Final = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


def addons(config: Config) -> Iterator[Finding]:
    yield from twice(("addons",), "name", [addon.name for addon in config.addons])
    for index, addon in enumerate(config.addons):
        at: Path = ("addons", index)
        yield from _version(addon, at)
        yield from _roles(addon, at)
        if addon.s3_buckets and addon.name != MOUNTPOINT:
            message = f"{addon.name} takes no buckets"
            yield finding(message, (*at, "s3_buckets"), (*at, "name"), hint=f"they are for {MOUNTPOINT}")
        yield from twice((*at, "s3_buckets"), None, addon.s3_buckets)
        if addon.name == MOUNTPOINT and not places(config):
            message = f"the controller of {addon.name} tolerates no taints, and every node group has one"
            yield finding(message, (*at, "name"), ("node_groups",), hint=f"add a node group without; {TAINT_HINT}")
        if addon.name == CNI and str(addon.configuration.get("enableNetworkPolicy", "true")).lower() != "true":
            message = "without it the NetworkPolicies of models mean nothing"
            yield finding(message, (*at, "configuration", "enableNetworkPolicy"), level="warning")


def _version(addon: Addon, at: Path) -> Iterator[Finding]:
    policy, version = (*at, "version_policy"), (*at, "version")
    if addon.version_policy == "pinned" and addon.version is None:
        yield finding("pinned needs a version", policy, hint="set version, or choose default or newest_compatible")
    if addon.version_policy in ("default", "newest_compatible") and addon.version is not None:
        message = f"{addon.version_policy} chooses the version itself, but version is {addon.version}"
        yield finding(message, policy, version, hint="leave out one of the two, or say pinned")


def _roles(addon: Addon, at: Path) -> Iterator[Finding]:
    roles, irsa = (*at, "pod_identity_roles"), (*at, "service_account_role_arn")
    if addon.service_account_role_arn and addon.pod_identity_roles:
        yield finding("a role through IRSA and roles through Pod Identity are both given", irsa, roles, hint="keep one")
    if addon.s3_buckets and (addon.service_account_role_arn or addon.pod_identity_roles is not None):
        hint = "give that role the rights, or leave the role to eksprov"
        yield finding("has no effect where the role is yours", (*at, "s3_buckets"), hint=hint, level="warning")
    for account in addon.pod_identity_roles or {}:
        if not _ACCOUNT.fullmatch(account):
            message = f"{account!r} is not a service account's name"
            yield finding(message, (*roles, account), hint="like ebs-csi-controller-sa, in lower case")
