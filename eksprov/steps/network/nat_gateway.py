"""A NAT gateway: the way out for nodes in private subnets.

It takes about 100 s to become available and 55 s to go, and stays listed as deleted for about an hour
(https://github.com/kubernetes-sigs/cluster-api-provider-aws/issues/791), so only living ones count. A failed one says
why, is deleted and made again, and lingers in the same way.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import ClassVar

from eksprov.aws.faults import tolerating
from eksprov.aws.rights import Place, Rights
from eksprov.aws.session import Aws
from eksprov.aws.tags import STACK, STEP, of_stack
from eksprov.aws.waiting import NOT_SEEN_YET, SEEN_LIMIT_S, eventually
from eksprov.core.billing import Billing, each
from eksprov.core.replacement import Order, Replacement
from eksprov.core.step import READY, Outputs, Owner, Phase, PhaseState, Timing, Traits
from eksprov.steps.network.ec2 import Filters, Item, Tagged, by_tag, owner_in
from eksprov.steps.network.rights import made, ours, reads, tagged_anew

LIVING = ("pending", "available", "failed", "deleting")
DEAD = ("deleted", "deleting", "failed")


@dataclass(frozen=True)
class NatGatewayFacts:
    """Where it stands and which address it shows to the internet."""

    subnet_id: str = field(metadata={"replace": True})
    allocation_id: str = field(metadata={"replace": True})
    state: str = field(default="available", compare=False)
    failure: str = field(default="", compare=False)
    id: str = field(default="", compare=False)
    public_ip: str = field(default="", compare=False)
    owner: Owner | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class NatGateway(Tagged[NatGatewayFacts]):
    """Own the gateway; `subnet` and `elastic_ip` are the steps it stands on."""

    kind: ClassVar[str] = "nat-gateway"
    billing: ClassVar[Billing | None] = each("nat-gateway", "NAT gateway")
    ec2_type: ClassVar[str] = "natgateway"
    ec2_create: ClassVar[str] = "CreateNatGateway"
    id_key: ClassVar[str] = "NatGatewayId"
    timing: ClassVar[Timing] = Timing(create_s=98.0, delete_s=55.0, create_limit_s=600.0, delete_limit_s=600.0)
    traits: ClassVar[Traits] = replace(Tagged.traits, recreate_failed=True, limited=True)
    subnet: str = ""
    elastic_ip: str = ""

    @property
    def replacement(self) -> Replacement:
        """A second one cannot stand beside it."""
        return Replacement(Order.DELETE_FIRST, "nodes in private subnets have no way to the internet")

    def desired(self, outputs: Outputs) -> NatGatewayFacts:
        """In the public subnet, with the address."""
        return NatGatewayFacts(outputs.get(self.subnet, "id"), outputs.get(self.elastic_ip, "id"))

    def describe(self, want: NatGatewayFacts) -> str:
        """What is created, for the plan."""
        return f"in {self.subnet}, with the address of {self.elastic_ip}"

    @classmethod
    def load(cls, aws: Aws, filters: Filters) -> list[Item]:
        """Those that are not gone yet."""
        return _in_state(aws, filters, LIVING)

    def read(self, aws: Aws, item: Item, owner: Owner | None) -> NatGatewayFacts:
        """Its first address is its primary one."""
        addresses = sorted(item.get("NatGatewayAddresses", []), key=lambda a: not a.get("IsPrimary", False))
        primary = addresses[0] if addresses else {}
        return NatGatewayFacts(
            subnet_id=item["SubnetId"],
            allocation_id=primary.get("AllocationId", ""),
            state=item["State"],
            failure=": ".join(part for part in (item.get("FailureCode"), item.get("FailureMessage")) if part),
            id=item["NatGatewayId"],
            public_ip=primary.get("PublicIp", ""),
            owner=owner,
        )

    def phase(self, have: NatGatewayFacts) -> Phase:
        match have.state:
            case "pending":
                return Phase(PhaseState.MOVING, "NAT gateway is pending")
            case "deleting":
                return Phase(PhaseState.LEAVING, "NAT gateway is being deleted")
            case "failed":
                return Phase(
                    PhaseState.FAILED, f"NAT gateway {have.id} failed: {have.failure or 'AWS does not say why'}"
                )
            case _:
                return READY

    def create(self, aws: Aws, want: NatGatewayFacts, token: str) -> dict[str, str]:
        """Sent again with the same token, AWS answers with the same gateway: also with one that is dead by now.

        So the token is another one for as long as dead ones of this step are listed.
        """
        token = self._token(aws, token)
        specification = self.tag_specification(aws, "natgateway")
        answer = eventually(
            aws,
            lambda: aws.clients.ec2.create_nat_gateway(
                SubnetId=want.subnet_id,
                AllocationId=want.allocation_id,
                ClientToken=token,
                TagSpecifications=specification,
            ),
            NOT_SEEN_YET,
            limit_s=SEEN_LIMIT_S,
        )
        return {"id": answer["NatGateway"]["NatGatewayId"]}

    def delete(self, aws: Aws, have: NatGatewayFacts) -> None:
        """Its address is free only when it has gone, which is waited for."""
        with tolerating("NatGatewayNotFound", "InvalidNatGatewayID.NotFound"):
            aws.clients.ec2.delete_nat_gateway(NatGatewayId=have.id)

    def outputs(self, have: NatGatewayFacts) -> dict[str, str]:
        """The id, and the address that nodes show to the internet."""
        return {"id": have.id, "public_ip": have.public_ip}

    def _token(self, aws: Aws, token: str) -> str:
        listed = _in_state(aws, [by_tag(STACK, aws.owner.stack), by_tag(STEP, self.name)], DEAD)
        owners = [(item["NatGatewayId"], owner_in(item)) for item in listed]
        ours = aws.owner.stack, aws.region
        dead = sorted(name for name, owner in owners if of_stack(owner, *ours) and owner.step == self.name)
        return hashlib.sha256("|".join((token, *dead)).encode()).hexdigest() if dead else token

    @classmethod
    def rights(cls, place: Place) -> Rights:
        return Rights(
            read=reads("DescribeNatGateways"),
            make=made(place, cls, "elastic-ip", "subnet"),
            delete=ours(place, ("natgateway",), "ec2:DeleteNatGateway"),
            list_owned=reads("DescribeNatGateways"),
            tag=tagged_anew(place, cls),
            check=reads("DescribeNatGateways", "DescribeSubnets"),
        )


def _in_state(aws: Aws, filters: Filters, states: tuple[str, ...]) -> list[Item]:
    wanted = [*filters, {"Name": "state", "Values": list(states)}]
    pages = aws.clients.ec2.get_paginator("describe_nat_gateways").paginate(Filters=wanted)
    found = [dict(gateway) for page in pages for gateway in page["NatGateways"]]
    return [gateway for gateway in found if gateway["State"] in states]
