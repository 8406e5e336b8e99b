"""How the VPC's range is cut into subnets: every zone's part depends on its number alone, so zones can be added.

Of an IPv6 range, which AWS gives as a /56, every subnet has a /64, as AWS wants
(https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html): private ones from the lower half, public ones
from the upper.

Nodes and pods live in the private subnets, so these get most: an eighth of the VPC for each of up to six zones, and
the public ones a thirty-second each of the last quarter. In a /24 that would be less than the /28 that AWS asks for
(https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html); there each gets a sixteenth.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network

SMALLEST = 28  # prefix length
IPV6_SUBNET = 64  # prefix length
AWS_RESERVES = 5  # addresses of every subnet


def private_range(vpc: IPv4Network, zone: int) -> IPv4Network:
    """The private subnet of the `zone`-th zone, from 0 to 5."""
    return _nth(vpc, _bits(vpc)[0], zone)


def public_range(vpc: IPv4Network, zone: int) -> IPv4Network:
    """The public subnet of the `zone`-th zone, from 0 to 5."""
    bits = _bits(vpc)[1]
    first = (1 << bits) * 3 // 4 if bits == 5 else 8
    return _nth(vpc, bits, first + zone)


def ipv6_range(vpc: IPv6Network, zone: int, *, public: bool) -> IPv6Network:
    """The IPv6 half of either subnet of the `zone`-th zone, from 0 to 5."""
    index = zone + (1 << (IPV6_SUBNET - vpc.prefixlen - 1) if public else 0)
    return IPv6Network((int(vpc.network_address) + (index << (128 - IPV6_SUBNET)), IPV6_SUBNET))


def private_addresses(vpc: IPv4Network, zones: int) -> int:
    """How many addresses nodes and pods can have in that many zones."""
    return zones * (private_range(vpc, 0).num_addresses - AWS_RESERVES)


def _bits(vpc: IPv4Network) -> tuple[int, int]:
    return (3, 5) if vpc.prefixlen + 5 <= SMALLEST else (4, 4)


def _nth(vpc: IPv4Network, bits: int, index: int) -> IPv4Network:
    length = vpc.prefixlen + bits
    return IPv4Network((int(vpc.network_address) + (index << (32 - length)), length))
