"""IPv6 in EC2: ranges that take a moment to come, gateways known by their client token, and what AWS refuses.

moto has the ranges of VPCs and subnets, but takes any range for a subnet, makes an egress-only internet gateway for
every call, and a second route to the same IPv6 range. Rules:
https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html,
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateEgressOnlyInternetGateway.html and, for the codes,
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html. Which code AWS has for an address setting
of a subnet without a range, and for a range that subnets still use, is not documented; those here are likely ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import IPv6Network
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models import EC2Backend

from eksprov.local.aws.base import current_world
from eksprov.local.aws.refusal import Refusal

Ask = dict[str, Any]
FULL = 5  # colons of a /56 whose four parts are all there
SUBNET_PREFIXES = range(44, 65, 4)


class Ipv6Actions:
    """Mixed into the response class of EC2."""

    ec2_backend: EC2Backend
    region: str
    params: Any

    def create_vpc(self) -> Any:
        """CreateVpc: an IPv6 range is associating first."""
        before = set(self.ec2_backend.vpcs)
        result = super().create_vpc()  # type: ignore[misc]  # moto's, behind this one
        for vpc_id in set(self.ec2_backend.vpcs) - before:
            self._comes(vpc_id)
        return result

    def associate_vpc_cidr_block(self) -> Any:
        result = super().associate_vpc_cidr_block()  # type: ignore[misc]  # moto's, behind this one
        if self.params.get("AmazonProvidedIpv6CidrBlock"):
            self._comes(self.params["VpcId"])
        return result

    def create_egress_only_internet_gateway(self) -> Any:
        """CreateEgressOnlyInternetGateway: the same client token gives the same gateway, as long as it lives."""
        ask, made = dict(self.params), current_world().ipv6.tokens
        token = ask.pop("ClientToken", "")
        if token and (self.region, token) in made:
            asked, known = made[self.region, token]
            if asked != ask:
                raise Refusal("IdempotentParameterMismatch", "The client token was used with other parameters")
            gateway = self.ec2_backend.egress_only_internet_gateways.get(known)
            if gateway is not None:
                return ActionResult({"ClientToken": token, "EgressOnlyInternetGateway": gateway})
        before = set(self.ec2_backend.egress_only_internet_gateways)
        result = super().create_egress_only_internet_gateway()  # type: ignore[misc]  # moto's, behind this one
        if token:
            (new,) = set(self.ec2_backend.egress_only_internet_gateways) - before
            made[self.region, token] = (ask, new)
        return result

    def _comes(self, vpc_id: str) -> None:
        for association in self.ec2_backend.get_vpc(vpc_id).get_cidr_block_association_set(ipv6=True):
            current_world().ipv6.comes(association)


def vpc_range(chosen: Callable[[], str]) -> str:
    """A range that moto chose, written as AWS writes it: without leading zeros. One with an empty part is not taken."""
    while (cidr := str(IPv6Network(chosen()))).count(":") < FULL:
        pass
    return cidr


def subnet_ranges(subnet: Any) -> list[dict[str, Any]]:
    """For moto's Subnet: its live IPv6 ranges, whose state moto writes as a mapping's text."""
    return [
        {
            "ipv6CidrBlock": block["ipv6CidrBlock"],
            "associationId": block["associationId"],
            "ipv6CidrBlockState": {"state": "associated"},
        }
        for block in _live(subnet)
    ]


def _subnet_range(ec2: EC2Backend, vpc_id: str, wanted: str | None) -> None:
    """Inside the VPC's range, of a size that AWS takes, and no other subnet's."""
    if not wanted:
        return
    said = f"The CIDR '{wanted}'"
    try:
        network = IPv6Network(wanted)
    except ValueError:
        raise Refusal("InvalidParameterValue", f"{said} is not a valid IPv6 CIDR") from None
    ranges = [IPv6Network(block) for block in _blocks(ec2.get_vpc(vpc_id))]
    if network.prefixlen not in SUBNET_PREFIXES or not any(network.subnet_of(block) for block in ranges):
        raise Refusal("InvalidSubnet.Range", f"{said} is invalid.")
    for subnet in _subnets(ec2, vpc_id):
        if any(network.overlaps(IPv6Network(block["ipv6CidrBlock"])) for block in _live(subnet)):
            raise Refusal("InvalidSubnet.Conflict", f"{said} conflicts with another subnet")


def _create_subnet(ec2: EC2Backend, ask: Ask) -> None:
    _subnet_range(ec2, ask["VpcId"], ask.get("Ipv6CidrBlock"))


def _associate_subnet(ec2: EC2Backend, ask: Ask) -> None:
    _subnet_range(ec2, ec2.get_subnet(ask["SubnetId"]).vpc_id, ask.get("Ipv6CidrBlock"))


def _modify_subnet(ec2: EC2Backend, ask: Ask) -> None:
    wanted = (ask.get("AssignIpv6AddressOnCreation") or {}).get("Value")
    if wanted and not _live(ec2.get_subnet(ask["SubnetId"])):
        message = f"The subnet '{ask['SubnetId']}' has no IPv6 CIDR block to assign addresses of"
        raise Refusal("InvalidParameterValue", message)


def _create_route(ec2: EC2Backend, ask: Ask) -> None:
    wanted = ask.get("DestinationIpv6CidrBlock")
    table = ec2.get_route_table(ask["RouteTableId"])
    if wanted and any(route.destination_ipv6_cidr_block == wanted for route in table._routes.values()):
        raise Refusal("RouteAlreadyExists", f"The route identified by {wanted} already exists")


def _subnets(ec2: EC2Backend, vpc_id: str) -> Iterator[Any]:
    return (subnet for zone in ec2.subnets.values() for subnet in zone.values() if subnet.vpc_id == vpc_id)


def _live(subnet: Any) -> list[dict[str, Any]]:
    return [b for b in subnet.ipv6_cidr_block_associations.values() if b["ipv6CidrBlockState"]["State"] == "associated"]


def _blocks(vpc: Any) -> Iterator[str]:
    """The IPv6 ranges of a VPC that have arrived."""
    for block in vpc.get_cidr_block_association_set(ipv6=True):
        if block["cidr_block_state"]["state"] == "associated":
            yield block["cidr_block"]


GUARDS: dict[str, Callable[[EC2Backend, Ask], None]] = {
    "CreateSubnet": _create_subnet,
    "AssociateSubnetCidrBlock": _associate_subnet,
    "ModifySubnetAttribute": _modify_subnet,
    "CreateRoute": _create_route,
}
