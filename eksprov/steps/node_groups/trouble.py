"""What EKS says is wrong with a node group, and where to look.

Codes: https://docs.aws.amazon.com/eks/latest/APIReference/API_Issue.html. Why nodes do not join:
https://docs.aws.amazon.com/eks/latest/userguide/troubleshooting.html#worker-node-fail.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from eksprov.steps.cluster.reading import in_words

NOT_JOINED = "NodeCreationFailure"
SHOWN = 3  # ids of instances
# What no waiting cures.
HOPELESS = frozenset(
    {
        "AmiIdNotFound",
        "Ec2InstanceTypeDoesNotExist",
        "Ec2LaunchTemplateInvalidConfiguration",
        "Ec2LaunchTemplateMaxLimitExceeded",
        "IamNodeRoleNotFound",
        "InstanceLimitExceeded",
        "InsufficientFreeAddresses",
    }
)
CURES = {
    NOT_JOINED: "look at the instance's own words (`aws ec2 get-console-output --latest --instance-id ID`); at its "
    "routes, security groups and endpoints: it must reach the cluster's endpoint, ECR, S3, EC2 and STS; at the "
    "CNI (the vpc-cni add-on, pods aws-node in kube-system); and at the access entry of the node role",
    "AccessDenied": "look at the access entry of the node role",
    "ClusterUnreachable": "look at the routes and security groups between the nodes and the cluster's endpoint",
    "Ec2SecurityGroupDeletionFailure": "look for what still uses the group's security group, and remove it",
    "Ec2SubnetInvalidConfiguration": "nodes in a public subnet need MapPublicIpOnLaunch",
    "IamNodeRoleNotFound": "the node role is gone: provision makes it again",
    "InstanceLimitExceeded": "ask for a higher quota: `eksprov doctor` names it",
    "InsufficientFreeAddresses": "the subnets are full: end what is not needed there, or use larger ones",
}


def health_of(group: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Code and message of each issue; instances that did not join are named."""
    found = (group.get("health") or {}).get("issues") or ()
    return tuple((str(issue.get("code", "")), _message(issue)) for issue in found)


def diagnosed(health: Iterable[tuple[str, str]]) -> str:
    """The issues in one line, each known one with its cure."""
    return in_words((code, f"{text} ({CURES[code]})" if code in CURES else text) for code, text in health)


def _message(issue: Mapping[str, Any]) -> str:
    text, ids = str(issue.get("message", "")), list(issue.get("resourceIds") or ())
    if issue.get("code") != NOT_JOINED or not ids:
        return text
    more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    return f"{text}: {', '.join(ids[:SHOWN])}{more}"
