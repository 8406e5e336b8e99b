"""What `provision`, `plan` and `doctor` look at beside the stack: prices, quotas, offerings, and IAM's simulator.

All are readings, and none is needed to make anything: where one is not allowed, the check is said to be unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from eksprov.permissions.need import ANYTHING, Need, Place, on

ALWAYS = ("pricing:GetProducts", "servicequotas:GetAWSDefaultServiceQuota", "servicequotas:GetServiceQuota")
BY_KIND = {
    "cluster": ("eks:ListClusters",),
    "elastic-ip": ("ec2:DescribeAddresses",),
    "nat-gateway": ("ec2:DescribeNatGateways", "ec2:DescribeSubnets"),
    "node-group": ("ec2:DescribeInstanceTypeOfferings", "ec2:DescribeInstanceTypes", "ec2:DescribeInstances"),
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
