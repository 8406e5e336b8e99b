"""Actions that the operator's policy allows although no call of the scenarios needs them."""

from __future__ import annotations

import cases

OF_NO_KIND = {
    "ec2:CreateTags": "in teardown: which volumes may go, and there are none",
    "ec2:DeleteNetworkInterface": "what the CNI left behind; the emulated account's nodes leave nothing",
    "ec2:DeleteSecurityGroup": "left behind",
    "ec2:DeleteVolume": "left behind",
    "ec2:DescribeSpotPriceHistory": "prices, where the target is aws; here it is local, whose prices are the package's",
    "ec2:GetSpotPlacementScores": "a group of SPOT that begins with nodes",
    "ec2:RevokeSecurityGroupEgress": "left behind",
    "ec2:RevokeSecurityGroupIngress": "left behind",
    "ec2:TerminateInstances": "left behind",
    "elasticloadbalancing:DeleteLoadBalancer": "left behind",
    "elasticloadbalancing:DeleteTargetGroup": "left behind",
    "elasticloadbalancing:DescribeTags": "what controllers left behind; nothing does here",
    "iam:DeleteInstanceProfile": "left behind",
    "iam:GetInstanceProfile": "left behind",
    "iam:GetRole": "the caller's own role, where the caller is one",
    "iam:RemoveRoleFromInstanceProfile": "left behind",
    "pricing:GetProducts": "prices, where the target is aws; here it is local, whose prices are the package's",
    "s3:AbortMultipartUpload": "large files only",
}
EXCUSED = {**OF_NO_KIND, **{action: why for iam in cases.asked() for action, why in iam.unseen.items()}}
"""Allowed, but not to be seen in any call: what it is for."""
