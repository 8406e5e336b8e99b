"""Service-linked roles: which service makes which, and in whose name.

EKS makes its own and that of node groups, a node group that of Auto Scaling, Auto Scaling and EKS Auto Mode that of
Spot (the managed policies AWSServiceRoleForAmazonEKSNodegroup, AutoScalingServiceRolePolicy and AmazonEKSComputePolicy
allow it: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html). They are the account's:
nothing that a stack does deletes them.
"""

from __future__ import annotations

from typing import Final

from moto.iam.models import IAMBackend

EKS, NODEGROUP = "eks.amazonaws.com", "eks-nodegroup.amazonaws.com"
AUTO_SCALING, SPOT = "autoscaling.amazonaws.com", "spot.amazonaws.com"
NAMES: Final = {
    EKS: "AWSServiceRoleForAmazonEKS",
    NODEGROUP: "AWSServiceRoleForAmazonEKSNodegroup",
    AUTO_SCALING: "AWSServiceRoleForAutoScaling",
    SPOT: "AWSServiceRoleForEC2Spot",
}


def there(iam: IAMBackend, service: str) -> bool:
    """Whether the account has the role of the service."""
    return any(role.name == NAMES[service] for role in iam.get_roles())


def make(iam: IAMBackend, *services: str) -> None:
    """Make those that the account does not have yet."""
    for service in services:
        if not there(iam, service):
            made = iam.create_service_linked_role(service, "", "")
            made.name = NAMES[service]
