"""The network: one public and one private subnet a zone."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from eksprov.config.ranges import private_range, public_range
from eksprov.steps.catalog.names import INTERNET, VPC, AnyStep, subnets
from eksprov.steps.choices import Choices, Zone
from eksprov.steps.elastic_ip import ElasticIp
from eksprov.steps.internet_gateway import InternetGateway
from eksprov.steps.nat_gateway import NatGateway
from eksprov.steps.route_table import RouteTable
from eksprov.steps.subnet import Subnet
from eksprov.steps.vpc import Vpc

if TYPE_CHECKING:
    from eksprov.config.schema import Config


def network(config: Config, choices: Choices) -> Iterator[AnyStep]:
    """VPC, gateways, subnets, routes."""
    stack, vpc = config.name, IPv4Network(config.network.vpc_cidr)
    yield Vpc(name=VPC, slug=f"{stack}-vpc", cidr=str(vpc))
    yield InternetGateway(name=INTERNET, slug=f"{stack}-internet", vpc=VPC, needs=(VPC,))
    public, private = subnets(choices, "public"), subnets(choices, "private")
    yield _table(stack, "public", INTERNET, public)
    for index, zone in enumerate(choices.zones):
        number = index + 1
        yield _subnet(stack, public[index], public_range(vpc, index), zone, public=True)
        yield _subnet(stack, private[index], private_range(vpc, index), zone, public=False)
        nat = number if config.network.nat_gateways == "per_zone" else 1
        if nat == number:
            address, needs = f"elastic-ip/{nat}", (INTERNET, public[index])
            yield ElasticIp(name=address, slug=f"{stack}-nat-{nat}", needs=(INTERNET,))
            yield NatGateway(
                name=f"nat-gateway/{nat}",
                slug=f"{stack}-nat-{nat}",
                subnet=public[index],
                elastic_ip=address,
                needs=(*needs, address),
            )
        yield _table(stack, f"private-{number}", f"nat-gateway/{nat}", (private[index],))


def _subnet(stack: str, name: str, cidr: IPv4Network, zone: Zone, *, public: bool) -> Subnet:
    slug = f"{stack}-{name.removeprefix('subnet/')}"
    return Subnet(name=name, slug=slug, vpc=VPC, cidr=str(cidr), zone_id=zone.id, public=public, needs=(VPC,))


def _table(stack: str, side: str, gateway: str, subnets: tuple[str, ...]) -> RouteTable:
    return RouteTable(
        name=f"route-table/{side}",
        slug=f"{stack}-{side}",
        vpc=VPC,
        gateway=gateway,
        subnets=subnets,
        needs=(VPC, gateway, *subnets),
    )
