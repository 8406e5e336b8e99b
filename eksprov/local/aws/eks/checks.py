"""What EKS looks up in IAM and EC2 before it accepts a request; each refusal in AWS's own family of words.

Tools tell "not there yet" from "wrong" by these words (for example
https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/eks/cluster.go), so they matter.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from eksprov.local.aws.eks import refusals
from eksprov.local.aws.eks.region import EksRegion
from eksprov.local.aws.refusal import Refusal
from eksprov.local.partitions import ec2_principal

# https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html
ZONES_WITHOUT_CONTROL_PLANE = frozenset({"use1-az3", "usw1-az2", "cac1-az3"})
FREE_ADDRESSES = 6


def trusted_role(region: EksRegion, arn: str, service: str, actions: Sequence[str], missing: str, trust: str) -> Any:
    """The role, which must exist and trust `service` with all `actions`; refused with `missing` or `trust` else."""
    role = next((role for role in region.iam.get_roles() if role.arn == arn), None)
    if role is None or not region.account.role_is_usable(role.name):
        raise refusals.invalid(missing)
    if not all(trusts(role.assume_role_policy_document, service, action) for action in actions):
        raise refusals.invalid(trust)
    return role


def cluster_role(region: EksRegion, arn: str) -> None:
    """The role of a cluster."""
    said = f"Role with arn: {arn}, could not be assumed because it does not exist or the trusted entity is not correct"
    trust = f"Role could not be assumed because the trusted entity is not correct: {arn}"
    role = trusted_role(region, arn, "eks.amazonaws.com", ["sts:AssumeRole"], said, trust)
    attached = {str(policy).rsplit("/", 1)[-1] for policy in role.managed_policies}
    if "AmazonEKSClusterPolicy" not in attached:
        raise refusals.invalid(
            "The provided role doesn't have the Amazon EKS Managed Policies associated with it. "
            "Please ensure the following policy is attached: AmazonEKSClusterPolicy"
        )


def auto_mode_role(region: EksRegion, arn: str, policies: Sequence[str]) -> None:
    """The role of a cluster with EKS Auto Mode: more policies, or of its own in their place, and sessions with tags."""
    role = next(role for role in region.iam.get_roles() if role.arn == arn)
    attached = {str(policy).rsplit("/", 1)[-1] for policy in role.managed_policies}
    own = role.policies or any(":iam::aws:" not in str(policy) for policy in role.managed_policies)
    if (missing := sorted(set(policies) - attached)) and not own:
        raise refusals.invalid(f"The cluster role lacks policies that EKS Auto Mode needs: {', '.join(missing)}")
    if not trusts(role.assume_role_policy_document, "eks.amazonaws.com", "sts:TagSession"):
        raise refusals.invalid("The trust policy of the cluster role must allow sts:TagSession for EKS Auto Mode")


def node_role(region: EksRegion, arn: str, cluster_role_arn: str) -> None:
    """The role of a node group."""
    if arn == cluster_role_arn:
        raise refusals.invalid(f"The role {arn} is the cluster's role and cannot be used for nodes")
    ec2 = ec2_principal(region.name)
    missing = f"Following required service principals [{ec2}]: the node role {arn} does not exist"
    trust = f"Following required service principals [{ec2}] were not found in the trust of role {arn}"
    role = trusted_role(region, arn, ec2, ["sts:AssumeRole"], missing, trust)
    attached = {str(policy).rsplit("/", 1)[-1] for policy in role.managed_policies}
    if not attached & {"AmazonEKSWorkerNodePolicy", "AmazonEKSWorkerNodeMinimalPolicy"}:
        raise refusals.invalid(
            "The provided role doesn't have the Amazon EKS Managed Policies associated with it. "
            "Please ensure the following policy is attached: AmazonEKSWorkerNodePolicy"
        )


def pod_role(region: EksRegion, arn: str) -> None:
    """The role of a pod identity association (https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html)."""
    trusted_role(
        region,
        arn,
        "pods.eks.amazonaws.com",
        ["sts:AssumeRole", "sts:TagSession"],
        "Role provided in the request does not exist.",
        "Trust policy of role provided in the request is invalid: pods.eks.amazonaws.com must be allowed "
        "sts:AssumeRole and sts:TagSession.",
    )


def trusts(document: str, service: str, action: str) -> bool:
    """Whether a trust policy allows `action` to a service principal."""
    statements = json.loads(document).get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal")
        services = principal.get("Service", []) if isinstance(principal, dict) else []
        actions = statement.get("Action", [])
        if (
            statement.get("Effect") == "Allow"
            and service in ([services] if isinstance(services, str) else services)
            and {action, "sts:*", "*"} & set([actions] if isinstance(actions, str) else actions)
        ):
            return True
    return False


def subnets(region: EksRegion, ids: Sequence[str], **members: Any) -> list[Any]:
    """moto's subnets of these ids, which must exist."""
    known = {subnet.id: subnet for zone in region.ec2.subnets.values() for subnet in zone.values()}
    for subnet_id in ids:
        if subnet_id not in known:
            raise refusals.invalid(
                f"The subnet ID '{subnet_id}' does not exist (Service: AmazonEC2; Status Code: 400; "
                "Error Code: InvalidSubnetID.NotFound)",
                **members,
            )
    return [known[subnet_id] for subnet_id in ids]


def cluster_subnets(region: EksRegion, ids: Sequence[str], cluster_name: str) -> list[Any]:
    """Subnets fit for a control plane: two zones that have EKS, one VPC, some free addresses."""
    found = subnets(region, ids, clusterName=cluster_name)
    excluded = [s for s in found if s.availability_zone_id in ZONES_WITHOUT_CONTROL_PLANE]
    if excluded:
        zones = region.ec2.describe_availability_zones()
        valid = [zone.name for zone in zones if zone.zone_id not in ZONES_WITHOUT_CONTROL_PLANE]
        raise Refusal(
            "UnsupportedAvailabilityZoneException",
            f"Cannot create cluster '{cluster_name}' because {excluded[0].availability_zone}, the targeted "
            f"availability zone, does not currently have sufficient capacity to support the cluster. "
            f"Retry and choose from these availability zones: {', '.join(valid)}",
            clusterName=cluster_name,
            validZones=valid,
        )
    if len({subnet.availability_zone for subnet in found}) < 2:
        raise refusals.invalid("Subnets specified must be in at least two different AZs", clusterName=cluster_name)
    if len({subnet.vpc_id for subnet in found}) > 1:
        raise refusals.invalid("Subnets specified must all be in the same VPC", clusterName=cluster_name)
    for subnet in found:
        if subnet.available_ip_address_count < FREE_ADDRESSES:
            raise refusals.invalid(
                f"Subnet {subnet.id} has fewer than {FREE_ADDRESSES} free addresses", clusterName=cluster_name
            )
    return found


def security_groups(region: EksRegion, ids: Sequence[str], vpc_id: str) -> None:
    """Security groups that must exist in the VPC."""
    for group_id in ids:
        group = region.ec2.get_security_group_from_id(group_id)
        if group is None or group.vpc_id != vpc_id:
            raise refusals.invalid(f"The security group '{group_id}' does not exist in VPC {vpc_id}")
