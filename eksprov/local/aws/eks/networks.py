"""The addresses of a cluster: its family, the range of its Services, who may come to its endpoint.

Rules: https://docs.aws.amazon.com/eks/latest/APIReference/API_KubernetesNetworkConfigRequest.html,
https://docs.aws.amazon.com/eks/latest/APIReference/API_VpcConfigRequest.html and
https://docs.aws.amazon.com/eks/latest/userguide/cni-ipv6.html.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from eksprov.local.aws.eks import refusals
from eksprov.local.aws.eks.model import Shape
from eksprov.local.aws.eks.region import EksRegion

PRIVATE_RANGES = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
SERVICES_PREFIX = 108


def check(region: EksRegion, ask: Shape, subnets: list[Any]) -> None:
    """Refuse what does not go together."""
    network = ask.get("kubernetesNetworkConfig") or {}
    check_cidrs(ask["name"], ask["resourcesVpcConfig"].get("publicAccessCidrs") or (), ipv6=_is_ipv6(ask))
    if _is_ipv6(ask):
        _check_ipv6(region, ask, subnets)
    elif cidr := network.get("serviceIpv4Cidr"):
        _check_services(region, cidr, subnets)


# Private, shared and looped-back addresses, and those of documentation; people report the first and the last
# (https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html).
NOT_PUBLIC = tuple(
    IPv4Network(block)
    for block in (
        *("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"),
        *("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
    )
)


def check_cidrs(cluster: str, cidrs: Iterable[str], *, ipv6: bool) -> None:
    """Who may come to the endpoint, which has IPv6 addresses in an IPv6 cluster alone; nobody of no public range."""
    cidrs = tuple(cidrs)
    strange = [cidr for cidr in cidrs if ":" in cidr]
    if strange and not ipv6:
        message = f"IPv6 CIDR blocks are not supported for the public endpoint of this cluster: {strange[0]}"
        raise refusals.invalid(message, clusterName=cluster)
    refused = [
        cidr for cidr in cidrs if ":" not in cidr and any(IPv4Network(cidr).subnet_of(one) for one in NOT_PUBLIC)
    ]
    if refused:
        message = f"The following CIDRs are not allowed in publicAccessCidrs: [{', '.join(refused)}]"
        raise refusals.invalid(message, clusterName=cluster)


def everyone(ask: Shape) -> list[str]:
    """Who may come where nothing is said."""
    return ["0.0.0.0/0", "::/0"] if _is_ipv6(ask) else ["0.0.0.0/0"]


def shape(region: EksRegion, ask: Shape, vpc_id: str) -> Shape:
    """What DescribeCluster answers as `kubernetesNetworkConfig`."""
    asked = ask.get("kubernetesNetworkConfig") or {}
    balancing = {"elasticLoadBalancing": asked.get("elasticLoadBalancing") or {"enabled": False}}
    if _is_ipv6(ask):
        chosen = IPv6Network(((0xFD << 120) | (secrets.randbits(40) << 80), SERVICES_PREFIX))
        return {"serviceIpv6Cidr": str(chosen), "ipFamily": "ipv6", **balancing}
    # EKS takes 10.100.0.0/16 unless the VPC lies in 10.0.0.0/8, then 172.20.0.0/16.
    in_ten = str(region.ec2.get_vpc(vpc_id).cidr_block).startswith("10.")
    usual = "172.20.0.0/16" if in_ten else "10.100.0.0/16"
    return {"serviceIpv4Cidr": asked.get("serviceIpv4Cidr") or usual, "ipFamily": "ipv4", **balancing}


def pod_ranges(network: Shape, subnets: list[Any]) -> tuple[str, ...]:
    """The IPv6 ranges of the subnets, for the pods of an IPv6 cluster."""
    if network["ipFamily"] != "ipv6":
        return ()
    return tuple(str(subnet.ipv6_cidr_block_association_set[0]["ipv6CidrBlock"]) for subnet in subnets)


def _is_ipv6(ask: Shape) -> bool:
    return (ask.get("kubernetesNetworkConfig") or {}).get("ipFamily") == "ipv6"


def _check_ipv6(region: EksRegion, ask: Shape, subnets: list[Any]) -> None:
    name, network = ask["name"], ask["kubernetesNetworkConfig"]
    if region.name.startswith("cn-"):
        raise refusals.invalid("IPv6 clusters are not supported in this region", clusterName=name)
    if network.get("serviceIpv4Cidr"):
        raise refusals.invalid("serviceIpv4Cidr cannot be specified when ipFamily is ipv6", clusterName=name)
    vpc = region.ec2.get_vpc(subnets[0].vpc_id)
    if not vpc.get_cidr_block_association_set(ipv6=True):
        message = f"VPC {vpc.id} must have an IPv6 CIDR block associated with it"
        raise refusals.invalid(message, clusterName=name)
    for subnet in subnets:
        if not subnet.ipv6_cidr_block_association_set:
            message = f"Subnet {subnet.id} must have an IPv6 CIDR block associated with it"
            raise refusals.invalid(message, clusterName=name)


def _check_services(region: EksRegion, cidr: str, subnets: list[Any]) -> None:
    try:
        service = ip_network(cidr)
    except ValueError:
        raise refusals.invalid(f"The service IPv4 CIDR {cidr} is not a network") from None
    inside = any(service.version == 4 and service.subnet_of(each) for each in PRIVATE_RANGES)  # type: ignore[arg-type]  # both are IPv4
    if not inside or not 12 <= service.prefixlen <= 24:
        raise refusals.invalid(f"The service IPv4 CIDR {cidr} must be private, between /12 and /24")
    if service.overlaps(ip_network(region.ec2.get_vpc(subnets[0].vpc_id).cidr_block)):
        raise refusals.invalid(f"The service IPv4 CIDR {cidr} overlaps the VPC")
