"""Rules of the network: ranges that fit, do not overlap, and have room."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Final

from eksprov.config.document import Path
from eksprov.config.rules.base import Finding, as_network, finding, twice
from eksprov.config.schema import Config

_PRIVATE: Final = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
_SHARED: Final = IPv4Network("100.64.0.0/10")  # RFC 6598, which AWS also suggests for pods
_AWS_RESERVES: Final = (
    5  # addresses of every subnet, https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
)


def network(config: Config) -> Iterator[Finding]:
    at_vpc, at_services, at_zones = (
        ("network", "vpc_cidr"),
        ("cluster", "service_ipv4_cidr"),
        ("network", "availability_zones"),
    )
    vpc, wrong = as_network(config.network.vpc_cidr, at_vpc)
    services, wrong_too = as_network(config.cluster.service_ipv4_cidr, at_services)
    yield from (*wrong, *wrong_too)
    if vpc and not 16 <= vpc.prefixlen <= 24:
        yield finding(f"{vpc} must be between a /16 and a /24", at_vpc)
    elif vpc:
        if not any(vpc.subnet_of(block) for block in (*_PRIVATE, _SHARED)):
            hint = "use a range of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16"
            yield finding(f"{vpc} is not a private range", at_vpc, hint=hint, level="warning")
        yield from _room(config, vpc, (at_vpc, at_zones))
    if services and not (12 <= services.prefixlen <= 24 and any(services.subnet_of(block) for block in _PRIVATE)):
        hint = "EKS takes a /12 to a /24 inside 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16"
        yield finding(f"{services} cannot hold the cluster's Services", at_services, hint=hint)
    if vpc and services and vpc.overlaps(services):
        hint = "choose a range that the VPC does not use"
        yield finding(f"{services} overlaps network.vpc_cidr {vpc}", at_services, at_vpc, hint=hint)
    yield from twice(("network", "exclude_zone_ids"), None, config.network.exclude_zone_ids)


def _room(config: Config, vpc: IPv4Network, paths: tuple[Path, ...]) -> Iterator[Finding]:
    """Whether the private half of the VPC, cut evenly, has an address for every node."""
    zones = config.network.availability_zones
    subnets = 1 << (2 * zones - 1).bit_length()  # a public and a private one a zone, rounded up to a power of two
    room = zones * (vpc.num_addresses // subnets - _AWS_RESERVES)
    nodes = sum(group.desired_size for group in config.node_groups)
    if nodes > room:
        sizes: list[Path] = [("node_groups", index, "desired_size") for index in range(len(config.node_groups))]
        message = f"{vpc} in {zones} zones has {room} private addresses, too few for {nodes} nodes"
        yield finding(message, *paths, *sizes, hint="use a larger range, like a /16")
