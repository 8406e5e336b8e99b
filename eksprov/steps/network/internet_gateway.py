"""The internet gateway: made and attached to the VPC, one step.

A VPC takes one internet gateway at most. It leaves after everything with a public address has left: detaching while a
NAT gateway's elastic IP is mapped hangs for minutes (https://github.com/go-to-k/cdkd/issues/817), hence elastic IPs
and NAT gateways need this step.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from eksprov.aws.faults import tolerating
from eksprov.aws.rights import Place, Rights
from eksprov.aws.session import Aws
from eksprov.aws.waiting import HELD_LIMIT_S, NOT_SEEN_YET, SEEN_LIMIT_S, STILL_HELD, eventually
from eksprov.core.billing import UNBILLED, Billing
from eksprov.core.step import Outputs, Owner, Timing, Traits
from eksprov.steps.network.ec2 import Filters, Item, Tagged, interfaces, named, sent_once, where
from eksprov.steps.network.rights import made, ours, reads, tagged_anew

GONE = "InvalidInternetGatewayID.NotFound"


@dataclass(frozen=True)
class InternetGatewayFacts:
    """The VPC it is attached to; empty when to none."""

    vpc_id: str
    id: str = field(default="", compare=False)
    owner: Owner | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class InternetGateway(Tagged[InternetGatewayFacts]):
    """Own the gateway and its attachment; `vpc` is the step whose VPC it serves."""

    kind: ClassVar[str] = "internet-gateway"
    billing: ClassVar[Billing | None] = UNBILLED
    ec2_type: ClassVar[str] = "internet-gateway"
    ec2_create: ClassVar[str] = "CreateInternetGateway"
    id_key: ClassVar[str] = "InternetGatewayId"
    # Not recognised: the call has neither name nor token.
    traits: ClassVar[Traits] = replace(Tagged.traits, holding=True, recognised=False, network=True)
    timing: ClassVar[Timing] = Timing(create_s=1.5, delete_s=1.5)
    vpc: str = ""

    def desired(self, outputs: Outputs) -> InternetGatewayFacts:
        return InternetGatewayFacts(outputs.get(self.vpc, "id"))

    def describe(self, want: InternetGatewayFacts) -> str:
        """What is created, for the plan."""
        return f"attached to {self.vpc}"

    @classmethod
    def load(cls, aws: Aws, filters: Filters) -> list[Item]:
        pages = aws.clients.ec2.get_paginator("describe_internet_gateways").paginate(Filters=filters)
        return [dict(gateway) for page in pages for gateway in page["InternetGateways"]]

    def read(self, aws: Aws, item: Item, owner: Owner | None) -> InternetGatewayFacts:
        """An attachment that is being made or undone counts as none; reading again settles it."""
        states = {a["VpcId"]: a["State"] for a in item.get("Attachments", [])}
        attached = [vpc for vpc, state in states.items() if state in ("available", "attached")]
        return InternetGatewayFacts(attached[0] if attached else "", item["InternetGatewayId"], owner)

    def create(self, aws: Aws, want: InternetGatewayFacts, token: str) -> dict[str, str]:
        """Make it, then attach it."""
        specification = self.tag_specification(aws, "internet-gateway")
        answer = sent_once(aws, lambda: aws.once.ec2.create_internet_gateway(TagSpecifications=specification))
        gateway = answer["InternetGateway"]["InternetGatewayId"]
        self._attach(aws, gateway, want.vpc_id)
        return {"id": gateway}

    def update(
        self,
        aws: Aws,
        want: InternetGatewayFacts,
        have: InternetGatewayFacts,
        fields: tuple[str, ...],
    ) -> None:
        """The attachment is all there is to change."""
        self._detach(aws, have)
        self._attach(aws, have.id, want.vpc_id)

    def delete(self, aws: Aws, have: InternetGatewayFacts) -> None:
        with tolerating(GONE):
            self._detach(aws, have)
            aws.clients.ec2.delete_internet_gateway(InternetGatewayId=have.id)

    def outputs(self, have: InternetGatewayFacts) -> dict[str, str]:
        return {"id": have.id}

    def blockers(self, aws: Aws, have: InternetGatewayFacts) -> tuple[str, ...]:
        """Interfaces with a public address in the VPC."""
        if not have.vpc_id:
            return ()
        return tuple(named(i) for i in interfaces(aws, where("vpc-id", have.vpc_id)) if i.get("Association"))

    def _attach(self, aws: Aws, gateway: str, vpc_id: str) -> None:
        """An attachment that exists already is settled by the proof, which reads where it points to."""
        with tolerating("Resource.AlreadyAssociated"):
            eventually(
                aws,
                lambda: aws.clients.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc_id),
                NOT_SEEN_YET,
                limit_s=SEEN_LIMIT_S,
            )

    def _detach(self, aws: Aws, have: InternetGatewayFacts) -> None:
        if not have.vpc_id:
            return
        with tolerating("Gateway.NotAttached"):
            eventually(
                aws,
                lambda: aws.clients.ec2.detach_internet_gateway(InternetGatewayId=have.id, VpcId=have.vpc_id),
                STILL_HELD,
                limit_s=HELD_LIMIT_S,
                held_by=lambda: self.blockers(aws, have),
            )

    @classmethod
    def rights(cls, place: Place) -> Rights:
        both = ("internet-gateway", "vpc")
        attach = ours(place, both, "ec2:AttachInternetGateway")
        return Rights(
            read=reads("DescribeInternetGateways"),
            make=(*made(place, cls), *attach),
            change=(*attach, *ours(place, both, "ec2:DetachInternetGateway")),
            delete=(
                *ours(place, both, "ec2:DetachInternetGateway"),
                *ours(place, ("internet-gateway",), "ec2:DeleteInternetGateway"),
            ),
            list_owned=reads("DescribeInternetGateways"),
            tag=tagged_anew(place, cls),
        )
