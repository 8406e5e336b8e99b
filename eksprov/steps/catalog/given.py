"""Where a stack's roles come from: made as the config's `iam` wants them, or existing and only used.

A role that exists has a step of its own name, `existing-role/…` in place of `role/…`; so a stack that is moved to one
still finds the role that it made before, and takes it away once nothing uses it any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from eksprov.core.step import AnyStep
from eksprov.steps.identity import karpenter_roles, roles
from eksprov.steps.identity.existing_role import lent
from eksprov.steps.identity.iam_role import IamRole
from eksprov.steps.settled import Settled

if TYPE_CHECKING:
    from eksprov.config.schema import Config

ROOT = "/"
# Which key of `iam.roles` says that the role of a step exists. Karpenter's nodes have the rights of other nodes, and
# none that are its own, so they take the same.
KEYS = {
    roles.CLUSTER: "cluster",
    roles.NODE: "node",
    roles.AUTO_NODE: "auto_node",
    roles.VPC_CNI: "vpc_cni",
    roles.CLUSTER_AUTOSCALER: "cluster_autoscaler",
    karpenter_roles.CONTROLLER: "karpenter",
    karpenter_roles.NODE: "node",
}


def role_arn(config: Config, role: str) -> str:
    """The ARN that the config gives for what the step `role` would make; empty where it is to be made."""
    return getattr(config.iam.roles, KEYS[role]) or "" if role in KEYS else ""


def role_step(config: Config, role: str) -> str:
    """The step whose `arn` others use: that which makes the role, or that of the one which exists."""
    if not role_arn(config, role):
        return role
    return f"existing-{roles.NODE if role == karpenter_roles.NODE else role}"


def given(config: Config, steps: Iterable[AnyStep]) -> Iterator[AnyStep]:
    """The steps, their roles as `iam` wants them: on the path, bounded, or replaced by those that exist."""
    there = set[str]()
    for step in steps:
        if not isinstance(step, IamRole):
            yield step
        elif arn := role_arn(config, step.name):
            name = role_step(config, step.name)
            if name not in there:  # nodes of groups and of Karpenter share theirs
                yield lent(step, name, arn)
            there.add(name)
        else:
            yield made(config, step)


def made(config: Config, role: IamRole) -> IamRole:
    """A role that eksprov makes. That of EKS Auto Mode's nodes is at `/`, wherever an earlier one may stand."""
    auto = role.name == roles.AUTO_NODE
    path = ROOT if auto else config.iam.role_path
    return replace(role, path=path, any_path=auto, boundary=config.iam.permissions_boundary or "")


def karpenter_node_arn(config: Config, settled: Settled) -> str:
    """The principal of the nodes that Karpenter launches, known before its role is made."""
    arn = role_arn(config, karpenter_roles.NODE)
    return arn or karpenter_roles.node_role_arn(config.name, settled, config.iam.role_path)
