"""What `provision`, `plan` and `doctor` look at whatever the stack has: prices, quotas, what the config names.

All are readings, and none is needed to make anything: where one is not allowed, the check is said to be unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from eksprov.aws.rights import ANYTHING, Need, Place, node_images, on

ALWAYS = ("pricing:GetProducts", "servicequotas:GetAWSDefaultServiceQuota", "servicequotas:GetServiceQuota")


def checks(place: Place) -> Iterator[Need]:
    """The readings; the simulator judges the caller, whose name nobody knows beforehand."""
    yield from on(ANYTHING, *ALWAYS)
    roles, users = place.everywhere("iam", "role/*"), place.everywhere("iam", "user/*")
    yield from on(roles, "iam:GetRole")
    yield from on((*roles, *users), "iam:SimulatePrincipalPolicy")
    for name, values in place.named.items():
        yield from LOOK_UPS[name](place, values)


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
