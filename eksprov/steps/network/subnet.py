"""A subnet: a range of the VPC in one zone, public or private; of its IPv6 range too, where pods have such addresses.

Public and private differ by the route table associated with them and by the tag that tells AWS's load balancer
controller what to place here (https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html).

With IPv6, nodes can only be in subnets that give an address of their range to every new interface
(https://docs.aws.amazon.com/eks/latest/userguide/cni-ipv6.html). The create call takes the range, but not this.

A subnet is often the last thing that cannot be deleted: the VPC CNI leaves network interfaces behind when a node goes
faster than it can tidy up (https://github.com/aws/amazon-vpc-cni-k8s/pull/624). Those that are attached to nothing and
are this cluster's (`cluster_network`) are deleted here; all others are waited for, and named.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import IPv6Network
from typing import TYPE_CHECKING, Any, ClassVar

from eksprov import errors
from eksprov.aws.faults import code, tolerating
from eksprov.aws.rights import Place, Rights, on
from eksprov.aws.session import Aws
from eksprov.aws.tags import as_dict
from eksprov.aws.waiting import HELD_LIMIT_S, NOT_SEEN_YET, SEEN_LIMIT_S, STILL_HELD, eventually
from eksprov.config.ranges import ipv6_range
from eksprov.core.billing import UNBILLED, Billing
from eksprov.core.change import UNKNOWN, left_to_others
from eksprov.core.convergence.converge import is_ours
from eksprov.core.describing import known
from eksprov.core.replacement import Order, Replacement
from eksprov.core.step import Outputs, Owner, Timing, Traits
from eksprov.steps.cluster.network import FREE, cni_interfaces, of_cni
from eksprov.steps.network.ec2 import Filters, Item, Tagged, interfaces, named, owner_in, where
from eksprov.steps.network.rights import made, ours, reads, tagged_anew
from eksprov.steps.network.strangers import foreign_endpoints, refusing
from eksprov.steps.network.vpc import ipv6_range_of

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

ROLE_TAG = "kubernetes.io/role/"
ROLES = ("elb", "internal-elb")


@dataclass(frozen=True)
class SubnetFacts:
    """Where it is, and which load balancers the controller may place in it ("elb" or "internal-elb").

    `ipv6_cidr` is empty and `ipv6_assigned` false where the stack has nothing to do with IPv6.
    """

    vpc_id: str = field(metadata={"replace": True})
    cidr: str = field(metadata={"replace": True})
    zone_id: str = field(metadata={"replace": True})
    role: str
    ipv6_cidr: str = ""
    ipv6_assigned: bool = False
    zone: str = field(default="", compare=False)
    id: str = field(default="", compare=False)
    arn: str = field(default="", compare=False)
    owner: Owner | None = field(default=None, compare=False)
    unmanaged: frozenset[str] = field(default=frozenset(), compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class Subnet(Tagged[SubnetFacts]):
    """Own the subnet and its load-balancer tag; `vpc` is the step whose VPC it is in, `zone_id` like "usw2-az1".

    `ipv6_zone` is the zone's number, by which the IPv6 range is chosen; None leaves IPv6 alone.
    """

    kind: ClassVar[str] = "subnet"
    billing: ClassVar[Billing | None] = UNBILLED
    traits: ClassVar[Traits] = replace(Tagged.traits, limited=True, network=True)
    ec2_type: ClassVar[str] = "subnet"
    ec2_create: ClassVar[str] = "CreateSubnet"
    id_key: ClassVar[str] = "SubnetId"
    timing: ClassVar[Timing] = Timing(create_s=2.0, delete_s=2.0)
    vpc: str = ""
    cidr: str = ""
    zone_id: str = ""
    public: bool = False
    ipv6_zone: int | None = None

    @property
    def replacement(self) -> Replacement:
        """A second one cannot stand beside it."""
        return Replacement(Order.DELETE_FIRST, "what stood in it is away; refused once a cluster knows it")

    def desired(self, outputs: Outputs) -> SubnetFacts:
        """In the VPC, tagged for its load balancers."""
        role = "elb" if self.public else "internal-elb"
        ipv6 = self._ipv6_cidr(outputs.get(self.vpc, "ipv6_cidr"))
        none = self.ipv6_zone is None
        theirs = left_to_others(ipv6_cidr=none, ipv6_assigned=none)
        vpc_id = outputs.get(self.vpc, "id")
        return SubnetFacts(vpc_id, self.cidr, self.zone_id, role, ipv6, bool(ipv6), unmanaged=theirs)

    def describe(self, want: SubnetFacts) -> str:
        """What is created, for the plan."""
        side = "public" if self.public else "private"
        return known(known(want.cidr, f"in {want.zone_id}", joint=" "), side)

    def _ipv6_cidr(self, of_vpc: str) -> str:
        """The subnet's part of the VPC's IPv6 range, which is known when the VPC is."""
        if self.ipv6_zone is None:
            return ""
        if of_vpc is UNKNOWN:
            return UNKNOWN
        return str(ipv6_range(IPv6Network(of_vpc), self.ipv6_zone, public=self.public))

    @classmethod
    def load(cls, aws: Aws, filters: Filters) -> list[Item]:
        pages = aws.clients.ec2.get_paginator("describe_subnets").paginate(Filters=filters)
        return [dict(subnet) for page in pages for subnet in page["Subnets"]]

    def read(self, aws: Aws, item: Item, owner: Owner | None) -> SubnetFacts:
        """Both role tags at once read as neither."""
        tags = as_dict(item.get("Tags"))
        return SubnetFacts(
            vpc_id=item["VpcId"],
            cidr=item["CidrBlock"],
            zone_id=item["AvailabilityZoneId"],
            role=" and ".join(role for role in ROLES if tags.get(ROLE_TAG + role) == "1"),
            ipv6_cidr=ipv6_range_of(item)[0],
            ipv6_assigned=bool(item.get("AssignIpv6AddressOnCreation")),
            zone=item["AvailabilityZone"],
            id=item["SubnetId"],
            arn=item.get("SubnetArn", ""),
            owner=owner,
        )

    def create(self, aws: Aws, want: SubnetFacts, token: str) -> dict[str, str]:
        """CreateSubnet takes no token, but AWS refuses the same range twice; a re-sent call finds its own work."""
        from botocore.exceptions import ClientError

        request: Any = {
            "VpcId": want.vpc_id,
            "CidrBlock": want.cidr,
            "AvailabilityZoneId": want.zone_id,
            "TagSpecifications": self.tag_specification(aws, "subnet", {ROLE_TAG + want.role: "1"}),
            **({"Ipv6CidrBlock": want.ipv6_cidr} if want.ipv6_cidr else {}),
        }
        ec2 = aws.clients.ec2
        try:
            answer = eventually(aws, lambda: ec2.create_subnet(**request), NOT_SEEN_YET, limit_s=SEEN_LIMIT_S)
        except ClientError as error:
            return {"id": self._in_the_way(aws, want, error)["SubnetId"]}
        made = answer["Subnet"]["SubnetId"]
        if want.ipv6_assigned:
            self._assign_ipv6(aws, made)
        return {"id": made}

    def update(self, aws: Aws, want: SubnetFacts, have: SubnetFacts, fields: tuple[str, ...]) -> None:
        """A missing IPv6 range first, then that it is used; the role tag."""
        if "ipv6_cidr" in fields:
            aws.clients.ec2.associate_subnet_cidr_block(SubnetId=have.id, Ipv6CidrBlock=want.ipv6_cidr)
        if "ipv6_assigned" in fields:
            self._assign_ipv6(aws, have.id)
        if "role" in fields:
            self._tag_role(aws, want, have)

    def refusal(self, want: SubnetFacts, have: SubnetFacts) -> str:
        """A subnet has one IPv6 range, which nodes use (the VPC's quota of IPv6 ranges of a subnet is 1)."""
        if (
            self.ipv6_zone is None
            or not have.ipv6_cidr
            or UNKNOWN in (want.ipv6_cidr, have.ipv6_cidr)
            or want.ipv6_cidr == have.ipv6_cidr
        ):
            return ""
        return f"{have.id} has the IPv6 range {have.ipv6_cidr} instead of {want.ipv6_cidr}, which others gave it"

    def _assign_ipv6(self, aws: Aws, subnet_id: str) -> None:
        request: Any = {"SubnetId": subnet_id, "AssignIpv6AddressOnCreation": {"Value": True}}
        ec2 = aws.clients.ec2
        eventually(aws, lambda: ec2.modify_subnet_attribute(**request), NOT_SEEN_YET, limit_s=SEEN_LIMIT_S)

    def _tag_role(self, aws: Aws, want: SubnetFacts, have: SubnetFacts) -> None:
        stale = [role for role in ROLES if role != want.role]
        aws.clients.ec2.create_tags(Resources=[have.id], Tags=[{"Key": ROLE_TAG + want.role, "Value": "1"}])
        if any(role in have.role.split(" and ") for role in stale):
            aws.clients.ec2.delete_tags(Resources=[have.id], Tags=[{"Key": ROLE_TAG + role} for role in stale])

    def delete(self, aws: Aws, have: SubnetFacts) -> None:
        """Waits while interfaces leave, and clears away what the CNI left behind; an endpoint of others does not leave.

        Raises: ProvisioningError naming it.
        """
        refuse = refusing(aws, self.name, have.id, lambda: foreign_endpoints(aws, have.vpc_id, have.id))

        def clear() -> None:
            delete_leaked_interfaces(aws, have.id)
            refuse()

        with tolerating("InvalidSubnetID.NotFound"):
            eventually(
                aws,
                lambda: aws.clients.ec2.delete_subnet(SubnetId=have.id),
                STILL_HELD,
                limit_s=HELD_LIMIT_S,
                between=clear,
                held_by=lambda: self.blockers(aws, have),
            )

    def outputs(self, have: SubnetFacts) -> dict[str, str]:
        """The id, where it is and its ranges."""
        ipv6 = {"ipv6_cidr": have.ipv6_cidr} if self.ipv6_zone is not None and have.ipv6_cidr else {}
        return {"id": have.id, "arn": have.arn, "zone": have.zone, "zone_id": have.zone_id, "cidr": have.cidr, **ipv6}

    def blockers(self, aws: Aws, have: SubnetFacts) -> tuple[str, ...]:
        """The network interfaces in it."""
        return tuple(map(named, interfaces(aws, where("subnet-id", have.id))))

    def _in_the_way(self, aws: Aws, want: SubnetFacts, error: ClientError) -> Item:
        """The subnet that has the range already, if it is this step's own. Raises: ProvisioningError, or `error`."""
        if code(error) != "InvalidSubnet.Conflict":
            raise error
        for item in self.load(aws, [where("vpc-id", want.vpc_id), where("cidr-block", want.cidr)]):
            owner = owner_in(item)
            if owner is not None and is_ours(owner, aws.owner) and owner.step == self.name:
                return item
        raise errors.ProvisioningError(
            f"{self.name}: the range {want.cidr} overlaps a subnet of {want.vpc_id} that is not this step's",
            "choose another network.vpc_cidr, or remove that subnet",
        ) from error

    @classmethod
    def rights(cls, place: Place) -> Rights:
        tags = on(place.arn("ec2", "subnet/*"), "ec2:CreateTags", "ec2:DeleteTags", condition=place.owned)
        ipv6 = any(step.ipv6_zone is not None for step in place.of(cls))
        assign = ours(place, ("subnet",), "ec2:ModifySubnetAttribute") if ipv6 else ()
        associate = ours(place, ("subnet",), "ec2:AssociateSubnetCidrBlock") if ipv6 else ()
        interfaces = on(place.arn("ec2", "network-interface/*"), "ec2:DeleteNetworkInterface", condition=of_cni(place))
        return Rights(
            read=reads("DescribeSubnets"),
            make=(*made(place, cls, "vpc"), *assign),
            change=(*tags, *assign, *associate),
            delete=(
                *ours(place, ("subnet",), "ec2:DeleteSubnet"),
                *reads("DescribeNetworkInterfaces"),
                *interfaces,
            ),
            list_owned=reads("DescribeSubnets"),
            tag=tagged_anew(place, cls),
        )


def delete_leaked_interfaces(aws: Aws, subnet_id: str) -> None:
    """Delete what the CNI of this stack's cluster left behind in the subnet, attached to nothing.

    The cluster bears the stack's name. Interfaces of anyone else are never deleted.
    """
    here = where("subnet-id", subnet_id), where("status", FREE)
    for interface in cni_interfaces(aws, aws.owner.stack, *here):
        if interface["Status"] == FREE:
            with tolerating("InvalidNetworkInterfaceID.NotFound"):
                aws.clients.ec2.delete_network_interface(NetworkInterfaceId=interface["NetworkInterfaceId"])
