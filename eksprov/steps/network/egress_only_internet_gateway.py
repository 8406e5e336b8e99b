"""The egress-only internet gateway: the way out for IPv6 from private subnets, through which nobody comes in.

It belongs to its VPC from its create call to its end
(https://docs.aws.amazon.com/vpc/latest/userguide/egress-only-internet-gateway.html). Its quota is that of VPCs
(https://docs.aws.amazon.com/general/latest/gr/vpc-service.html), so nobody has to count it by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from eksprov.aws.faults import tolerating
from eksprov.aws.rights import Place, Rights
from eksprov.aws.session import Aws
from eksprov.aws.waiting import NOT_SEEN_YET, SEEN_LIMIT_S, eventually
from eksprov.core.billing import UNBILLED, Billing
from eksprov.core.replacement import Order, Replacement
from eksprov.core.step import READY, Outputs, Owner, Phase, PhaseState, Timing
from eksprov.steps.network.ec2 import Filters, Item, Tagged
from eksprov.steps.network.rights import made, ours, reads, tagged_anew

GONE = "InvalidGatewayID.NotFound"


@dataclass(frozen=True)
class EgressOnlyInternetGatewayFacts:
    """The VPC that it serves; `state` as EC2 says it."""

    vpc_id: str = field(metadata={"replace": True})
    state: str = field(default="attached", compare=False)
    id: str = field(default="", compare=False)
    owner: Owner | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class EgressOnlyInternetGateway(Tagged[EgressOnlyInternetGatewayFacts]):
    """Own the gateway; `vpc` is the step whose VPC it serves."""

    kind: ClassVar[str] = "egress-only-internet-gateway"
    # https://docs.aws.amazon.com/vpc/latest/userguide/egress-only-internet-gateway.html
    billing: ClassVar[Billing | None] = UNBILLED
    ec2_type: ClassVar[str] = "egress-only-internet-gateway"
    ec2_create: ClassVar[str] = "CreateEgressOnlyInternetGateway"
    id_key: ClassVar[str] = "EgressOnlyInternetGatewayId"
    timing: ClassVar[Timing] = Timing(create_s=1.5, delete_s=1.5)
    vpc: str = ""

    @property
    def replacement(self) -> Replacement:
        """A second one cannot stand beside it."""
        return Replacement(Order.DELETE_FIRST, "nodes have no way out over IPv6")

    def desired(self, outputs: Outputs) -> EgressOnlyInternetGatewayFacts:
        return EgressOnlyInternetGatewayFacts(outputs.get(self.vpc, "id"))

    def describe(self, want: EgressOnlyInternetGatewayFacts) -> str:
        """What is created, for the plan."""
        return f"IPv6 outbound only, attached to {self.vpc}"

    @classmethod
    def load(cls, aws: Aws, filters: Filters) -> list[Item]:
        pages = aws.clients.ec2.get_paginator("describe_egress_only_internet_gateways").paginate(Filters=filters)
        return [dict(gateway) for page in pages for gateway in page["EgressOnlyInternetGateways"]]

    def read(self, aws: Aws, item: Item, owner: Owner | None) -> EgressOnlyInternetGatewayFacts:
        """It has one attachment, for life."""
        attached: Item = next(iter(item.get("Attachments", [])), {})
        vpc_id, state = attached.get("VpcId", ""), attached.get("State", "attached")
        return EgressOnlyInternetGatewayFacts(vpc_id, state, item[self.id_key], owner)

    def phase(self, have: EgressOnlyInternetGatewayFacts) -> Phase:
        """Moving while EC2 attaches it."""
        if have.state in ("detaching", "detached"):
            return Phase(PhaseState.LEAVING, f"gateway is {have.state}")
        return Phase(PhaseState.MOVING, "gateway is attaching") if have.state == "attaching" else READY

    def create(self, aws: Aws, want: EgressOnlyInternetGatewayFacts, token: str) -> dict[str, str]:
        """The token is always passed: the SDK fills it in for other calls, but not for this one."""
        answer = eventually(
            aws,
            lambda: aws.clients.ec2.create_egress_only_internet_gateway(
                VpcId=want.vpc_id,
                ClientToken=token,
                TagSpecifications=self.tag_specification(aws, self.kind),
            ),
            NOT_SEEN_YET,
            limit_s=SEEN_LIMIT_S,
        )
        return {"id": answer["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"]}

    def delete(self, aws: Aws, have: EgressOnlyInternetGatewayFacts) -> None:
        """One call; the routes through it have gone before."""
        with tolerating(GONE):
            aws.clients.ec2.delete_egress_only_internet_gateway(EgressOnlyInternetGatewayId=have.id)

    def outputs(self, have: EgressOnlyInternetGatewayFacts) -> dict[str, str]:
        return {"id": have.id}

    @classmethod
    def rights(cls, place: Place) -> Rights:
        kind = "egress-only-internet-gateway"
        return Rights(
            read=reads("DescribeEgressOnlyInternetGateways"),
            make=made(place, cls, "vpc"),
            delete=ours(place, (kind,), "ec2:DeleteEgressOnlyInternetGateway"),
            list_owned=reads("DescribeEgressOnlyInternetGateways"),
            tag=tagged_anew(place, cls),
        )
