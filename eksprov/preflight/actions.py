"""Which IAM actions creating a kind takes, for the policy simulator.

From the Service Authorization Reference
(https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html).
Kinds that are not here are not simulated.
"""

from __future__ import annotations

from collections.abc import Mapping

from eksprov.core.change import Action
from eksprov.core.plan import Plan

CREATING: Mapping[str, tuple[str, ...]] = {
    "access-entry": ("eks:AssociateAccessPolicy", "eks:CreateAccessEntry"),
    "addon": ("eks:CreateAddon",),
    "bucket": (
        "s3:CreateBucket",
        "s3:PutBucketPolicy",
        "s3:PutBucketPublicAccessBlock",
        "s3:PutBucketTagging",
        "s3:PutLifecycleConfiguration",
    ),
    "cluster": ("eks:CreateCluster", "eks:TagResource", "iam:PassRole"),
    "egress-only-internet-gateway": ("ec2:CreateEgressOnlyInternetGateway", "ec2:CreateTags"),
    "elastic-ip": ("ec2:AllocateAddress", "ec2:CreateTags"),
    "event-rule": ("events:PutRule", "events:PutTargets", "events:TagResource"),
    "iam-role": ("iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePolicy", "iam:TagRole"),
    "internet-gateway": ("ec2:AttachInternetGateway", "ec2:CreateInternetGateway", "ec2:CreateTags"),
    "kms-key": ("kms:CreateAlias", "kms:CreateKey", "kms:PutKeyPolicy", "kms:TagResource"),
    "log-group": ("logs:CreateLogGroup", "logs:PutRetentionPolicy", "logs:TagResource"),
    "nat-gateway": ("ec2:CreateNatGateway", "ec2:CreateTags"),
    "node-group": ("eks:CreateNodegroup", "eks:TagResource", "iam:PassRole"),
    "pod-identity-association": ("eks:CreatePodIdentityAssociation", "iam:PassRole"),
    "queue": ("sqs:CreateQueue", "sqs:TagQueue"),
    "repository": ("ecr:CreateRepository", "ecr:TagResource"),
    "route-table": ("ec2:AssociateRouteTable", "ec2:CreateRoute", "ec2:CreateRouteTable", "ec2:CreateTags"),
    "security-group": ("ec2:AuthorizeSecurityGroupIngress", "ec2:CreateSecurityGroup", "ec2:CreateTags"),
    "subnet": ("ec2:CreateSubnet", "ec2:CreateTags", "ec2:ModifySubnetAttribute"),
    "vpc": ("ec2:CreateTags", "ec2:CreateVpc", "ec2:ModifyVpcAttribute"),
    "vpc-endpoint": ("ec2:CreateTags", "ec2:CreateVpcEndpoint"),
}


def needed(plan: Plan) -> tuple[str, ...]:
    """The actions behind every create of a plan."""
    making = (Action.CREATE, Action.REPLACE)
    kinds = {line.kind for line in plan.lines if line.change.action in making}
    return tuple(sorted({action for kind in kinds for action in CREATING.get(kind, ())}))
