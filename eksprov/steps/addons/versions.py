"""Which versions of an add-on fit a Kubernetes version, as EKS itself lists them, and which of them is meant.

A version that DescribeAddonVersions does not list for the cluster's Kubernetes version is never asked for: CreateAddon
would refuse it in words that name none that fits
(https://github.com/hashicorp/terraform-provider-aws/issues/33385). Not every partition has every add-on: GovCloud,
China and the isolated ones lack metrics-server
(https://github.com/eksctl-io/eksctl/blob/main/pkg/apis/eksctl.io/v1alpha5/known_addons.go). Who knows is EKS alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from eksprov import errors
from eksprov.aws.session import Aws
from eksprov.steps.absent import none_if
from eksprov.steps.cluster.reading import GONE

Policy = Literal["default", "newest_compatible"]
NAMED = 3  # versions that a refusal names
CNI, METRICS = "vpc-cni", "metrics-server"
USUAL = (CNI, "kube-proxy", "eks-pod-identity-agent", "coredns", METRICS)  # the add-ons of every stack


@dataclass(frozen=True)
class Compatible:
    """An add-on's versions for one Kubernetes version, newest first, and EKS's default among them."""

    addon: str
    kubernetes: str
    versions: tuple[str, ...]
    default: str = ""

    def chosen(self, policy: Policy) -> str:
        """The version that a policy means; empty where there is none."""
        newest = self.versions[0] if self.versions else ""
        return newest if policy == "newest_compatible" else self.default or newest

    def wrong(self, version: str = "") -> tuple[str, str] | None:
        """What is wrong with asking for `version`, or for any where it is empty, and what would be right."""
        if not self.versions:
            listing = f"`aws eks describe-addon-versions --kubernetes-version {self.kubernetes}` lists what there is"
            return f"EKS has no version of the add-on {self.addon!r} for Kubernetes {self.kubernetes}", listing
        if not version or version in self.versions:
            return None
        newest = ", ".join(self.versions[:NAMED])
        message = f"EKS does not list {version} of {self.addon} for Kubernetes {self.kubernetes}"
        return f"{message}; the newest it lists: {newest}", "pin one of these, or leave version out"

    def require(self, step: str, version: str = "") -> None:
        """Raises: ProvisioningError naming the versions that fit."""
        if (found := self.wrong(version)) is not None:
            raise errors.ProvisioningError(f"{step}: {found[0]}", found[1])


def compatible(aws: Aws, addon: str, kubernetes: str) -> Compatible:
    """Ask EKS; one call, or more where it answers in pages."""
    pages = aws.clients.eks.get_paginator("describe_addon_versions").paginate(
        addonName=addon, kubernetesVersion=kubernetes
    )
    read = none_if(lambda: list(pages), GONE, "InvalidParameterException") or []
    found = [version for page in read for each in page["addons"] for version in each["addonVersions"]]
    default = [v for v in found if any(fit.get("defaultVersion") for fit in v.get("compatibilities", []))]
    newest_first = sorted({str(version["addonVersion"]) for version in found}, key=_number, reverse=True)
    return Compatible(addon, kubernetes, tuple(newest_first), str(default[0]["addonVersion"]) if default else "")


def lacking_addons(aws: Aws, kubernetes: str) -> tuple[str, ...]:
    """The add-ons of every stack that EKS does not list here for a Kubernetes version; none where it does not say."""
    pages = aws.clients.eks.get_paginator("describe_addon_versions").paginate(kubernetesVersion=kubernetes)
    refused = ("AccessDenied", "AccessDeniedException", "InvalidParameterException")
    offered = {addon["addonName"] for page in none_if(lambda: list(pages), *refused) or [] for addon in page["addons"]}
    return tuple(name for name in USUAL if name not in offered) if offered else ()


def _number(version: str) -> tuple[int, ...]:
    """(1, 22, 3, 1) of "v1.22.3-eksbuild.1"."""
    return tuple(int(digits) for digits in re.findall(r"\d+", version))
