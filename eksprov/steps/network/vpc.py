"""The stack's VPC.

EKS wants DNS support and DNS hostnames on, or nodes do not register
(https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html). No security group rules are made: EKS gives every
cluster a security group that control plane and managed nodes share, whose members may all reach one another, and
deletes it with the cluster (https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html), or leaves it to the
leftovers step of a teardown.

For an IPv6 cluster the VPC has a range of IPv6 besides, a /56 that AWS chooses
(https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html); it is known once AWS has associated it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from eksprov.aws.faults import is_missing, tolerating
from eksprov.aws.rights import Place, Rights
from eksprov.aws.session import Aws
from eksprov.aws.waiting import HELD_LIMIT_S, NOT_SEEN_YET, SEEN_LIMIT_S, STILL_HELD, eventually
from eksprov.core.billing import UNBILLED, Billing
from eksprov.core.change import left_to_others
from eksprov.core.convergence.converge import is_ours
from eksprov.core.describing import known
from eksprov.core.replacement import Order, Replacement
from eksprov.core.step import READY, Outputs, Owner, Phase, PhaseState, Timing, Traits
from eksprov.steps.cluster.network import is_clusters_group
from eksprov.steps.network.ec2 import Filters, Item, Tagged, interfaces, named, owner_in, sent_once, where
from eksprov.steps.network.rights import made, ours, reads, tagged_anew
from eksprov.steps.network.strangers import foreign_endpoints, refusing


@dataclass(frozen=True)
class VpcFacts:
    """The primary IPv4 range, the two DNS attributes that EKS needs, and whether there is an IPv6 range.

    `ipv6_state` is that of the IPv6 range as EC2 says it; empty where there is none, or none of interest.
    """

    cidr: str = field(metadata={"replace": True})
    dns_support: bool = True
    dns_hostnames: bool = True
    ipv6: bool = False
    ipv6_cidr: str = field(default="", compare=False)
    ipv6_state: str = field(default="", compare=False)
    id: str = field(default="", compare=False)
    owner: Owner | None = field(default=None, compare=False)
    unmanaged: frozenset[str] = field(default=frozenset(), compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class Vpc(Tagged[VpcFacts]):
    """Own the range and the DNS attributes; leave DHCP options and further ranges alone, and IPv6 unless asked."""

    kind: ClassVar[str] = "vpc"
    billing: ClassVar[Billing | None] = UNBILLED
    ec2_type: ClassVar[str] = "vpc"
    ec2_create: ClassVar[str] = "CreateVpc"
    id_key: ClassVar[str] = "VpcId"
    timing: ClassVar[Timing] = Timing(create_s=1.5, delete_s=1.5)
    traits: ClassVar[Traits] = replace(
        Tagged.traits, recognised=False, limited=True, network=True
    )  # the call has neither name nor token
    cidr: str = ""
    ipv6: bool = False

    @property
    def replacement(self) -> Replacement:
        """A second one cannot stand beside it."""
        return Replacement(Order.DELETE_FIRST, "there is no network; refused once a cluster stands in it")

    def desired(self, outputs: Outputs) -> VpcFacts:
        return VpcFacts(self.cidr, ipv6=self.ipv6, unmanaged=left_to_others(ipv6=not self.ipv6))

    def describe(self, want: VpcFacts) -> str:
        """What is created, for the plan."""
        return known(want.cidr, "with an IPv6 range of Amazon's" if want.ipv6 else "")

    @classmethod
    def load(cls, aws: Aws, filters: Filters) -> list[Item]:
        pages = aws.clients.ec2.get_paginator("describe_vpcs").paginate(Filters=filters)
        return [dict(vpc) for page in pages for vpc in page["Vpcs"]]

    def read(self, aws: Aws, item: Item, owner: Owner | None) -> VpcFacts | None:
        """The DNS attributes take a call each."""
        from botocore.exceptions import ClientError

        ec2, vpc_id = aws.clients.ec2, item["VpcId"]
        try:
            support = ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute="enableDnsSupport")
            hostnames = ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute="enableDnsHostnames")
        except ClientError as error:
            if is_missing(error, "InvalidVpcID.NotFound"):
                return None
            raise
        ipv6_cidr, ipv6_state = ipv6_range_of(item)
        return VpcFacts(
            cidr=item["CidrBlock"],
            dns_support=support["EnableDnsSupport"]["Value"],
            dns_hostnames=hostnames["EnableDnsHostnames"]["Value"],
            ipv6=bool(ipv6_state),
            ipv6_cidr=ipv6_cidr,
            ipv6_state=ipv6_state,
            id=vpc_id,
            owner=owner,
        )

    def create(self, aws: Aws, want: VpcFacts, token: str) -> dict[str, str]:
        """DNS support is on in every new VPC; hostnames are not."""
        specification, ipv6 = self.tag_specification(aws, "vpc"), {"AmazonProvidedIpv6CidrBlock": True}
        request: Any = {"CidrBlock": want.cidr, "TagSpecifications": specification, **(ipv6 if want.ipv6 else {})}
        answer = sent_once(aws, lambda: aws.once.ec2.create_vpc(**request))
        vpc_id = answer["Vpc"]["VpcId"]
        eventually(
            aws,
            lambda: aws.clients.ec2.modify_vpc_attribute(
                VpcId=vpc_id, EnableDnsHostnames={"Value": want.dns_hostnames}
            ),
            NOT_SEEN_YET,
            limit_s=SEEN_LIMIT_S,
        )
        return {"id": vpc_id}

    def update(self, aws: Aws, want: VpcFacts, have: VpcFacts, fields: tuple[str, ...]) -> None:
        """One attribute a call; hostnames cannot be switched on before support is."""
        ec2 = aws.clients.ec2
        if "dns_support" in fields:
            ec2.modify_vpc_attribute(VpcId=have.id, EnableDnsSupport={"Value": want.dns_support})
        if "dns_hostnames" in fields:
            ec2.modify_vpc_attribute(VpcId=have.id, EnableDnsHostnames={"Value": want.dns_hostnames})
        if "ipv6" in fields:
            ec2.associate_vpc_cidr_block(VpcId=have.id, AmazonProvidedIpv6CidrBlock=True)

    def phase(self, have: VpcFacts) -> Phase:
        """Ready once the IPv6 range is there to cut subnets from."""
        if not self.ipv6 or have.ipv6_state in ("", "associated"):
            return READY
        state = PhaseState.MOVING if have.ipv6_state == "associating" else PhaseState.FAILED
        return Phase(state, f"the IPv6 range of {have.id} is {have.ipv6_state}")

    def delete(self, aws: Aws, have: VpcFacts) -> None:
        """Waits while something still stands in the VPC; not for what will not go by itself: a stranger's.

        Raises: ProvisioningError naming it.
        """
        with tolerating("InvalidVpcID.NotFound"):
            eventually(
                aws,
                lambda: aws.clients.ec2.delete_vpc(VpcId=have.id),
                STILL_HELD,
                limit_s=HELD_LIMIT_S,
                between=refusing(aws, self.name, have.id, lambda: self._strangers(aws, have)),
                held_by=lambda: self.blockers(aws, have),
            )

    def outputs(self, have: VpcFacts) -> dict[str, str]:
        """The id and the ranges."""
        ipv6 = {"ipv6_cidr": have.ipv6_cidr} if self.ipv6 and have.ipv6_cidr else {}
        return {"id": have.id, "cidr": have.cidr, **ipv6}

    def blockers(self, aws: Aws, have: VpcFacts) -> tuple[str, ...]:
        """Network interfaces, subnets and security groups of others; AWS does not say which one it is."""
        ec2, here = aws.clients.ec2, where("vpc-id", have.id)
        groups = ec2.describe_security_groups(Filters=[here])["SecurityGroups"]
        subnets = ec2.describe_subnets(Filters=[here])["Subnets"]
        return (
            *map(named, interfaces(aws, here)),
            *(f"subnet {subnet['SubnetId']} ({subnet['CidrBlock']})" for subnet in subnets),
            *(f"security group {g['GroupId']} ({g['GroupName']})" for g in groups if g["GroupName"] != "default"),
        )

    def _strangers(self, aws: Aws, have: VpcFacts) -> list[str]:
        """Endpoints, subnets and security groups in it that others made; this cluster's own group has been swept."""
        ec2, here = aws.clients.ec2, where("vpc-id", have.id)
        pages = ec2.get_paginator("describe_security_groups").paginate(Filters=[here])
        groups = [
            (f"security group {group['GroupId']} ({group['GroupName']})", dict(group))
            for group in [group for page in pages for group in page["SecurityGroups"]]
            if group["GroupName"] != "default" and not is_clusters_group(dict(group), aws.owner.stack)
        ]
        subnets = [
            (f"subnet {subnet['SubnetId']} ({subnet['CidrBlock']})", dict(subnet))
            for page in ec2.get_paginator("describe_subnets").paginate(Filters=[here])
            for subnet in page["Subnets"]
        ]
        others = [text for text, item in (*subnets, *groups) if not is_ours(owner_in(item), aws.owner)]
        return [*foreign_endpoints(aws, have.id), *others]

    @classmethod
    def rights(cls, place: Place) -> Rights:
        ipv6 = any(step.ipv6 for step in place.of(cls))
        associate = ("ec2:AssociateVpcCidrBlock",) if ipv6 else ()
        change = ours(place, ("vpc",), "ec2:ModifyVpcAttribute", *associate)
        return Rights(
            read=(*reads("DescribeVpcs"), *ours(place, ("vpc",), "ec2:DescribeVpcAttribute")),
            make=(*made(place, cls), *change),
            change=change,
            delete=(
                *ours(place, ("vpc",), "ec2:DeleteVpc"),
                *reads(
                    "DescribeNetworkInterfaces", "DescribeSecurityGroups", "DescribeSubnets"
                ),  # to name what holds it
            ),
            list_owned=reads("DescribeVpcs"),
            tag=tagged_anew(place, cls),
            check=reads("DescribeVpcs"),
        )


def ipv6_range_of(item: Item) -> tuple[str, str]:
    """The IPv6 range of a described VPC or subnet and its state; both are empty where there is none."""
    for block in item.get("Ipv6CidrBlockAssociationSet") or ():
        state = block.get("Ipv6CidrBlockState", {}).get("State", "associated")
        if state not in ("disassociating", "disassociated"):
            return block["Ipv6CidrBlock"], state
    return "", ""
