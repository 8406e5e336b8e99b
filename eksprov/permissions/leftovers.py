"""What `teardown` needs for leftovers: load balancers, volumes, instances and the like that controllers have made.

Such things carry the cluster's name in tags of the controllers, never ours (`eksprov.steps.leftovers.pieces` names the
sources). Load balancers:
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from eksprov.aws.rights import ANYTHING, Condition, Need, Place, on
from eksprov.core.names import last_part
from eksprov.steps.cluster.network import EKS_CLUSTER, of_cni
from eksprov.steps.identity.existing_role import ExistingRole
from eksprov.steps.identity.iam_role import IamRole, role_name
from eksprov.steps.identity.roles import AUTO_NODE
from eksprov.steps.leftovers.pieces import BY_CONTROLLER, KARPENTER_TEMPLATE

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
# By type of resource: the calls that a teardown makes about it.
EC2 = {
    "instance": ("ec2:TerminateInstances",),
    "launch-template": ("ec2:DeleteLaunchTemplate",),
    "network-interface": ("ec2:DeleteNetworkInterface",),
    "security-group": (
        "ec2:DeleteSecurityGroup",
        "ec2:RevokeSecurityGroupEgress",
        "ec2:RevokeSecurityGroupIngress",
    ),
    "volume": ("ec2:DeleteVolume",),
}
MARKED = ("ec2:CreateTags",)  # which volumes may go is written into a tag
BALANCING = {"loadbalancer": "DeleteLoadBalancer", "targetgroup": "DeleteTargetGroup"}
LOGS = ("logs:DeleteLogGroup", "logs:ListTagsForResource")
PROFILES = ("iam:DeleteInstanceProfile", "iam:RemoveRoleFromInstanceProfile")
OWNED, CONTROLLER = (
    ("instance", "launch-template", "network-interface", "security-group", "volume"),
    ("security-group",),
)


def leftovers(place: Place) -> tuple[Need, ...]:
    """By the tag of each controller, and of EKS Auto Mode's, which run outside the cluster."""
    owned = _tagged(f"kubernetes.io/cluster/{place.stack}", "owned")
    by_controller, by_eks = _tagged(BY_CONTROLLER, place.stack), _tagged(EKS_CLUSTER, place.stack)
    volumes = place.arn("ec2", "volume/*")
    profiles = place.everywhere("iam", f"instance-profile/karpenter/{place.region}/{place.stack}/*")
    auto = role_name(place.stack, place.region, "auto-node")
    names = (f"log-group:/aws/eks/{place.stack}/cluster", f"log-group:/aws/containerinsights/{place.stack}/*")
    logs = place.arn("logs", *names, *(f"{name}:*" for name in names))
    return (
        *on(ANYTHING, *LOOK),
        *(need for tag in (owned, by_controller, by_eks) for need in _balancing(place, tag)),
        *_of_types(place, OWNED, owned),
        *_of_types(place, OWNED, by_eks),
        *(need for tag in (owned, by_eks) for need in on(volumes, *MARKED, condition=tag)),
        *_of_types(place, CONTROLLER, by_controller),
        *_of_types(place, ("network-interface",), of_cni(place)),
        *_of_types(place, ("launch-template",), _tagged(KARPENTER_TEMPLATE, place.stack)),
        *on(profiles, *PROFILES, condition=owned),
        *on(profiles, "iam:GetInstanceProfile"),
        *on(place.everywhere("iam", f"role/{auto}", f"role/*/{auto}"), "iam:ListInstanceProfilesForRole"),
        *(on(made_by_eks(place), "iam:GetInstanceProfile", *PROFILES) if _auto_mode(place) else ()),
        *on(logs, *LOGS),
    )


def _of_types(place: Place, things: Iterable[str], condition: Condition) -> Iterator[Need]:
    for thing in things:
        yield from on(place.arn("ec2", f"{thing}/*"), *EC2[thing], condition=condition)


def _balancing(place: Place, condition: Condition) -> Iterator[Need]:
    for thing, call in BALANCING.items():
        yield from on(
            place.arn("elasticloadbalancing", f"{thing}/*"), f"elasticloadbalancing:{call}", condition=condition
        )


def made_by_eks(place: Place) -> tuple[str, ...]:
    """The instance profiles of EKS Auto Mode, which bear no tags: `/eks/<region>/<cluster>/` is their path.

    Without a path their name says the same, and then a number (accounts show both; AWS's documentation tells neither,
    but for the `eks` in front: `left_behind`). A digit keeps out those of clusters whose name goes on with a word.
    """
    names = (f"eks-{place.region}-{place.stack}-{digit}*" for digit in range(1, 10))
    return place.everywhere(
        "iam", *(f"instance-profile/{name}" for name in (f"eks/{place.region}/{place.stack}/*", *names))
    )


def _auto_mode(place: Place) -> bool:
    """Whether EKS Auto Mode makes nodes, or did: their role is in a profile, whosever it is."""
    there = place.with_left
    names = (*(role.name for role in there.of(IamRole)), *(role.name for role in there.of(ExistingRole)))
    return last_part(AUTO_NODE) in {last_part(name) for name in names}


def _tagged(key: str, value: str) -> Condition:
    return (("StringEquals", f"aws:ResourceTag/{key}", (value,)),)
