"""What a teardown may look at and delete of what controllers made in AWS and left behind.

Such things carry the cluster's name in tags of the controllers (`eksprov.steps.left_behind` names the sources), never
ours. Load balancers: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html.
"""

from __future__ import annotations

from eksprov.permissions.need import ANYTHING, Condition, Need, Place, on

LOOK = (
    "ec2:DescribeInstances",
    "ec2:DescribeLaunchTemplates",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeVolumes",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeTags",
    "elasticloadbalancing:DescribeTargetGroups",
    "iam:ListInstanceProfiles",
    "logs:DescribeLogGroups",
)
BALANCING = ("elasticloadbalancing:DeleteLoadBalancer", "elasticloadbalancing:DeleteTargetGroup")
OWNED = ("ec2:DeleteSecurityGroup", "ec2:DeleteVolume", "ec2:RevokeSecurityGroupEgress")
KARPENTER = ("ec2:TerminateInstances", "ec2:DeleteLaunchTemplate")
LOGS = ("logs:DeleteLogGroup", "logs:ListTagsForResource")
PROFILES = ("iam:DeleteInstanceProfile", "iam:RemoveRoleFromInstanceProfile")
RULES = ("ec2:RevokeSecurityGroupIngress",)


def leftovers(place: Place) -> tuple[Need, ...]:
    """By the tag of each controller."""
    owned = _tagged(f"kubernetes.io/cluster/{place.stack}", "owned")
    by_controller = _tagged("elbv2.k8s.aws/cluster", place.stack)
    profiles = place.everywhere("iam", f"instance-profile/karpenter/{place.region}/{place.stack}/*")
    balancers, ec2 = place.arn("elasticloadbalancing", "*"), place.arn("ec2", "*/*")
    names = (f"log-group:/aws/eks/{place.stack}/cluster", f"log-group:/aws/containerinsights/{place.stack}/*")
    logs = place.arn("logs", *names, *(f"{name}:*" for name in names))
    return (
        *on(ANYTHING, *LOOK),
        *(need for tag in (owned, by_controller) for need in on(balancers, *BALANCING, condition=tag)),
        *on(ec2, *OWNED, *RULES, *KARPENTER, condition=owned),
        *on(ec2, "ec2:DeleteSecurityGroup", *RULES, "ec2:RevokeSecurityGroupEgress", condition=by_controller),
        *on(ec2, "ec2:DeleteNetworkInterface", condition=_tagged("cluster.k8s.amazonaws.com/name", place.stack)),
        *on(ec2, "ec2:DeleteLaunchTemplate", condition=_tagged("karpenter.k8s.aws/cluster", place.stack)),
        *on(profiles, *PROFILES, condition=owned),
        *on(profiles, "iam:GetInstanceProfile"),
        *on(logs, *LOGS),
    )


def _tagged(key: str, value: str) -> Condition:
    return (("StringEquals", f"aws:ResourceTag/{key}", (value,)),)
