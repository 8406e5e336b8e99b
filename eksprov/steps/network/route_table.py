"""A route table: where the traffic of its subnets goes when it leaves the VPC.

One step owns the table, its default routes (of IPv4, and of IPv6) and the associations of its subnets. The subnets
are ours, so an association that someone moved to another table is taken back.

Pods with IPv6 addresses reach IPv4 ones through their node, so no NAT64 is needed
(https://docs.aws.amazon.com/eks/latest/userguide/cni-ipv6.html).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from eksprov.aws.faults import is_missing, tolerating
from eksprov.aws.rights import Place, Rights
from eksprov.aws.session import Aws
from eksprov.aws.waiting import HELD_LIMIT_S, NOT_SEEN_YET, SEEN_LIMIT_S, STILL_HELD, eventually
from eksprov.core.billing import UNBILLED, Billing
from eksprov.core.change import diff, left_to_others
from eksprov.core.describing import known
from eksprov.core.replacement import Order, Replacement
from eksprov.core.step import Outputs, Owner, Timing
from eksprov.core.words import plural
from eksprov.steps.network.ec2 import Filters, Item, Tagged, where
from eksprov.steps.network.rights import made, ours, reads, tagged_anew

EVERYWHERE, EVERYWHERE_IPV6 = "0.0.0.0/0", "::/0"
TARGETS = (
    "GatewayId",
    "EgressOnlyInternetGatewayId",
    "NatGatewayId",
    "TransitGatewayId",
    "NetworkInterfaceId",
    "VpcPeeringConnectionId",
    "LocalGatewayId",
    "CarrierGatewayId",
)
IPV4, IPV6 = ("DestinationCidrBlock", EVERYWHERE), ("DestinationIpv6CidrBlock", EVERYWHERE_IPV6)
KEYS = {"nat": "NatGatewayId", "eigw": "EgressOnlyInternetGatewayId"}  # by how a target's id begins


@dataclass(frozen=True)
class RouteTableFacts:
    """The gateways of the default routes (empty: none) and the subnets that use the table."""

    vpc_id: str = field(metadata={"replace": True})
    default_route: str
    subnet_ids: frozenset[str]
    default_route_ipv6: str = ""
    associations: tuple[tuple[str, str], ...] = field(default=(), compare=False)  # (subnet id, association id)
    id: str = field(default="", compare=False)
    owner: Owner | None = field(default=None, compare=False)
    unmanaged: frozenset[str] = field(default=frozenset(), compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class RouteTable(Tagged[RouteTableFacts]):
    """Own table, default routes and associations; leave routes to other ranges (peerings, endpoints) alone.

    `vpc`, `gateway` (an internet or a NAT gateway; empty: no way out), `gateway_ipv6` (an internet or an egress-only
    one; empty: IPv6 is left alone) and `subnets` are step names.
    """

    kind: ClassVar[str] = "route-table"
    billing: ClassVar[Billing | None] = UNBILLED
    ec2_type: ClassVar[str] = "route-table"
    ec2_create: ClassVar[str] = "CreateRouteTable"
    id_key: ClassVar[str] = "RouteTableId"
    timing: ClassVar[Timing] = Timing(create_s=1.5, delete_s=1.5)
    vpc: str = ""
    gateway: str = ""
    gateway_ipv6: str = ""
    subnets: tuple[str, ...] = ()

    @property
    def replacement(self) -> Replacement:
        """A second one cannot stand beside it."""
        return Replacement(Order.DELETE_FIRST, "its subnets have no way out")

    def desired(self, outputs: Outputs) -> RouteTableFacts:
        """Everything that is not the VPC's goes through the gateway, or nowhere."""
        subnet_ids = frozenset(outputs.get(subnet, "id") for subnet in self.subnets)
        way_out = outputs.get(self.gateway, "id") if self.gateway else ""
        way_out_ipv6 = outputs.get(self.gateway_ipv6, "id") if self.gateway_ipv6 else ""
        theirs = left_to_others(default_route_ipv6=not self.gateway_ipv6)
        return RouteTableFacts(outputs.get(self.vpc, "id"), way_out, subnet_ids, way_out_ipv6, unmanaged=theirs)

    def describe(self, want: RouteTableFacts) -> str:
        """What is created, for the plan."""
        ipv4 = f"0.0.0.0/0 to {self.gateway}" if want.default_route else "no way out"
        ipv6 = f"::/0 to {self.gateway_ipv6}" if want.default_route_ipv6 else ""
        return known(ipv4, ipv6, f"for {plural(len(self.subnets), 'subnet')}")

    @classmethod
    def load(cls, aws: Aws, filters: Filters) -> list[Item]:
        pages = aws.clients.ec2.get_paginator("describe_route_tables").paginate(Filters=filters)
        return [dict(table) for page in pages for table in page["RouteTables"]]

    def read(self, aws: Aws, item: Item, owner: Owner | None) -> RouteTableFacts:
        """Associations with gateways, and that of the VPC's main table, are not ours to compare."""
        routes = item.get("Routes", [])
        associations = tuple(
            (association["SubnetId"], association["RouteTableAssociationId"])
            for association in item.get("Associations", [])
            if "SubnetId" in association
            and association.get("AssociationState", {}).get("State", "associated") in ("associated", "associating")
        )
        return RouteTableFacts(
            vpc_id=item["VpcId"],
            default_route=_target(routes, "DestinationCidrBlock", EVERYWHERE),
            subnet_ids=frozenset(subnet for subnet, _ in associations),
            default_route_ipv6=_target(routes, *IPV6),
            associations=associations,
            id=item["RouteTableId"],
            owner=owner,
        )

    def create(self, aws: Aws, want: RouteTableFacts, token: str) -> dict[str, str]:
        """The table, its routes, its associations."""
        answer = eventually(
            aws,
            lambda: aws.clients.ec2.create_route_table(
                VpcId=want.vpc_id, ClientToken=token, TagSpecifications=self.tag_specification(aws, "route-table")
            ),
            NOT_SEEN_YET,
            limit_s=SEEN_LIMIT_S,
        )
        table = answer["RouteTable"]["RouteTableId"]
        have = RouteTableFacts(want.vpc_id, "", frozenset(), id=table)
        self.update(aws, want, have, diff(want, have).names)
        return {"id": table}

    def update(self, aws: Aws, want: RouteTableFacts, have: RouteTableFacts, fields: tuple[str, ...]) -> None:
        """Routes first: a subnet that joins finds its way at once."""
        if "default_route" in fields:
            self._route(aws, have.id, IPV4, want.default_route, have.default_route)
        if "default_route_ipv6" in fields:
            self._route(aws, have.id, IPV6, want.default_route_ipv6, have.default_route_ipv6)
        for subnet in sorted(want.subnet_ids - have.subnet_ids):
            self._associate(aws, have.id, subnet)
        for subnet, association in have.associations:
            if subnet not in want.subnet_ids:
                self._disassociate(aws, association)

    def delete(self, aws: Aws, have: RouteTableFacts) -> None:
        """A table with associations is refused, so they go first."""
        for _, association in have.associations:
            self._disassociate(aws, association)
        with tolerating("InvalidRouteTableID.NotFound"):
            eventually(
                aws, lambda: aws.clients.ec2.delete_route_table(RouteTableId=have.id), STILL_HELD, limit_s=HELD_LIMIT_S
            )

    def outputs(self, have: RouteTableFacts) -> dict[str, str]:
        """The id, for gateway endpoints."""
        return {"id": have.id}

    def _route(self, aws: Aws, table: str, family: tuple[str, str], target: str, present: str) -> None:
        """CreateRoute refuses a range that has a route, also our own re-sent one; then the route is replaced."""
        from botocore.exceptions import ClientError

        destination: dict[str, Any] = {"RouteTableId": table, family[0]: family[1]}
        if not target:
            with tolerating("InvalidRoute.NotFound"):
                aws.clients.ec2.delete_route(**destination)
            return
        prefix = target.split("-", 1)[0]
        route = {**destination, KEYS.get(prefix, "GatewayId"): target}

        def send() -> None:
            try:
                aws.clients.ec2.create_route(**route)
            except ClientError as error:
                if not is_missing(error, "RouteAlreadyExists"):
                    raise
                aws.clients.ec2.replace_route(**route)

        if present:
            aws.clients.ec2.replace_route(**route)
        else:
            eventually(aws, send, NOT_SEEN_YET, limit_s=SEEN_LIMIT_S)

    def _associate(self, aws: Aws, table: str, subnet: str) -> None:
        """A subnet that uses another table is moved."""
        from botocore.exceptions import ClientError

        ec2 = aws.clients.ec2

        def send() -> None:
            try:
                ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
            except ClientError as error:
                if not is_missing(error, "Resource.AlreadyAssociated"):
                    raise
                for association in _associations(aws, subnet):
                    ec2.replace_route_table_association(AssociationId=association, RouteTableId=table)

        eventually(aws, send, NOT_SEEN_YET, limit_s=SEEN_LIMIT_S)

    def _disassociate(self, aws: Aws, association: str) -> None:
        with tolerating("InvalidAssociationID.NotFound"):
            aws.clients.ec2.disassociate_route_table(AssociationId=association)

    @classmethod
    def rights(cls, place: Place) -> Rights:
        own, both = ("route-table",), ("route-table", "subnet")
        join = ours(place, both, "ec2:AssociateRouteTable")
        route = ours(place, own, "ec2:CreateRoute")
        return Rights(
            read=reads("DescribeRouteTables"),
            make=(*made(place, cls, "vpc"), *route, *join),
            change=(
                *route,
                *join,
                *ours(place, own, "ec2:ReplaceRoute", "ec2:DeleteRoute"),
                *ours(place, both, "ec2:ReplaceRouteTableAssociation", "ec2:DisassociateRouteTable"),
            ),
            delete=(
                *ours(place, both, "ec2:DisassociateRouteTable"),
                *ours(place, own, "ec2:DeleteRouteTable"),
            ),
            list_owned=reads("DescribeRouteTables"),
            tag=tagged_anew(place, cls),
        )


def _target(routes: list[Item], key: str, everywhere: str) -> str:
    found = [route for route in routes if route.get(key) == everywhere]
    return next((str(route[name]) for route in found for name in TARGETS if route.get(name)), "")


def _associations(aws: Aws, subnet: str) -> list[str]:
    tables = RouteTable.load(aws, [where("association.subnet-id", subnet)])
    return [
        association["RouteTableAssociationId"]
        for table in tables
        for association in table.get("Associations", [])
        if association.get("SubnetId") == subnet
    ]
