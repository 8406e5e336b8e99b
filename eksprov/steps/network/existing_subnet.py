"""A subnet of a VPC that exists: read, checked, never changed.

What leaves with the stack is only what the stack's own CNI forgot in it: network interfaces that are attached to
nothing and carry this cluster's tags.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from eksprov.aws.rights import Place, Rights
from eksprov.aws.session import Aws
from eksprov.aws.tags import as_dict
from eksprov.core.billing import UNBILLED, Billing
from eksprov.core.convergence.external import External
from eksprov.core.step import READY, Outputs, Owner, Phase, PhaseState, Timing
from eksprov.steps.network.ec2 import Item, where
from eksprov.steps.network.rights import reads
from eksprov.steps.network.subnet import ROLE_TAG, ROLES, Subnet, delete_leaked_interfaces
from eksprov.steps.network.vpc import ipv6_range_of

# Zones without room for a control plane (https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html).
NO_CONTROL_PLANE = frozenset({"use1-az3", "usw1-az2", "cac1-az3"})


@dataclass(frozen=True)
class ExistingSubnetFacts:
    """Only its id is wanted; `free` addresses and load-balancer `roles` are looked at before a cluster is made."""

    id: str
    vpc_id: str = field(default="", compare=False)
    cidr: str = field(default="", compare=False)
    ipv6_cidr: str = field(default="", compare=False)
    ipv6_assigned: bool = field(default=False, compare=False)
    zone: str = field(default="", compare=False)
    zone_id: str = field(default="", compare=False)
    arn: str = field(default="", compare=False)
    free: int = field(default=0, compare=False)
    roles: tuple[str, ...] = field(default=(), compare=False)
    owner: Owner | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class ExistingSubnet(External[Aws, ExistingSubnetFacts]):
    """`slug` is the subnet's id; it must lie in `vpc_id`."""

    kind: ClassVar[str] = "existing-subnet"
    # what is only used is not this stack's cost
    billing: ClassVar[Billing | None] = UNBILLED
    timing: ClassVar[Timing] = Timing(create_s=0.1, delete_s=0.1)
    vpc_id: str = ""

    def desired(self, outputs: Outputs) -> ExistingSubnetFacts:
        return ExistingSubnetFacts(self.slug)

    def discover(self, aws: Aws, *, fresh: bool = False) -> ExistingSubnetFacts | None:
        """One listing of the VPC's subnets serves all its steps."""
        found = subnets_in(aws, self.vpc_id, fresh=fresh) if self.vpc_id else _read(aws, "subnet-id", self.slug)
        return found.get(self.slug)

    def take_out(self, aws: Aws, have: ExistingSubnetFacts) -> None:
        """What this stack's CNI left behind."""
        delete_leaked_interfaces(aws, have.id)

    def phase(self, have: ExistingSubnetFacts) -> Phase:
        """Failed where EKS would refuse it."""
        if self.vpc_id and have.vpc_id != self.vpc_id:
            return Phase(PhaseState.FAILED, f"{have.id} is in {have.vpc_id}, not in {self.vpc_id}")
        if have.zone_id in NO_CONTROL_PLANE:
            return Phase(PhaseState.FAILED, f"{have.id} is in zone {have.zone_id}, where EKS places no control plane")
        return READY

    def outputs(self, have: ExistingSubnetFacts) -> dict[str, str]:
        """The same as of a subnet that is made here."""
        ipv6 = {"ipv6_cidr": have.ipv6_cidr} if have.ipv6_cidr else {}
        return {"id": have.id, "arn": have.arn, "zone": have.zone, "zone_id": have.zone_id, "cidr": have.cidr, **ipv6}

    @classmethod
    def rights(cls, place: Place) -> Rights:
        return Rights(read=reads("DescribeSubnets"))


def subnets_in(aws: Aws, vpc_id: str, *, fresh: bool = False) -> dict[str, ExistingSubnetFacts]:
    """The subnets of a VPC by id."""
    return aws.listing(f"ec2/subnets-of/{vpc_id}", lambda: _read(aws, "vpc-id", vpc_id), fresh=fresh)


def _read(aws: Aws, what: str, value: str) -> dict[str, ExistingSubnetFacts]:
    return {item["SubnetId"]: _facts(item) for item in Subnet.load(aws, [where(what, value)])}


def _facts(item: Item) -> ExistingSubnetFacts:
    tags = as_dict(item.get("Tags"))
    return ExistingSubnetFacts(
        id=item["SubnetId"],
        vpc_id=item["VpcId"],
        cidr=item.get("CidrBlock", ""),
        ipv6_cidr=ipv6_range_of(item)[0],
        ipv6_assigned=bool(item.get("AssignIpv6AddressOnCreation")),
        zone=item["AvailabilityZone"],
        zone_id=item["AvailabilityZoneId"],
        arn=item.get("SubnetArn", ""),
        free=item.get("AvailableIpAddressCount", 0),
        roles=tuple(role for role in ROLES if tags.get(ROLE_TAG + role) in ("1", "")),
    )
