"""Fargate profiles: which pods are to run on Fargate. They live and are held; no pod of the local world runs there.

Rules: https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateFargateProfile.html and
API_DeleteFargateProfile.html. A profile cannot be changed, one at a time goes, and none comes meanwhile. Subnets must
be private. EKS itself makes the access entry of the pod execution role
(https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html).
"""

from __future__ import annotations

import uuid
from typing import Any

from eksprov.local.aws.eks import access, checks, refusals
from eksprov.local.aws.eks.model import Cluster, Part, Shape
from eksprov.local.aws.eks.region import EksRegion

MOST_SELECTORS, MOST_LABELS = 5, 5
SERVICE = "eks-fargate-pods.amazonaws.com"
WRONG_ROLE = f"Misconfigured PodExecutionRole Trust Policy; Please add the {SERVICE} Service Principal"


def create_profile(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """CreateFargateProfile."""
    cluster, name = region.live_cluster(ask["clusterName"]), ask["fargateProfileName"]
    members = {"clusterName": cluster.name, "fargateProfileName": name}
    if name in cluster.fargate:
        message = "A Fargate Profile already exists with this name in this cluster."
        raise refusals.in_use(message, clusterName=cluster.name)
    _refuse_meanwhile(cluster, "create", name)
    _check_selectors(ask.get("selectors") or [], members)
    checks.trusted_role(region, ask["podExecutionRoleArn"], SERVICE, ["sts:AssumeRole"], WRONG_ROLE, WRONG_ROLE)
    subnets = list(ask.get("subnets") or cluster.shape["resourcesVpcConfig"]["subnetIds"])
    _check_subnets(region, subnets, bool(ask.get("subnets")), members)
    shape: Shape = {
        "fargateProfileName": name,
        "fargateProfileArn": region.arn("fargateprofile", cluster.name, name, str(uuid.uuid4())),
        "clusterName": cluster.name,
        "createdAt": region.stamp(),
        "podExecutionRoleArn": ask["podExecutionRoleArn"],
        "subnets": [each for each in subnets if not _is_public(region, each)],
        "selectors": list(ask.get("selectors") or []),
        "status": "CREATING",
        "tags": dict(ask.get("tags") or {}),
        "health": {"issues": []},
    }
    cluster.fargate[name] = Part(shape, region.world.now())
    if ask["podExecutionRoleArn"] not in cluster.entries:
        access.make_entry(region, cluster, ask["podExecutionRoleArn"], "FARGATE_LINUX")
    return {"fargateProfile": shape}


def describe_profile(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """DescribeFargateProfile."""
    return {"fargateProfile": _profile(region, ask)[1].shape}


def list_profiles(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """ListFargateProfiles."""
    return region.page("fargateProfileNames", sorted(region.cluster(ask["clusterName"]).fargate), ask)


def delete_profile(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """DeleteFargateProfile: one at a time."""
    cluster, profile = _profile(region, ask)
    if profile.status != "DELETING":
        _refuse_meanwhile(cluster, "delete", ask["fargateProfileName"], deleting_only=True)
        profile.shape["status"], profile.changed_at = "DELETING", region.world.now()
    return {"fargateProfile": profile.shape}


def advance(region: EksRegion, cluster: Cluster) -> None:
    """Profiles become ACTIVE, and deleted ones go, with the access entry of a role that no other one uses."""
    for name, profile in list(cluster.fargate.items()):
        if profile.status == "CREATING" and region.passed(profile.changed_at, "fargate-create"):
            profile.shape["status"] = "ACTIVE"
        if profile.status == "DELETING" and region.passed(profile.changed_at, "fargate-delete"):
            del cluster.fargate[name]
            role = profile.shape["podExecutionRoleArn"]
            used = any(other.shape["podExecutionRoleArn"] == role for other in cluster.fargate.values())
            if not used and role in cluster.entries and cluster.entries[role].type == "FARGATE_LINUX":
                del cluster.entries[role]


def _profile(region: EksRegion, ask: Shape) -> tuple[Cluster, Part]:
    cluster, name = region.cluster(ask["clusterName"]), ask["fargateProfileName"]
    if name not in cluster.fargate:
        raise refusals.not_found(
            f"No Fargate Profile found with name: {name}.", clusterName=cluster.name, fargateProfileName=name
        )
    return cluster, cluster.fargate[name]


def _refuse_meanwhile(cluster: Cluster, what: str, name: str, *, deleting_only: bool = False) -> None:
    # Words after those that the Terraform provider waits out:
    # https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/eks/fargate_profile.go
    moving = ("DELETING",) if deleting_only else ("CREATING", "DELETING")
    for other, profile in cluster.fargate.items():
        if profile.status in moving:
            raise refusals.in_use(
                f"Cannot {what} Fargate Profile {name} because cluster {cluster.name} currently has Fargate profile "
                f"{other} in status {profile.status}",
                clusterName=cluster.name,
            )


def _check_selectors(selectors: list[Shape], members: Shape) -> None:
    if not selectors:
        raise refusals.invalid("Fargate Profile requires at least one selector.", **members)
    if len(selectors) > MOST_SELECTORS:
        raise refusals.invalid(f"Fargate Profile takes no more than {MOST_SELECTORS} selectors", **members)
    if not all(each.get("namespace") for each in selectors):
        message = "Fargate Profile must have at least one selector with at least one namespace value."
        raise refusals.invalid(message, **members)
    if any(len(each.get("labels") or {}) > MOST_LABELS for each in selectors):
        raise refusals.invalid("Request contains Selector with more than 5 Label pairs", **members)


def _check_subnets(region: EksRegion, ids: list[str], asked: bool, members: Shape) -> None:
    checks.subnets(region, ids, **members)
    public = [each for each in ids if _is_public(region, each)]
    if asked and public:
        raise refusals.invalid(f"Subnet {public[0]} provided in Fargate Profile is not a private subnet", **members)
    if len(public) == len(ids):
        raise refusals.invalid("Fargate Profile needs at least one private subnet", **members)


def _is_public(region: EksRegion, subnet_id: str) -> bool:
    """Whether the subnet's own route table, or the VPC's main one, leads to an internet gateway."""
    tables = region.ec2.describe_route_tables(filters={"association.subnet-id": [subnet_id]})
    if not tables:
        vpc_id = checks.subnets(region, [subnet_id])[0].vpc_id
        tables = region.ec2.describe_route_tables(filters={"vpc-id": [vpc_id], "association.main": ["true"]})
    return any(str(getattr(route.gateway, "id", "")).startswith("igw-") for table in tables for route in table.routes)


OPERATIONS = {
    "CreateFargateProfile": create_profile,
    "DescribeFargateProfile": describe_profile,
    "ListFargateProfiles": list_profiles,
    "DeleteFargateProfile": delete_profile,
}
