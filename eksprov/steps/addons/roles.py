"""The IAM roles of add-ons that call AWS: one each, taken through EKS Pod Identity, with no more rights than needed.

Whose service account needs what is the EKS guide's
(https://docs.aws.amazon.com/eks/latest/userguide/workloads-add-ons-available-eks.html). Where the guide names a policy
that allows far more than the add-on does (AmazonFSxFullAccess, AmazonS3FullAccess), the role has an inline policy
after the add-on's own documentation instead. metrics-server, coredns and kube-proxy call nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eksprov.steps.identity.iam_role import IamRole, role_name
from eksprov.steps.identity.policy_json import policy
from eksprov.steps.identity.roles import SESSIONS
from eksprov.steps.settled import Settled

MOUNTPOINT = "aws-mountpoint-s3-csi-driver"
FSX = "aws-fsx-csi-driver"


@dataclass(frozen=True)
class RoleNeed:
    """A service account and the managed policies that its role has; `short` is the role's purpose in its name."""

    account: str
    short: str
    policies: tuple[str, ...] = ()


NEEDS: dict[str, RoleNeed] = {
    "aws-ebs-csi-driver": RoleNeed("ebs-csi-controller-sa", "ebs-csi", ("service-role/AmazonEBSCSIDriverPolicy",)),
    "aws-efs-csi-driver": RoleNeed("efs-csi-controller-sa", "efs-csi", ("service-role/AmazonEFSCSIDriverPolicy",)),
    FSX: RoleNeed("fsx-csi-controller-sa", "fsx-csi"),
    MOUNTPOINT: RoleNeed("s3-csi-driver-sa", "s3-csi"),
    "amazon-cloudwatch-observability": RoleNeed(
        "cloudwatch-agent", "cloudwatch", ("CloudWatchAgentServerPolicy", "AWSXrayWriteOnlyAccess")
    ),
}


def role_step(addon: str) -> str:
    """The name of the step that makes an add-on's role."""
    return f"role/{addon}"


def addon_role(stack: str, settled: Settled, addon: str, buckets: tuple[str, ...], own_bucket: str) -> IamRole:
    """The role of an add-on in `NEEDS`; `buckets` are those of the config, `own_bucket` is the models'."""
    need, partition = NEEDS[addon], settled.partition
    statements: list[dict[str, Any]] = []
    if addon == FSX:
        statements = _file_systems(partition)
    elif addon == MOUNTPOINT:
        statements = _written(partition, buckets) if buckets else _read(partition, own_bucket)
    return IamRole(
        name=role_step(addon),
        slug=role_name(stack, settled.region, need.short),
        service="pods.eks.amazonaws.com",
        actions=SESSIONS,
        policies=tuple(f"arn:{partition}:iam::aws:policy/{name}" for name in need.policies),
        inline=policy(statements) if statements else "",
        description=f"Add-on {addon} of the EKS cluster {stack}",
    )


def _read(partition: str, bucket: str) -> list[dict[str, Any]]:
    arn = f"arn:{partition}:s3:::{bucket}"
    return [
        {"Sid": "List", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": arn},
        {"Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{arn}/*"},
    ]


def _written(partition: str, buckets: tuple[str, ...]) -> list[dict[str, Any]]:
    """The same source, reading and writing."""
    arns = [f"arn:{partition}:s3:::{bucket}" for bucket in buckets]
    objects = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"]
    return [
        {"Sid": "List", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": arns},
        {"Sid": "Objects", "Effect": "Allow", "Action": objects, "Resource": [f"{arn}/*" for arn in arns]},
    ]


def _file_systems(partition: str) -> list[dict[str, Any]]:
    linked = f"arn:{partition}:iam::*:role/aws-service-role/s3.data-source.lustre.fsx.amazonaws.com/*"
    making = ["iam:CreateServiceLinkedRole", "iam:AttachRolePolicy", "iam:PutRolePolicy"]
    by_name = {"StringLike": {"iam:AWSServiceName": ["fsx.amazonaws.com"]}}
    systems = [f"fsx:{verb}FileSystem" for verb in ("Create", "Delete")]
    return [
        {"Sid": "DataRole", "Effect": "Allow", "Action": making, "Resource": linked},
        {"Sid": "Linked", "Effect": "Allow", "Action": making[0], "Resource": "*", "Condition": by_name},
        {
            "Sid": "FileSystems",
            "Effect": "Allow",
            "Action": ["s3:ListBucket", *systems, "fsx:DescribeFileSystems", "fsx:TagResource"],
            "Resource": "*",
        },
    ]
