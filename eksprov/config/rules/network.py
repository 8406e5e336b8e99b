"""Rules of the network: ranges that fit, do not overlap, and have room."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Final

from eksprov.config.document import Path
from eksprov.config.rules.base import Finding, as_network, finding, twice
from eksprov.config.schema import Config
from eksprov.config.schema.network import NEEDED_ENDPOINTS
from eksprov.core.words import plural

_PRIVATE: Final = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
_SHARED: Final = IPv4Network("100.64.0.0/10")  # RFC 6598, which AWS also suggests for pods
_AWS_RESERVES: Final = (
    5  # addresses of every subnet, https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
)


# What is decided by the VPC itself where it exists.
_ONLY_WHEN_MADE: Final = ("vpc_cidr", "availability_zones", "nat_gateways", "private_endpoints", "endpoints")


def network(config: Config) -> Iterator[Finding]:
    """The ranges, the ways out, and what goes with a VPC that exists."""
    if config.network.vpc_id:
        yield from _existing(config)
    else:
        yield from _made(config)
    for key in ("exclude_zone_ids", "endpoints", "subnet_ids", "public_subnet_ids"):
        yield from twice(("network", key), None, getattr(config.network, key))


def _existing(config: Config) -> Iterator[Finding]:
    at_id, at_subnets = ("network", "vpc_id"), ("network", "subnet_ids")
    private, public = config.network.subnet_ids, config.network.public_subnet_ids
    if len(private) < 2:
        message = f"EKS needs two private subnets, in two zones, and {len(private)} of {config.network.vpc_id} is named"
        message = message if len(private) == 1 else message.replace("0 of", "none of")
        yield finding(message, at_subnets, at_id, hint="name private subnets, for the control plane and the nodes")
    for index, subnet in enumerate(public):
        if subnet in private:
            yield finding(f"{subnet} is in subnet_ids already", ("network", "public_subnet_ids", index), at_subnets)
    for key in _ONLY_WHEN_MADE:
        if key in config.network.model_fields_set:
            message = "has no effect with vpc_id: nothing is made or changed in a VPC that exists"
            yield finding(message, ("network", key), at_id, level="warning")
    services, wrong = _services(config)
    yield from wrong
    if services:
        yield from _holds_services(services)


def _made(config: Config) -> Iterator[Finding]:
    for key in ("subnet_ids", "public_subnet_ids"):
        if getattr(config.network, key):
            hint = "say which VPC they are in: network.vpc_id"
            yield finding("names subnets without their VPC", ("network", key), ("network", "vpc_id"), hint=hint)
    yield from _ranges(config)
    yield from _ways_out(config)


def _ways_out(config: Config) -> Iterator[Finding]:
    """Nodes must reach the API server and the services they start with."""
    network, at_nat = config.network, ("network", "nat_gateways")
    at_private = ("cluster", "endpoint_private_access")
    nodes = config.node_groups or config.autoscaler == "auto-mode"
    if network.nat_gateways != "none" or not nodes:
        return
    missing = [service for service in NEEDED_ENDPOINTS if service not in network.endpoint_services]
    if missing:
        message = f"without NAT gateways nodes could not join: no endpoint for {', '.join(missing)}"
        hint = "set network.private_endpoints: true, or nat_gateways: single"
        yield finding(message, at_nat, ("network", "private_endpoints"), ("network", "endpoints"), hint=hint)
    if not config.cluster.endpoint_private_access:
        message = "is false, and without NAT gateways nodes have no way to the public endpoint"
        yield finding(message, at_private, at_nat, hint="set it to true")


def _ranges(config: Config) -> Iterator[Finding]:
    at_vpc, at_services, at_zones = (
        ("network", "vpc_cidr"),
        ("cluster", "service_ipv4_cidr"),
        ("network", "availability_zones"),
    )
    vpc, wrong = as_network(config.network.vpc_cidr, at_vpc)
    services, wrong_too = _services(config)
    yield from (*wrong, *wrong_too)
    if vpc and not 16 <= vpc.prefixlen <= 24:
        yield finding(f"{vpc} must be between a /16 and a /24", at_vpc)
    elif vpc:
        if not any(vpc.subnet_of(block) for block in (*_PRIVATE, _SHARED)):
            hint = "use a range of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16"
            yield finding(f"{vpc} is not a private range", at_vpc, hint=hint, level="warning")
        yield from _room(config, vpc, (at_vpc, at_zones))
    if services:
        yield from _holds_services(services)
    if vpc and services and vpc.overlaps(services):
        hint = "choose a range that the VPC does not use"
        yield finding(f"{services} overlaps network.vpc_cidr {vpc}", at_services, at_vpc, hint=hint)


def _services(config: Config) -> tuple[IPv4Network | None, list[Finding]]:
    """The range of Services, where it is the config's to choose."""
    if config.network.ipv6:
        return None, []
    return as_network(config.cluster.service_ipv4_cidr, ("cluster", "service_ipv4_cidr"))


def _holds_services(services: IPv4Network) -> Iterator[Finding]:
    if not (12 <= services.prefixlen <= 24 and any(services.subnet_of(block) for block in _PRIVATE)):
        hint = "EKS takes a /12 to a /24 inside 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16"
        yield finding(f"{services} cannot hold the cluster's Services", ("cluster", "service_ipv4_cidr"), hint=hint)


def _room(config: Config, vpc: IPv4Network, paths: tuple[Path, ...]) -> Iterator[Finding]:
    """Whether the private half of the VPC, cut evenly, has an address for every node."""
    zones = config.network.availability_zones
    subnets = 1 << (2 * zones - 1).bit_length()  # a public and a private one a zone, rounded up to a power of two
    room = zones * (vpc.num_addresses // subnets - _AWS_RESERVES)
    nodes = sum(group.desired_size for group in config.node_groups)
    if nodes > room:
        sizes: list[Path] = [("node_groups", index, "desired_size") for index in range(len(config.node_groups))]
        few = f"{plural(room, 'private address')}, too few for {plural(nodes, 'node')}"
        message = f"{vpc} in {plural(zones, 'zone')} has {few}"
        yield finding(message, *paths, *sizes, hint="use a larger range, like a /16")
