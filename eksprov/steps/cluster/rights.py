"""EKS's rights, and those of KMS and Auto Scaling that go with a cluster.

EKS's ARNs begin with the cluster's name, which is the stack's, so they need no tags
(https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelastickubernetesservice.html); only
CreateCluster knows no resource and is held to the stack by the tag that it writes. KMS chooses its keys' ids, so these
go by tags (https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html).
"""

from __future__ import annotations

from eksprov.aws.rights import ANYTHING, Need, Place, on
from eksprov.steps.identity.existing_role import ExistingRole
from eksprov.steps.identity.iam_role import IamRole, role_arns

FOR_AWS = ("Bool", "kms:GrantIsForAWSResource", ("true",))
SERVICE_ROLES = ("eks.amazonaws.com", "eks-nodegroup.amazonaws.com")
TAGGED = ("access-entry", "addon", "nodegroup", "podidentityassociation")  # in ARNs, beside the cluster


def found(place: Place) -> tuple[Need, ...]:
    """A survey looks at every cluster whose name begins with the stack's."""
    return (*on(ANYTHING, "eks:ListClusters"), *on(place.arn("eks", f"cluster/{place.stack}*"), "eks:DescribeCluster"))


def own_cluster(place: Place) -> tuple[str, ...]:
    return place.arn("eks", f"cluster/{place.stack}")


def inside(place: Place, kind: str) -> tuple[str, ...]:
    return place.arn("eks", f"{kind}/{place.stack}/*")


def tagging(place: Place, what: tuple[str, ...]) -> tuple[Need, ...]:
    return on(what, "eks:TagResource", condition=place.requested)


def passing(place: Place) -> tuple[Need, ...]:
    """Handing over the stack's roles, made or existing, to the services that they trust and to EKS, which asks for them
    (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html)."""
    trusted = {*(step.service for step in place.of(IamRole)), *(step.service for step in place.of(ExistingRole))} - {""}
    services = tuple(sorted({"eks.amazonaws.com", *trusted}))
    condition = (("StringEquals", "iam:PassedToService", services),)
    lent = dict.fromkeys(step.slug for step in place.of(ExistingRole))
    return on((*role_arns(place, place.of(IamRole)), *lent), "iam:PassRole", condition=condition)


def service_roles(place: Place) -> tuple[Need, ...]:
    """EKS makes its service-linked roles in the caller's name, once an account
    (https://docs.aws.amazon.com/eks/latest/userguide/using-service-linked-roles.html)."""
    condition = (("StringEquals", "iam:AWSServiceName", SERVICE_ROLES),)
    what = place.everywhere("iam", "role/aws-service-role/eks*")
    return on(what, "iam:CreateServiceLinkedRole", condition=condition)


def granting(place: Place, entries: tuple[str, ...], *policies: str) -> tuple[Need, ...]:
    """Giving these entries these access policies of EKS's, and no other."""
    arns = tuple(f"arn:{place.partition}:eks::aws:cluster-access-policy/{policy}" for policy in policies)
    return on(entries, "eks:AssociateAccessPolicy", condition=(("ArnEquals", "eks:policyArn", arns),))


def tagged_anew(place: Place) -> tuple[Need, ...]:
    """Other tags on the cluster and on all in it, for what carries the stack's."""
    what = place.arn("eks", f"cluster/{place.stack}", *(f"{kind}/{place.stack}/*" for kind in TAGGED))
    return on(what, "eks:TagResource", "eks:UntagResource", condition=place.owned)
