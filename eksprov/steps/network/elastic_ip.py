"""An elastic IP address, for a NAT gateway.

AllocateAddress takes no token and gives no name, so it is sent once and carries its tags. The address can be released
only when its NAT gateway is gone; AWS may hold it some minutes longer
(https://github.com/kubernetes-sigs/cluster-api-provider-aws/issues/1328).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from eksprov.aws.faults import tolerating
from eksprov.aws.rights import Place, Rights
from eksprov.aws.session import Aws
from eksprov.aws.waiting import HELD_LIMIT_S, STILL_HELD, eventually
from eksprov.core.billing import Billing, each
from eksprov.core.replacement import Order, Replacement
from eksprov.core.step import Outputs, Owner, Timing, Traits
from eksprov.steps.network.ec2 import Filters, Item, Tagged, sent_once
from eksprov.steps.network.rights import made, ours, reads, tagged_anew


@dataclass(frozen=True)
class ElasticIpFacts:
    """Nothing of an address can be chosen but that it is the VPC's."""

    domain: str = field(default="vpc", metadata={"replace": True})
    id: str = field(default="", compare=False)  # the allocation's
    public_ip: str = field(default="", compare=False)
    held_by: str = field(default="", compare=False)  # the interface it is mapped to
    owner: Owner | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class ElasticIp(Tagged[ElasticIpFacts]):
    """Own the address; whoever uses it maps it."""

    kind: ClassVar[str] = "elastic-ip"
    billing: ClassVar[Billing | None] = each("public-ipv4", "public IPv4 address")
    ec2_type: ClassVar[str] = "elastic-ip"
    ec2_create: ClassVar[str] = "AllocateAddress"
    id_key: ClassVar[str] = "AllocationId"
    timing: ClassVar[Timing] = Timing(create_s=1.0, delete_s=1.0)
    traits: ClassVar[Traits] = replace(
        Tagged.traits, recognised=False, limited=True
    )  # the call has neither name nor token

    @property
    def replacement(self) -> Replacement:
        """A second one cannot stand beside it."""
        return Replacement(Order.DELETE_FIRST, "its NAT gateway is away")

    def desired(self, outputs: Outputs) -> ElasticIpFacts:
        """An address of the VPC's kind."""
        return ElasticIpFacts()

    def describe(self, want: ElasticIpFacts) -> str:
        """What is created, for the plan."""
        return f"public IPv4 address (domain {want.domain})"

    @classmethod
    def load(cls, aws: Aws, filters: Filters) -> list[Item]:
        return [dict(address) for address in aws.clients.ec2.describe_addresses(Filters=filters)["Addresses"]]

    def read(self, aws: Aws, item: Item, owner: Owner | None) -> ElasticIpFacts:
        return ElasticIpFacts(
            item.get("Domain", "vpc"), item["AllocationId"], item["PublicIp"], item.get("NetworkInterfaceId", ""), owner
        )

    def create(self, aws: Aws, want: ElasticIpFacts, token: str) -> dict[str, str]:
        specification = self.tag_specification(aws, "elastic-ip")
        answer = sent_once(aws, lambda: aws.once.ec2.allocate_address(Domain="vpc", TagSpecifications=specification))
        return {"id": answer["AllocationId"], "public_ip": answer["PublicIp"]}

    def delete(self, aws: Aws, have: ElasticIpFacts) -> None:
        """Release it, once nothing holds it any more."""
        with tolerating("InvalidAllocationID.NotFound"):
            eventually(
                aws,
                lambda: aws.clients.ec2.release_address(AllocationId=have.id),
                STILL_HELD,
                limit_s=HELD_LIMIT_S,
                held_by=lambda: self.blockers(aws, have),
            )

    def outputs(self, have: ElasticIpFacts) -> dict[str, str]:
        """The allocation's id and the address, which firewalls of others may want to know."""
        return {"id": have.id, "public_ip": have.public_ip}

    def blockers(self, aws: Aws, have: ElasticIpFacts) -> tuple[str, ...]:
        """The interface it is mapped to."""
        return (f"network interface {have.held_by}",) if have.held_by else ()

    @classmethod
    def rights(cls, place: Place) -> Rights:
        return Rights(
            read=reads("DescribeAddresses"),
            make=made(place, cls),
            delete=ours(place, ("elastic-ip",), "ec2:ReleaseAddress"),
            list_owned=reads("DescribeAddresses"),
            tag=tagged_anew(place, cls),
            check=reads("DescribeAddresses"),
        )
