"""What others put into a cluster and eksprov never makes: Fargate profiles, capabilities, OIDC identity providers.

They are listed and described, they have tags, and profiles and capabilities keep the cluster from being deleted
(https://docs.aws.amazon.com/eks/latest/APIReference/API_DeleteCluster.html). No call makes, changes or deletes one
here; a test puts one there with `put`, for a cluster that is taken over with all that is in it.
"""

from __future__ import annotations

import uuid
from typing import Any, Literal

from eksprov.local.aws.eks import refusals
from eksprov.local.aws.eks.model import Cluster, Shape
from eksprov.local.aws.eks.region import EksRegion

OIDC = "oidc"
# The words of an ARN and the members of Describe that hold the name and the ARN.
MEMBERS = {
    "fargate": ("fargateprofile", "fargateProfileName", "fargateProfileArn"),
    "capability": ("capability", "capabilityName", "arn"),
    "identity-provider": ("identityproviderconfig", "identityProviderConfigName", "identityProviderConfigArn"),
}
Kind = Literal["fargate", "capability", "identity-provider"]
LISTED = ("capabilityName", "arn", "type", "status", "createdAt", "modifiedAt")


def put(region: EksRegion, cluster_name: str, kind: Kind, name: str, **more: Any) -> Shape:
    """Put one into the cluster, ACTIVE, and give it as Describe shows it; `more` are other members of that."""
    cluster, (word, name_member, arn_member) = region.cluster(cluster_name), MEMBERS[kind]
    shape: Shape = {
        name_member: name,
        arn_member: region.arn(word, cluster.name, name, str(uuid.uuid4())),
        "clusterName": cluster.name,
        "status": "ACTIVE",
        "createdAt": region.stamp(),
        "modifiedAt": region.stamp(),
        "tags": {},
        **more,
    }
    cluster.others[kind, name] = shape
    return shape


def names(cluster: Cluster, kind: Kind) -> list[str]:
    """The names of those of a kind."""
    return sorted(name for of_kind, name in cluster.others if of_kind == kind)


def refuse_deletion(cluster: Cluster) -> None:
    """Refuse to delete a cluster that has profiles or capabilities."""
    if profiles := names(cluster, "fargate"):
        message = "Cluster has Fargate profiles attached"
        raise refusals.in_use(message, clusterName=cluster.name, fargateProfileName=",".join(profiles))
    if names(cluster, "capability"):
        raise refusals.in_use("Cluster has capabilities attached", clusterName=cluster.name)


def describe_profile(region: EksRegion, ask: Shape) -> dict[str, Any]:
    cluster, name = region.cluster(ask["clusterName"]), ask["fargateProfileName"]
    return {"fargateProfile": _found(cluster, "fargate", name, f"No Fargate Profile found with name: {name}.")}


def list_profiles(region: EksRegion, ask: Shape) -> dict[str, Any]:
    return region.page("fargateProfileNames", names(region.cluster(ask["clusterName"]), "fargate"), ask)


def describe_capability(region: EksRegion, ask: Shape) -> dict[str, Any]:
    cluster, name = region.cluster(ask["clusterName"]), ask["capabilityName"]
    return {"capability": _found(cluster, "capability", name, f"No capability found for name: {name}.")}


def list_capabilities(region: EksRegion, ask: Shape) -> dict[str, Any]:
    cluster = region.cluster(ask["clusterName"])
    there = [cluster.others["capability", name] for name in names(cluster, "capability")]
    return region.page("capabilities", [{key: one[key] for key in LISTED if key in one} for one in there], ask)


def describe_provider(region: EksRegion, ask: Shape) -> dict[str, Any]:
    cluster, wanted = region.cluster(ask["clusterName"]), ask["identityProviderConfig"]
    message = f"Identity provider config is not associated with cluster {cluster.name}"
    return {"identityProviderConfig": {OIDC: _found(cluster, "identity-provider", wanted["name"], message)}}


def list_providers(region: EksRegion, ask: Shape) -> dict[str, Any]:
    found = names(region.cluster(ask["clusterName"]), "identity-provider")
    return region.page("identityProviderConfigs", [{"type": OIDC, "name": name} for name in found], ask)


def _found(cluster: Cluster, kind: Kind, name: str, missing: str) -> Shape:
    if (kind, name) not in cluster.others:
        raise refusals.not_found(missing, clusterName=cluster.name)
    return cluster.others[kind, name]


OPERATIONS = {
    "DescribeFargateProfile": describe_profile,
    "ListFargateProfiles": list_profiles,
    "DescribeCapability": describe_capability,
    "ListCapabilities": list_capabilities,
    "DescribeIdentityProviderConfig": describe_provider,
    "ListIdentityProviderConfigs": list_providers,
}
