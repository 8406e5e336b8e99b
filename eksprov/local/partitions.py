"""Where a region belongs: AWS's partitions, their names for hosts and principals.

A partition is an AWS of its own, with its own IAM, its own ARNs and, some of them, other hosts
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html; botocore's endpoint data names them). One local
account has regions in all of them, which know nothing of one another's roles.
"""

from __future__ import annotations

import functools
from typing import Any, Final

from botocore.session import Session
from moto.utilities.utils import get_partition

# Whose principals have a name of their own where the trust of a role names EC2
# (https://github.com/eksctl-io/eksctl/blob/main/pkg/apis/eksctl.io/v1alpha5/partitions.go).
EC2: Final = {"aws-cn": "ec2.amazonaws.com.cn", "aws-iso": "ec2.c2s.ic.gov", "aws-iso-b": "ec2.sc2s.sgov.gov"}
# EKS's own registry: one account in most regions, these in others
# (https://docs.aws.amazon.com/eks/latest/userguide/add-ons-images.html).
REGISTRIES: Final = {
    "cn-north-1": "918309763551",
    "cn-northwest-1": "961992271922",
    "us-gov-east-1": "151742754352",
    "us-gov-west-1": "013241004608",
}
USUAL_REGISTRY: Final = "602401143452"


def partition_of(region: str) -> str:
    """The partition of a region."""
    return get_partition(region)


@functools.cache
def dns_suffix(region: str) -> str:
    """What the names of AWS's hosts end in: amazonaws.com, amazonaws.com.cn, amazonaws.eu, …"""
    known: dict[str, Any] = Session().get_data("partitions")
    own = next(one for one in known["partitions"] if one["id"] == partition_of(region))
    return str(own["outputs"]["dnsSuffix"])


def ec2_principal(region: str) -> str:
    """How the trust of a node's role names EC2."""
    return EC2.get(partition_of(region), "ec2.amazonaws.com")


def registry(region: str) -> str:
    """The host of EKS's own images."""
    return f"{REGISTRIES.get(region, USUAL_REGISTRY)}.dkr.ecr.{region}.{dns_suffix(region)}"
