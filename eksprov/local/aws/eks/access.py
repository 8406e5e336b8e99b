"""Access entries and their policies: who may use a cluster's Kubernetes API.

https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html. Each access policy becomes a Kubernetes
group of the same name, bound by the Kubernetes side to the cluster role that comes nearest; one that is limited to
namespaces becomes a group for each of them, bound there as soon as the namespace exists.
"""

from __future__ import annotations

import re
import uuid
from typing import Any

from eksprov.local.aws.eks import refusals
from eksprov.local.aws.eks.model import AccessEntry, Cluster, Shape
from eksprov.local.aws.eks.region import EksRegion
from eksprov.local.aws.keys import ACCOUNT, admin_arn

POLICY_ROLES = {
    "AmazonEKSClusterAdminPolicy": "cluster-admin",
    "AmazonEKSAdminPolicy": "admin",
    "AmazonEKSEditPolicy": "edit",
    "AmazonEKSViewPolicy": "view",
}
OTHER_POLICIES = ("AmazonEKSAdminViewPolicy", "AmazonEKSAutoNodePolicy")
TYPES = ("STANDARD", "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "EC2", "HYBRID_LINUX", "HYPERPOD_LINUX")
NODE_USER = "system:node:{{EC2PrivateDNSName}}"
PRINCIPAL = re.compile(r"arn:(aws[a-z-]*):iam::(\d{12}):(role|user)/(?:.+/)?([^/]+)")
RESERVED = ("system:", "eks:", "aws:", "amazon:", "iam:")
MISSING = (
    "The specified principalArn could not be found. You can view your available access entries with "
    "'list-access-entries'."
)


def policy_group(name: str) -> str:
    """The Kubernetes group that stands for an access policy."""
    return f"eks-access-policy:{name}"


POLICY_GROUPS = {policy_group(name): role for name, role in POLICY_ROLES.items()}


def groups_of(entry: AccessEntry) -> dict[str, str]:
    """The groups that an entry's policies stand for: to the ClusterRole, or "<ClusterRole>/<namespace>"."""
    found: dict[str, str] = {}
    for arn, scope in entry.policies.items():
        name = arn.rsplit("/", 1)[-1]
        role = POLICY_ROLES.get(name)
        if role is not None and scope["type"] == "cluster":
            found[policy_group(name)] = role
        elif role is not None:
            found |= {f"{policy_group(name)}:{space}": f"{role}/{space}" for space in scope["namespaces"]}
    return found


def bindings(cluster: Cluster) -> dict[str, str]:
    """Every group that Kubernetes is to bind."""
    found = dict(POLICY_GROUPS)
    for entry in cluster.entries.values():
        found |= groups_of(entry)
    return found


def role_id(region: EksRegion, principal: str) -> str:
    """The unique id of a role; empty for what is no role, or no longer one."""
    return next((str(role.id) for role in region.iam.get_roles() if role.arn == principal), "")


def lets_in(region: EksRegion, cluster: Cluster, role: str) -> bool:
    """Whether nodes of this role may join: an entry of theirs that knows this very role, not an earlier one
    (https://github.com/aws/containers-roadmap/issues/2631)."""
    entry = cluster.entries.get(role)
    return entry is not None and entry.principal_id == role_id(region, role)


def _bind(region: EksRegion, name: str) -> None:
    cluster = region.cluster(name)
    region.account.kubernetes.sync_access(cluster.arn, bindings(cluster))


def create_access_entry(region: EksRegion, ask: Shape) -> dict[str, Any]:
    cluster = _cluster(region, ask)
    principal, kind = ask["principalArn"], ask.get("type") or "STANDARD"
    if principal in cluster.entries:
        raise refusals.in_use("The specified access entry resource is already in use on this cluster.")
    _check_principal(region, principal)
    if kind not in TYPES:
        raise refusals.invalid(f"The type {kind} is not one of {', '.join(TYPES)}")
    groups = list(ask.get("kubernetesGroups") or [])
    if kind != "STANDARD" and (groups or ask.get("username")):
        raise refusals.invalid(f"An access entry of type {kind} takes neither groups nor a username")
    _check_names(groups, ask.get("username"))
    entry = make_entry(region, cluster, principal, kind)
    entry.shape["kubernetesGroups"] = groups
    entry.shape["tags"] = dict(ask.get("tags") or {})
    if ask.get("username"):
        entry.shape["username"] = ask["username"]
    return {"accessEntry": entry.shape}


def describe_access_entry(region: EksRegion, ask: Shape) -> dict[str, Any]:
    return {"accessEntry": _entry(region, ask).shape}


def list_access_entries(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """ListAccessEntries, all or those with one policy."""
    cluster, policy = _cluster(region, ask), ask.get("associatedPolicyArn")
    found = sorted(arn for arn, entry in cluster.entries.items() if not policy or policy in entry.policies)
    return region.page("accessEntries", found, ask)


def update_access_entry(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """UpdateAccessEntry: groups and username; the type stays."""
    entry = _entry(region, ask)
    if entry.type != "STANDARD":
        raise refusals.not_now(f"An access entry of type {entry.type} cannot be changed")
    _check_names(ask.get("kubernetesGroups") or [], ask.get("username"))
    if ask.get("kubernetesGroups") is not None:
        entry.shape["kubernetesGroups"] = list(ask["kubernetesGroups"])
    if ask.get("username"):
        entry.shape["username"] = ask["username"]
    entry.shape["modifiedAt"] = region.stamp()
    return {"accessEntry": entry.shape}


def delete_access_entry(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """DeleteAccessEntry; its policies go with it."""
    _entry(region, ask)
    del region.cluster(ask["clusterName"]).entries[ask["principalArn"]]
    _bind(region, ask["clusterName"])
    return {}


def associate_access_policy(region: EksRegion, ask: Shape) -> dict[str, Any]:
    entry, arn, scope = _entry(region, ask), ask["policyArn"], dict(ask["accessScope"])
    lag_s = region.account.conditions.entry_lag_s / region.account.speed
    if lag_s and region.account.now() < entry.shape["createdAt"].timestamp() + lag_s:
        # https://github.com/hashicorp/terraform-provider-aws/issues/35728
        raise refusals.not_found(MISSING, clusterName=ask["clusterName"])
    if arn not in policy_arns(region):
        raise refusals.invalid(f"The policyArn parameter format is not valid or the policy is unknown: {arn}")
    if entry.type not in ("STANDARD", "EC2"):
        raise refusals.not_now(f"An access entry of type {entry.type} takes no access policies")
    if scope.get("type") not in ("cluster", "namespace"):
        raise refusals.invalid("The type of accessScope must be cluster or namespace")
    if (scope["type"] == "namespace") != bool(scope.get("namespaces")):
        raise refusals.invalid("Namespaces must be given if, and only if, the scope is namespace")
    entry.policies[arn] = {"namespaces": [], **scope}
    entry.associated.setdefault(arn, region.stamp())
    _bind(region, ask["clusterName"])
    return {
        "clusterName": ask["clusterName"],
        "principalArn": ask["principalArn"],
        "associatedAccessPolicy": _policy(region, entry, arn),
    }


def disassociate_access_policy(region: EksRegion, ask: Shape) -> dict[str, Any]:
    entry = _entry(region, ask)
    if entry.policies.pop(ask["policyArn"], None) is None:
        raise refusals.not_found(f"The access policy {ask['policyArn']} is not associated with the access entry")
    entry.associated.pop(ask["policyArn"], None)
    _bind(region, ask["clusterName"])
    return {}


def list_associated_access_policies(region: EksRegion, ask: Shape) -> dict[str, Any]:
    entry = _entry(region, ask)
    found = [_policy(region, entry, arn) for arn in sorted(entry.policies)]
    named = {"clusterName": ask["clusterName"], "principalArn": ask["principalArn"]}
    return named | region.page("associatedAccessPolicies", found, ask)


def policy_arns(region: EksRegion) -> list[str]:
    """The ARNs of all access policies."""
    prefix = f"arn:{region.partition}:eks::aws:cluster-access-policy"
    return sorted(f"{prefix}/{name}" for name in (*POLICY_ROLES, *OTHER_POLICIES))


def make_entry(region: EksRegion, cluster: Cluster, principal: str, kind: str) -> AccessEntry:
    """Add an entry with default names; what is asked for beyond is the caller's to set."""
    found = PRINCIPAL.fullmatch(principal)
    assert found is not None
    partition, account, what, name = found.groups()
    session = f"arn:{partition}:sts::{account}:assumed-role/{name}/{{{{SessionName}}}}"
    username = session if what == "role" else principal
    now = region.stamp()
    entry = AccessEntry(
        {
            "clusterName": cluster.name,
            "principalArn": principal,
            "kubernetesGroups": [],
            "accessEntryArn": region.arn("access-entry", cluster.name, what, account, name, str(uuid.uuid4())),
            "createdAt": now,
            "modifiedAt": now,
            "tags": {},
            "username": username if kind == "STANDARD" else NODE_USER,
            "type": kind,
        },
        principal_id=role_id(region, principal),
    )
    cluster.entries[principal] = entry
    return entry


def make_creator_admin(region: EksRegion, cluster: Cluster) -> None:
    """The entry that bootstrapClusterCreatorAdminPermissions gives to the caller."""
    entry = make_entry(region, cluster, region.caller_arn, "STANDARD")
    arn = f"arn:{region.partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
    entry.policies[arn] = {"type": "cluster", "namespaces": []}
    entry.associated[arn] = region.stamp()


def _cluster(region: EksRegion, ask: Shape) -> Cluster:
    cluster = region.live_cluster(ask["clusterName"])
    if cluster.shape["accessConfig"]["authenticationMode"] == "CONFIG_MAP":
        raise refusals.not_now(
            "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this "
            "operation."
        )
    return cluster


def _entry(region: EksRegion, ask: Shape) -> AccessEntry:
    cluster = _cluster(region, ask)
    if ask["principalArn"] not in cluster.entries:
        raise refusals.not_found(MISSING, clusterName=cluster.name)
    return cluster.entries[ask["principalArn"]]


def _policy(region: EksRegion, entry: AccessEntry, arn: str) -> Shape:
    at = entry.associated.get(arn, region.stamp())
    return {"policyArn": arn, "accessScope": entry.policies[arn], "associatedAt": at, "modifiedAt": at}


def _check_principal(region: EksRegion, principal: str) -> None:
    wrong = refusals.invalid("The specified principalArn is invalid: invalid principal")
    found = PRINCIPAL.fullmatch(principal)
    if found is None or found[1] != region.partition or found[2] != ACCOUNT:
        raise wrong
    iam = region.iam
    if found[3] == "role":
        role = next((role for role in iam.get_roles() if role.arn == principal), None)
        if role is None or not region.account.role_is_usable(role.name):
            raise wrong
    elif principal != admin_arn(region.partition) and all(user.arn != principal for user in iam.users.values()):
        raise wrong


def _check_names(groups: list[str], username: str | None) -> None:
    for name in (*groups, *([username] if username else [])):
        if name.startswith(RESERVED):
            raise refusals.invalid(f"The name {name} must not begin with any of {', '.join(RESERVED)}")


OPERATIONS = {
    "CreateAccessEntry": create_access_entry,
    "DescribeAccessEntry": describe_access_entry,
    "ListAccessEntries": list_access_entries,
    "UpdateAccessEntry": update_access_entry,
    "DeleteAccessEntry": delete_access_entry,
    "AssociateAccessPolicy": associate_access_policy,
    "DisassociateAccessPolicy": disassociate_access_policy,
    "ListAssociatedAccessPolicies": list_associated_access_policies,
}
