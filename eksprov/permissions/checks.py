"""What `provision`, `plan` and `doctor` look at beside the stack: prices, quotas, offerings, what the config names, and
IAM's simulator.

All are readings, and none is needed to make anything: where one is not allowed, the check is said to be unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from eksprov.permissions.need import ANYTHING, Need, Place, on

ALWAYS = ("pricing:GetProducts", "servicequotas:GetAWSDefaultServiceQuota", "servicequotas:GetServiceQuota")
BY_KIND = {
    "cluster": ("eks:ListClusters",),
    "elastic-ip": ("ec2:DescribeAddresses",),
    "nat-gateway": ("ec2:DescribeNatGateways", "ec2:DescribeSubnets"),
    "node-group": (
        "ec2:DescribeInstanceTypeOfferings",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeInstances",
    ),
    "vpc": ("ec2:DescribeVpcs",),
}
SPOT = ("ec2:DescribeSpotPriceHistory", "ec2:GetSpotPlacementScores")


def checks(place: Place) -> Iterator[Need]:
    """The readings; the simulator judges the caller, whose name nobody knows beforehand."""
    yield from on(ANYTHING, *ALWAYS)
    for kind in BY_KIND.keys() & place.kinds.keys():
        yield from on(ANYTHING, *BY_KIND[kind])
    groups: tuple[Any, ...] = place.kinds.get("node-group", ())
    if any(way.capacity_type == "SPOT" for group in groups for way in group.choices):
        yield from on(ANYTHING, *SPOT)
    roles, users = place.everywhere("iam", "role/*"), place.everywhere("iam", "user/*")
    yield from on(roles, "iam:GetRole")
    yield from on((*roles, *users), "iam:SimulatePrincipalPolicy")
    yield from _disk_keys(place)
    for name, values in place.named.items():
        yield from LOOK_UPS[name](place, values)


def _disk_keys(place: Place) -> Iterator[Need]:
    """Whether Auto Scaling may use the keys that node groups name.

    A customer's key that is the account's default is known to nobody beforehand: its policy may not be read, and the
    check says that it is unknown.
    """
    templates: tuple[Any, ...] = place.kinds.get("launch-template", ())
    if any(not step.kms_key_arn for step in templates):
        yield from on(ANYTHING, "ec2:GetEbsDefaultKmsKeyId")
    keys = sorted({step.kms_key_arn for step in templates} - {""})
    yield from on(keys, "kms:DescribeKey", "kms:GetKeyPolicy", "kms:ListGrants")


def node_images(place: Place) -> tuple[str, ...]:
    """The public parameters in which AWS names its node images."""
    return (f"arn:{place.partition}:ssm:{place.region}::parameter/aws/service/*",)


def _keys(_place: Place, values: tuple[str, ...]) -> tuple[Need, ...]:
    return on([value for value in values if value.startswith("arn:")], "kms:DescribeKey")


def _principals(_place: Place, values: tuple[str, ...]) -> tuple[Need, ...]:
    """Users; every role may be looked at, for the caller's own."""
    return on([value for value in values if ":user/" in value], "iam:GetUser")


# What looking up takes of the things that the config names, by the finding's name (`eksprov.preflight.references`).
LOOK_UPS: Final[Mapping[str, Callable[[Place, tuple[str, ...]], tuple[Need, ...]]]] = {
    "endpoint-service": lambda _, __: on(ANYTHING, "ec2:DescribeVpcEndpointServices"),
    "kms-key": _keys,
    "node-release": lambda place, _: on(node_images(place), "ssm:GetParameters"),
    "principal": _principals,
    "s3-bucket": lambda place, names: on([f"arn:{place.partition}:s3:::{name}" for name in names], "s3:ListBucket"),
    "sns-topic": lambda _, arns: on(arns, "sns:GetTopicAttributes"),
    "zone": lambda _, __: on(ANYTHING, "ec2:DescribeAvailabilityZones"),
}
