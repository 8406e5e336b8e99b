"""A VPC that exists and is only used: read, checked, never changed.

EKS wants DNS support and DNS hostnames on (https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html).
Somebody else owns it, so what is wrong is said and not repaired.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from eksprov.aws.faults import is_missing
from eksprov.aws.rights import Place, Rights
from eksprov.aws.session import Aws
from eksprov.core.billing import UNBILLED, Billing
from eksprov.core.convergence.external import External
from eksprov.core.step import READY, Outputs, Owner, Phase, PhaseState, Timing
from eksprov.steps.network.ec2 import Item, where
from eksprov.steps.network.rights import ours, reads
from eksprov.steps.network.vpc import Vpc, ipv6_range_of


@dataclass(frozen=True)
class ExistingVpcFacts:
    """Only its id is wanted; `cidrs` are all its IPv4 ranges, the primary one first."""

    id: str
    cidrs: tuple[str, ...] = field(default=(), compare=False)
    ipv6_cidr: str = field(default="", compare=False)
    dns_support: bool = field(default=True, compare=False)
    dns_hostnames: bool = field(default=True, compare=False)
    owner: Owner | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class ExistingVpc(External[Aws, ExistingVpcFacts]):
    """`slug` is the VPC's id."""

    kind: ClassVar[str] = "existing-vpc"
    # what is only used is not this stack's cost
    billing: ClassVar[Billing | None] = UNBILLED
    timing: ClassVar[Timing] = Timing(create_s=0.1, delete_s=0.1)

    def desired(self, outputs: Outputs) -> ExistingVpcFacts:
        return ExistingVpcFacts(self.slug)

    def discover(self, aws: Aws, *, fresh: bool = False) -> ExistingVpcFacts | None:
        """One listing and the two attributes, shared with the checks that come before the first create."""
        facts: ExistingVpcFacts | None = aws.listing(f"ec2/{self.slug}", lambda: read_vpc(aws, self.slug), fresh=fresh)
        return facts

    def phase(self, have: ExistingVpcFacts) -> Phase:
        """Failed where nodes could not register."""
        off = [*(() if have.dns_support else ("DNS support",)), *(() if have.dns_hostnames else ("DNS hostnames",))]
        if not off:
            return READY
        return Phase(
            PhaseState.FAILED, f"{' and '.join(off)} of {have.id} must be on, or nodes do not register with EKS"
        )

    def outputs(self, have: ExistingVpcFacts) -> dict[str, str]:
        """The id and the primary range."""
        return {"id": have.id, "cidr": have.cidrs[0] if have.cidrs else ""}

    @classmethod
    def rights(cls, place: Place) -> Rights:
        attribute = ours(place, ("vpc",), "ec2:DescribeVpcAttribute")
        return Rights(read=(*reads("DescribeVpcs", "DescribeSubnets", "DescribeRouteTables"), *attribute))


def read_vpc(aws: Aws, vpc_id: str) -> ExistingVpcFacts | None:
    """The VPC as it is, or None."""
    from botocore.exceptions import ClientError

    found = Vpc.load(aws, [where("vpc-id", vpc_id)])
    if not found:
        return None
    ec2 = aws.clients.ec2
    try:
        support = ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute="enableDnsSupport")
        hostnames = ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute="enableDnsHostnames")
    except ClientError as error:
        if is_missing(error, "InvalidVpcID.NotFound"):
            return None
        raise
    return ExistingVpcFacts(
        id=vpc_id,
        cidrs=_ranges(found[0]),
        ipv6_cidr=ipv6_range_of(found[0])[0],
        dns_support=support["EnableDnsSupport"]["Value"],
        dns_hostnames=hostnames["EnableDnsHostnames"]["Value"],
    )


def _ranges(item: Item) -> tuple[str, ...]:
    associated = (
        block["CidrBlock"]
        for block in item.get("CidrBlockAssociationSet", [])
        if block.get("CidrBlockState", {}).get("State", "associated") == "associated"
    )
    return tuple(dict.fromkeys((item["CidrBlock"], *associated)))
