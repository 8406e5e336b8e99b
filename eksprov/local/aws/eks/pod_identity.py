"""EKS Pod Identity associations: which role the pods of a service account get.

https://docs.aws.amazon.com/eks/latest/APIReference/API_CreatePodIdentityAssociation.html
"""

from __future__ import annotations

import secrets
import string
from typing import Any

from eksprov.local.aws.eks import checks, refusals
from eksprov.local.aws.eks.model import Association, Cluster, Shape
from eksprov.local.aws.eks.region import EksRegion

ID_CHARACTERS = string.ascii_lowercase + string.digits
NOT_HERE = ("disableSessionTags", "policy", "targetRoleArn")
LISTED = ("clusterName", "namespace", "serviceAccount", "associationArn", "associationId", "ownerArn")


def create_association(region: EksRegion, ask: Shape) -> dict[str, Any]:
    cluster = region.live_cluster(ask["clusterName"])
    return {"association": make(region, cluster, ask).shape}


def make(region: EksRegion, cluster: Cluster, ask: Shape, owner_arn: str = "") -> Association:
    """A new association, refused where the service account has one or the role is not fit."""
    namespace, account = ask["namespace"], ask["serviceAccount"]
    there = cluster.association(namespace, account)
    if there is not None:
        raise refusals.in_use(f"Association already exists: {there.shape['associationId']}", clusterName=cluster.name)
    checks.pod_role(region, ask["roleArn"])
    _refuse_others(ask)
    identifier = "a-" + "".join(secrets.choice(ID_CHARACTERS) for _ in range(17))
    now = region.stamp()
    shape: Shape = {
        "clusterName": cluster.name,
        "namespace": namespace,
        "serviceAccount": account,
        "roleArn": ask["roleArn"],
        "associationArn": region.arn("podidentityassociation", cluster.name, identifier),
        "associationId": identifier,
        "tags": dict(ask.get("tags") or {}),
        "createdAt": now,
        "modifiedAt": now,
        "disableSessionTags": False,
    }
    shape |= {"ownerArn": owner_arn} if owner_arn else {}
    cluster.associations[identifier] = Association(shape)
    return cluster.associations[identifier]


def describe_association(region: EksRegion, ask: Shape) -> dict[str, Any]:
    return {"association": _association(region, ask).shape}


def list_associations(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """ListPodIdentityAssociations, of all, one namespace, or one service account."""
    cluster = region.cluster(ask["clusterName"])
    found = [
        {key: each.shape[key] for key in LISTED if key in each.shape}
        for each in cluster.associations.values()
        if ask.get("namespace") in (None, each.namespace) and ask.get("serviceAccount") in (None, each.service_account)
    ]
    return region.page("associations", found, ask)


def update_association(region: EksRegion, ask: Shape) -> dict[str, Any]:
    found = _association(region, ask)
    _refuse_others(ask)
    if ask.get("roleArn"):
        checks.pod_role(region, ask["roleArn"])
        found.shape["roleArn"] = ask["roleArn"]
    found.shape["modifiedAt"] = region.stamp()
    return {"association": found.shape}


def delete_association(region: EksRegion, ask: Shape) -> dict[str, Any]:
    found = _association(region, ask)
    del region.cluster(ask["clusterName"]).associations[ask["associationId"]]
    return {"association": found.shape}


def _refuse_others(ask: Shape) -> None:
    if given := [key for key in NOT_HERE if ask.get(key)]:
        raise refusals.invalid(f"The local AWS does not emulate {', '.join(given)}")


def _association(region: EksRegion, ask: Shape) -> Association:
    cluster = region.cluster(ask["clusterName"])
    if ask["associationId"] not in cluster.associations:
        raise refusals.not_found(f"Association not found: {ask['associationId']}", clusterName=cluster.name)
    return cluster.associations[ask["associationId"]]


OPERATIONS = {
    "CreatePodIdentityAssociation": create_association,
    "DescribePodIdentityAssociation": describe_association,
    "ListPodIdentityAssociations": list_associations,
    "UpdatePodIdentityAssociation": update_association,
    "DeletePodIdentityAssociation": delete_association,
}
