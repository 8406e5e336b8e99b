"""The network: one public and one private subnet a zone, or subnets of a VPC that exists.

Without NAT gateways nothing needs the public side, so it is left out; nodes then reach AWS by endpoints in the VPC, and
pods with IPv6 addresses have no way out either.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from eksprov.config.ranges import private_range, public_range
from eksprov.core.step import AnyStep
from eksprov.steps.catalog.names import EGRESS_ONLY, EXISTING_VPC, INTERNET, VPC, subnets
from eksprov.steps.network.egress_only_internet_gateway import EgressOnlyInternetGateway
from eksprov.steps.network.elastic_ip import ElasticIp
from eksprov.steps.network.existing_subnet import ExistingSubnet
from eksprov.steps.network.existing_vpc import ExistingVpc
from eksprov.steps.network.internet_gateway import InternetGateway
from eksprov.steps.network.nat_gateway import NatGateway
from eksprov.steps.network.route_table import RouteTable
from eksprov.steps.network.security_group import SecurityGroup
from eksprov.steps.network.subnet import Subnet
from eksprov.steps.network.vpc import Vpc
from eksprov.steps.network.vpc_endpoint import GATEWAY_SERVICES, VpcEndpoint
from eksprov.steps.settled import Settled, Zone

if TYPE_CHECKING:
    from eksprov.config.schema import Config

ENDPOINTS_GROUP = "security-group/endpoints"
HTTPS = 443
# CreateVpcEndpoint and DeleteVpcEndpoints share a bucket of 4 requests that refills by one in 3.3 s
# (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html), and an endpoint takes longer than that.
ENDPOINTS_AT_ONCE = 4


def network(config: Config, settled: Settled) -> Iterator[AnyStep]:
    """VPC, gateways, subnets, routes, endpoints."""
    if config.network.vpc_id:
        yield from _existing(config, config.network.vpc_id)
        return
    stack, vpc, ipv6 = config.name, IPv4Network(config.network.vpc_cidr), config.network.ipv6
    yield Vpc(name=VPC, slug=f"{stack}-vpc", cidr=str(vpc), ipv6=ipv6)
    public, private = subnets(config, settled, "public"), subnets(config, settled, "private")
    if public:
        yield InternetGateway(name=INTERNET, slug=f"{stack}-internet", vpc=VPC, needs=(VPC,))
        yield _table(stack, "public", public, INTERNET, INTERNET if ipv6 else "")
    outbound = EGRESS_ONLY if public and ipv6 else ""
    if outbound:
        yield EgressOnlyInternetGateway(name=outbound, slug=f"{stack}-egress-only", vpc=VPC, needs=(VPC,))
    for index, zone in enumerate(settled.zones):
        number, ipv6_zone = index + 1, index if ipv6 else None
        yield _subnet(stack, private[index], private_range(vpc, index), zone, ipv6_zone, public=False)
        if public:
            yield _subnet(stack, public[index], public_range(vpc, index), zone, ipv6_zone, public=True)
        nat = number if config.network.nat_gateways == "per_zone" else 1
        if public and nat == number:
            yield from _nat(stack, nat, public[index])
        yield _table(stack, f"private-{number}", (private[index],), f"nat-gateway/{nat}" if public else "", outbound)
    yield from _endpoints(config, settled)


def ways_out(config: Config, settled: Settled) -> tuple[str, ...]:
    """The steps without which nodes cannot reach AWS; an existing VPC has its own, checked when it is looked at."""
    if config.network.vpc_id:
        return (EXISTING_VPC,)
    public = ("route-table/public",) if config.network.has_public_side else ()
    private = (f"route-table/private-{n}" for n in range(1, len(settled.zones) + 1))
    return (*public, *private, *map(_endpoint_name, config.network.endpoint_services))


def _existing(config: Config, vpc_id: str) -> Iterator[AnyStep]:
    yield ExistingVpc(name=EXISTING_VPC, slug=vpc_id)
    sides = (("private", config.network.subnet_ids), ("public", config.network.public_subnet_ids))
    for side, ids in sides:
        for number, subnet_id in enumerate(ids, 1):
            name = f"existing-subnet/{side}-{number}"
            yield ExistingSubnet(name=name, slug=subnet_id, vpc_id=vpc_id, needs=(EXISTING_VPC,))


def _endpoints(config: Config, settled: Settled) -> Iterator[AnyStep]:
    """No more at once than AWS takes: each waits for the one four before it, also when they go."""
    stack, services = config.name, config.network.endpoint_services
    private = subnets(config, settled, "private")
    tables = tuple(f"route-table/private-{number}" for number in range(1, len(private) + 1))
    if any(service not in GATEWAY_SERVICES for service in services):
        yield SecurityGroup(
            name=ENDPOINTS_GROUP,
            slug=f"{stack}-endpoints",
            description=f"Private endpoints of the stack {stack}",
            vpc=VPC,
            ports_from_vpc=(HTTPS,),
            ipv6=config.network.ipv6,
            needs=(VPC,),
        )
    for index, service in enumerate(services):
        gateway = service in GATEWAY_SERVICES
        before = (_endpoint_name(services[index - ENDPOINTS_AT_ONCE]),) if index >= ENDPOINTS_AT_ONCE else ()
        yield VpcEndpoint(
            name=_endpoint_name(service),
            slug=f"{stack}-{service}",
            service=service,
            vpc=VPC,
            subnets=() if gateway else private,
            route_tables=tables if gateway else (),
            security_group="" if gateway else ENDPOINTS_GROUP,
            ipv6=config.network.ipv6,
            needs=(VPC, *(tables if gateway else (ENDPOINTS_GROUP, *private)), *before),
        )


def _endpoint_name(service: str) -> str:
    return f"vpc-endpoint/{service}"


def _nat(stack: str, number: int, subnet: str) -> Iterator[AnyStep]:
    address, slug = f"elastic-ip/{number}", f"{stack}-nat-{number}"
    yield ElasticIp(name=address, slug=slug, needs=(INTERNET,))
    yield NatGateway(
        name=f"nat-gateway/{number}",
        slug=slug,
        subnet=subnet,
        elastic_ip=address,
        needs=(INTERNET, subnet, address),
    )


def _subnet(stack: str, name: str, cidr: IPv4Network, zone: Zone, ipv6_zone: int | None, *, public: bool) -> Subnet:
    return Subnet(
        name=name,
        slug=f"{stack}-{name.removeprefix('subnet/')}",
        vpc=VPC,
        cidr=str(cidr),
        zone_id=zone.id,
        public=public,
        ipv6_zone=ipv6_zone,
        needs=(VPC,),
    )


def _table(stack: str, side: str, subnets: tuple[str, ...], gateway: str, gateway_ipv6: str) -> RouteTable:
    gateways = tuple(dict.fromkeys(name for name in (gateway, gateway_ipv6) if name))
    return RouteTable(
        name=f"route-table/{side}",
        slug=f"{stack}-{side}",
        vpc=VPC,
        gateway=gateway,
        gateway_ipv6=gateway_ipv6,
        subnets=subnets,
        needs=(VPC, *gateways, *subnets),
    )
