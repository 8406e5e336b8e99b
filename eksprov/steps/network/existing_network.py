"""Whether a VPC that exists is fit for a cluster: looked at before the first create, so that nothing is half made.

Read-only, and mostly with the listings that the steps use again. What EKS wants is in
https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html and, for a VPC without a way to the internet, in
https://docs.aws.amazon.com/eks/latest/userguide/private-clusters.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

from eksprov import errors
from eksprov.aws.session import Aws
from eksprov.config.schema.network import NEEDED_ENDPOINTS
from eksprov.core.step import PhaseState
from eksprov.core.words import plural
from eksprov.steps.network.ec2 import Item, where
from eksprov.steps.network.existing_subnet import ExistingSubnet, ExistingSubnetFacts, subnets_in
from eksprov.steps.network.existing_vpc import ExistingVpc, ExistingVpcFacts
from eksprov.steps.network.route_table import EVERYWHERE, TARGETS, RouteTable
from eksprov.steps.network.vpc_endpoint import VpcEndpoint, short_name

if TYPE_CHECKING:
    from eksprov.config.schema import Config

LEAST_FREE, BETTER_FREE = 6, 16


@dataclass(frozen=True)
class Seen:
    """What was read: the VPC, its subnets, where each subnet's traffic goes, the services with an endpoint in it."""

    vpc: ExistingVpcFacts | None
    subnets: dict[str, ExistingSubnetFacts]
    ways_out: dict[str, str]  # subnet id to the target of its default route; absent: none
    services: frozenset[str]


def fit(aws: Aws, config: Config) -> tuple[tuple[ExistingSubnetFacts, ...], tuple[str, ...]]:
    """The private subnets, and what is worth a warning. Raises: UsageError naming everything that is in the way."""
    network = config.network
    assert network.vpc_id is not None
    seen = _look(aws, network.vpc_id, aws.region)
    wrong = tuple(problems(seen, config))
    if wrong:
        raise errors.UsageError(
            f"{network.vpc_id} cannot be used as it is: {'; '.join(wrong)}",
            "nothing was made or changed; put this right in the VPC, or name others under network in the config",
        )
    return tuple(seen.subnets[subnet] for subnet in network.subnet_ids), tuple(warnings(seen, config))


def problems(seen: Seen, config: Config) -> Iterator[str]:
    """Everything that EKS or the nodes would fail on, in words."""
    network = config.network
    if seen.vpc is None:
        yield f"there is no VPC {network.vpc_id} in this account and region"
        return
    vpc = ExistingVpc(name="", slug=seen.vpc.id)
    phase = vpc.phase(seen.vpc)
    if phase.state is PhaseState.FAILED:
        yield phase.message
    yield from _no_ipv6(seen, config) if network.ipv6 else _overlaps(seen.vpc, config)
    for subnet_id in (*network.subnet_ids, *network.public_subnet_ids):
        yield from _of_subnet(seen, subnet_id, config)
    zones = {seen.subnets[subnet].zone_id for subnet in network.subnet_ids if subnet in seen.subnets}
    if len(zones) < 2:
        yield f"its private subnets are in {plural(len(zones), 'zone')}, but EKS needs two"
    for subnet_id in network.subnet_ids:
        yield from _out_of(seen, subnet_id)
    stuck = [subnet for subnet in network.subnet_ids if subnet in seen.subnets and subnet not in seen.ways_out]
    if stuck and not config.cluster.endpoint_private_access:
        said = "has no route to the internet, and cluster.endpoint_private_access is false: nodes could not join"
        yield f"{', '.join(stuck)} {said}"


def _overlaps(vpc: ExistingVpcFacts, config: Config) -> Iterator[str]:
    services = IPv4Network(config.cluster.service_ipv4_cidr, strict=False)
    for cidr in vpc.cidrs:
        if IPv4Network(cidr, strict=False).overlaps(services):
            yield f"its range {cidr} overlaps cluster.service_ipv4_cidr {services}"


def _no_ipv6(seen: Seen, config: Config) -> Iterator[str]:
    """What an IPv6 cluster and its nodes cannot do without, each with the call that gives it
    (https://docs.aws.amazon.com/eks/latest/userguide/cni-ipv6.html)."""
    if seen.vpc is not None and not seen.vpc.ipv6_cidr:
        yield "it has no IPv6 range, which network.ip_family ipv6 needs (aws ec2 associate-vpc-cidr-block)"
    named = (*config.network.subnet_ids, *config.network.public_subnet_ids)
    subnets = [seen.subnets[subnet_id] for subnet_id in named if subnet_id in seen.subnets]
    without = [subnet.id for subnet in subnets if not subnet.ipv6_cidr]
    if without:
        yield f"{', '.join(without)} without an IPv6 range (aws ec2 associate-subnet-cidr-block)"
    private = [subnet for subnet in subnets if subnet.id in config.network.subnet_ids and subnet.ipv6_cidr]
    unassigned = [subnet.id for subnet in private if not subnet.ipv6_assigned]
    if unassigned:
        how = "aws ec2 modify-subnet-attribute --assign-ipv6-address-on-creation"
        yield f"{', '.join(unassigned)} without IPv6 addresses for new interfaces, so nodes could not start ({how})"


def warnings(seen: Seen, config: Config) -> Iterator[str]:
    """What works but is better otherwise."""
    sides = ((config.network.subnet_ids, "internal-elb"), (config.network.public_subnet_ids, "elb"))
    for ids, role in sides:
        without = [subnet for subnet in ids if role not in seen.subnets[subnet].roles]
        if without:
            yield f"{', '.join(without)} without the tag kubernetes.io/role/{role}=1: load balancers will not find them"
    for subnet_id in config.network.subnet_ids:
        free = seen.subnets[subnet_id].free
        if free < BETTER_FREE:
            yield f"{subnet_id} has {free} free addresses; EKS recommends {BETTER_FREE}, and nodes and pods need more"
        if seen.ways_out.get(subnet_id, "").startswith("igw-"):
            yield f"{subnet_id} is a public subnet: nodes in it need public addresses to reach anything"


def _of_subnet(seen: Seen, subnet_id: str, config: Config) -> Iterator[str]:
    subnet = seen.subnets.get(subnet_id)
    if subnet is None:
        yield f"it has no subnet {subnet_id}"
        return
    phase = ExistingSubnet(name="", slug=subnet_id).phase(subnet)
    if phase.state is PhaseState.FAILED:
        yield phase.message
    if subnet.zone_id in config.network.exclude_zone_ids:
        yield f"{subnet_id} is in zone {subnet.zone_id}, which network.exclude_zone_ids names"
    if subnet.free < LEAST_FREE:
        yield f"{subnet_id} has {subnet.free} free addresses, EKS needs {LEAST_FREE}"


def _out_of(seen: Seen, subnet_id: str) -> Iterator[str]:
    missing = [service for service in NEEDED_ENDPOINTS if service not in seen.services]
    if subnet_id in seen.subnets and subnet_id not in seen.ways_out and missing:
        yield (
            f"{subnet_id} has no route to {EVERYWHERE} and the VPC no endpoint for {', '.join(missing)}, so nodes "
            "could not join"
        )


def _look(aws: Aws, vpc_id: str, region: str) -> Seen:
    """Four listings; the last only where a subnet has no way out."""
    vpc = ExistingVpc(name="", slug=vpc_id).discover(aws)
    if vpc is None:
        return Seen(None, {}, {}, frozenset())
    subnets, here = subnets_in(aws, vpc_id), where("vpc-id", vpc_id)
    ways = _ways_out(RouteTable.load(aws, [here]), subnets)
    endpoints = VpcEndpoint.load(aws, [here]) if len(ways) < len(subnets) else []
    living = [e for e in endpoints if str(e.get("State", "")).lower() == "available"]
    return Seen(vpc, subnets, ways, frozenset(short_name(e["ServiceName"], region) for e in living))


def _ways_out(tables: list[Item], subnets: dict[str, ExistingSubnetFacts]) -> dict[str, str]:
    """A subnet without a table of its own uses the main one."""
    of_subnet: dict[str, Item] = {}
    main: Item | None = None
    for table in tables:
        for association in table.get("Associations", []):
            if association.get("Main"):
                main = table
            if "SubnetId" in association:
                of_subnet[association["SubnetId"]] = table
    found = {subnet: _target(of_subnet.get(subnet, main)) for subnet in subnets}
    return {subnet: target for subnet, target in found.items() if target}


def _target(table: Item | None) -> str:
    """Where a table's default route goes; a blackhole goes nowhere."""
    routes: list[Any] = (table or {}).get("Routes", [])
    for route in routes:
        if route.get("DestinationCidrBlock") == EVERYWHERE and route.get("State", "active") == "active":
            return next((str(route[key]) for key in TARGETS if route.get(key)), "")
    return ""
