"""EKS Capabilities: Argo CD, ACK and kro as managed parts of a cluster. They are kept and shown; nothing runs.

Rules: https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCapability.html (one of each type a cluster) and
https://docs.aws.amazon.com/eks/latest/userguide/capability-role.html (whom the role trusts). Versions of the software
are not known here and left out.
"""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

from eksprov.local.aws.eks import checks, refusals, updates
from eksprov.local.aws.eks.model import Cluster, Part, Shape
from eksprov.local.aws.eks.region import EksRegion

NAME = re.compile(r"[0-9A-Za-z][A-Za-z0-9\-_]{0,99}")
TYPES = ("ACK", "KRO", "ARGOCD")
RETAIN = "RETAIN"
SERVICE = "capabilities.eks.amazonaws.com"
ARGO_NAMESPACE = "argocd"
LISTED = ("capabilityName", "arn", "type", "status", "createdAt", "modifiedAt")


def create_capability(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """CreateCapability."""
    cluster, name, kind = region.live_cluster(ask["clusterName"]), ask["capabilityName"], ask["type"]
    if not NAME.fullmatch(name):
        raise refusals.invalid(
            "capabilityName takes letters, digits, hyphens and underscores", clusterName=cluster.name
        )
    if kind not in TYPES:
        raise refusals.invalid(f"type must be one of {', '.join(TYPES)}", clusterName=cluster.name)
    if ask.get("deletePropagationPolicy") != RETAIN:
        raise refusals.invalid("deletePropagationPolicy must be RETAIN", clusterName=cluster.name)
    if name in cluster.capabilities:
        raise refusals.in_use(f"Capability already exists with name: {name}", clusterName=cluster.name)
    if any(other.shape["type"] == kind for other in cluster.capabilities.values()):
        raise refusals.in_use(f"The cluster already has a capability of type {kind}", clusterName=cluster.name)
    configuration = _configuration(ask, kind, cluster)
    _check_role(region, ask["roleArn"])
    now = region.stamp()
    shape: Shape = {
        "capabilityName": name,
        "arn": region.arn("capability", cluster.name, kind.lower(), name, str(uuid.uuid4())),
        "clusterName": cluster.name,
        "type": kind,
        "roleArn": ask["roleArn"],
        "status": "CREATING",
        "configuration": configuration,
        "tags": dict(ask.get("tags") or {}),
        "health": {"issues": []},
        "createdAt": now,
        "modifiedAt": now,
        "deletePropagationPolicy": RETAIN,
    }
    cluster.capabilities[name] = Part(shape, region.world.now())
    return {"capability": shape}


def describe_capability(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """DescribeCapability."""
    return {"capability": _capability(region, ask)[1].shape}


def list_capabilities(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """ListCapabilities."""
    there = region.cluster(ask["clusterName"]).capabilities
    found = [{key: there[name].shape[key] for key in LISTED} for name in sorted(there)]
    return region.page("capabilities", found, ask)


def update_capability(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """UpdateCapability: role and configuration."""
    cluster, part = _capability(region, ask)
    name = str(part.shape["capabilityName"])
    updates.refuse_second(cluster, "update the capability", capability=name)
    if part.status not in ("ACTIVE", "DEGRADED"):
        raise refusals.in_use(f"Capability {name} cannot be updated as it is {part.status}", clusterName=cluster.name)
    if ask.get("roleArn"):
        _check_role(region, ask["roleArn"])
    after = {"roleArn": ask.get("roleArn") or part.shape["roleArn"]}
    ack = (ask.get("configuration") or {}).get("ack")
    if ack:
        after["configuration"] = {"ack": {**part.shape["configuration"].get("ack", {}), **ack}}
    part.shape["status"] = "UPDATING"

    def finish() -> None:
        part.shape.update(after | {"modifiedAt": region.stamp()})
        if part.status == "UPDATING":
            part.shape["status"] = "ACTIVE"

    params = {"RoleArn": ask["roleArn"]} if ask.get("roleArn") else {}
    if ack:
        params |= {"DisabledServices": json.dumps(ack.get("disabledServices") or [])}
    return updates.begin(region, cluster, "CapabilityUpdate", params, "capability-update", finish, capability=name)


def delete_capability(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """DeleteCapability; what it had made in the cluster stays."""
    cluster, part = _capability(region, ask)
    updates.refuse_second(cluster, "delete the capability", capability=str(part.shape["capabilityName"]))
    if part.status != "DELETING":
        part.shape["status"], part.changed_at = "DELETING", region.world.now()
    return {"capability": part.shape}


def advance(region: EksRegion, cluster: Cluster) -> None:
    """Capabilities become ACTIVE, and deleted ones go."""
    for name, part in list(cluster.capabilities.items()):
        if part.status == "CREATING" and region.passed(part.changed_at, "capability-create"):
            part.shape["status"] = "ACTIVE"
        if part.status == "DELETING" and region.passed(part.changed_at, "capability-delete"):
            del cluster.capabilities[name]


def _capability(region: EksRegion, ask: Shape) -> tuple[Cluster, Part]:
    cluster, name = region.cluster(ask["clusterName"]), ask["capabilityName"]
    if name not in cluster.capabilities:
        raise refusals.not_found(f"No capability found for name: {name}.", clusterName=cluster.name)
    return cluster, cluster.capabilities[name]


def _configuration(ask: Shape, kind: str, cluster: Cluster) -> Shape:
    asked: Shape = ask.get("configuration") or {}
    fits = {"ACK": "ack", "ARGOCD": "argoCd"}.get(kind, "")
    if any(key != fits for key in asked):
        raise refusals.invalid(f"A capability of type {kind} takes no such configuration", clusterName=cluster.name)
    if kind != "ARGOCD":
        return dict(asked)
    if not (asked.get("argoCd") or {}).get("awsIdc"):
        raise refusals.invalid("Argo CD needs configuration.argoCd.awsIdc", clusterName=cluster.name)
    return {"argoCd": {"namespace": ARGO_NAMESPACE, **asked["argoCd"]}}


def _check_role(region: EksRegion, arn: str) -> None:
    actions = ["sts:AssumeRole", "sts:TagSession"]
    missing = "Role provided in the request does not exist."
    wrong = f"Trust policy of role provided in the request is invalid: {SERVICE} must be allowed {', '.join(actions)}."
    checks.trusted_role(region, arn, SERVICE, actions, missing, wrong)


OPERATIONS = {
    "CreateCapability": create_capability,
    "DescribeCapability": describe_capability,
    "ListCapabilities": list_capabilities,
    "UpdateCapability": update_capability,
    "DeleteCapability": delete_capability,
}
