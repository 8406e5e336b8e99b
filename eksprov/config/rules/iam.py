"""Rules of IAM: roles that exist, each for the purpose that the stack has, and what is asked of those that are made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from eksprov.config.document import Path
from eksprov.config.rules.addons import CNI
from eksprov.config.rules.base import Finding, finding
from eksprov.config.schema import Config

LINKED: Final = ":role/aws-service-role/"
# EKS has one access entry for a principal, and each of these wants one of its own type
# (https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateAccessEntry.html); the cluster's role is nobody else's.
APART: Final = (("cluster", "node"), ("cluster", "auto_node"), ("node", "auto_node"))
_ROLES: Final[Path] = ("iam", "roles")


def iam(config: Config) -> Iterator[Finding]:
    """Everything about `iam` and `models[].role_arn`."""
    named = _named(config)
    for path, arn in named.items():
        if LINKED in arn:
            hint = "name a role of yours; service-linked roles are taken by their own service alone"
            yield finding("is a service-linked role, which nobody can hand to a cluster, node or pod", path, hint=hint)
    yield from _one_account(config, named)
    yield from _unused(config)
    yield from _apart(config)
    arn = config.iam.roles.auto_node or ""
    if arn.count("/") > 1 and LINKED not in arn:
        yield finding(
            "has a path, and EKS Auto Mode's nodes do not come up with such a role",
            (*_ROLES, "auto_node"),
            hint="name a role at /, whose ARN ends in :role/NAME; IAM cannot move one",
        )
    if config.iam.role_path.startswith("/aws-service-role/"):
        yield finding("is the path of service-linked roles", ("iam", "role_path"), hint="choose a path of your own")
    for index, addon in enumerate(config.addons):
        own = addon.pod_identity_roles is not None or addon.service_account_role_arn
        if addon.name == CNI and own and config.iam.roles.vpc_cni:
            key = "pod_identity_roles" if addon.pod_identity_roles is not None else "service_account_role_arn"
            paths = (*_ROLES, "vpc_cni"), ("addons", index, key)
            yield finding("the add-on vpc-cni has its roles from addons already", *paths, hint="keep one of the two")


def _named(config: Config) -> Mapping[Path, str]:
    """Every role that exists, by its place in the file."""
    roles = {(*_ROLES, key): arn for key, arn in config.iam.roles if arn}
    models: dict[Path, str] = {
        ("models", index, "role_arn"): model.role_arn for index, model in enumerate(config.models) if model.role_arn
    }
    return {**roles, **models}


def _one_account(config: Config, named: Mapping[Path, str]) -> Iterator[Finding]:
    """EKS takes roles of the cluster's account, IAM a boundary of the role's; which account that is, only AWS says."""
    boundary = config.iam.permissions_boundary or ""
    bounds: dict[Path, str] = {("iam", "permissions_boundary"): boundary} if boundary.startswith("arn:") else {}
    arns = {path: arn for path, arn in {**named, **bounds}.items() if arn.split(":")[4] != "aws"}
    first = next(iter(arns), None)
    for path, arn in arns.items():
        if first is not None and arn.split(":")[4] != arns[first].split(":")[4]:
            there, here = arn.split(":")[4], arns[first].split(":")[4]
            hint = "roles, boundary and stack are of one account"
            yield finding(f"is of account {there}, but another of the file is of {here}", path, first, hint=hint)


def _unused(config: Config) -> Iterator[Finding]:
    roles, scaler = config.iam.roles, config.autoscaler
    groups, alone = bool(config.node_groups), scaler == "auto-mode" and not config.node_groups
    idle = {
        "node": (bool(roles.node) and not groups, "node_groups", "there are node groups"),
        "auto_node": (bool(roles.auto_node) and scaler != "auto-mode", "autoscaler", "autoscaler is auto-mode"),
        "vpc_cni": (bool(roles.vpc_cni) and alone, "node_groups", "there are node groups: Auto Mode has its own CNI"),
        "cluster_autoscaler": (
            bool(roles.cluster_autoscaler) and scaler != "cluster-autoscaler",
            "autoscaler",
            "autoscaler is cluster-autoscaler",
        ),
        "karpenter": (bool(roles.karpenter) and scaler != "karpenter", "autoscaler", "autoscaler is karpenter"),
    }
    for key, (useless, other, when) in idle.items():
        if useless:
            yield finding(f"has no effect unless {when}", (*_ROLES, key), (other,), level="warning")


def _apart(config: Config) -> Iterator[Finding]:
    for one, other in APART:
        arn = getattr(config.iam.roles, one)
        if arn and arn == getattr(config.iam.roles, other):
            hint = "EKS wants a role of its own for each"
            yield finding(f"is the role of {one} too", (*_ROLES, other), (*_ROLES, one), hint=hint)
