"""A small network: the kinds as the catalog wires them."""

from __future__ import annotations

from eksprov.core.step import AnyStep
from eksprov.steps.network.elastic_ip import ElasticIp
from eksprov.steps.network.internet_gateway import InternetGateway
from eksprov.steps.network.nat_gateway import NatGateway
from eksprov.steps.network.route_table import RouteTable
from eksprov.steps.network.subnet import Subnet
from eksprov.steps.network.vpc import Vpc

VPC = Vpc(name="vpc", slug="demo-vpc", cidr="10.0.0.0/16")
GATEWAY = InternetGateway(name="internet-gateway", slug="demo-igw", vpc="vpc", needs=("vpc",))
PUBLIC = Subnet(
    name="subnet/public-usw2-az1", slug="demo-public-usw2-az1", vpc="vpc", cidr="10.0.0.0/20", zone_id="usw2-az1",
    public=True, needs=("vpc",),
)  # fmt: skip
PRIVATE = Subnet(
    name="subnet/private-usw2-az1", slug="demo-private-usw2-az1", vpc="vpc", cidr="10.0.64.0/20", zone_id="usw2-az1",
    needs=("vpc",),
)  # fmt: skip
ADDRESS = ElasticIp(name="elastic-ip", slug="demo-nat", needs=("internet-gateway",))
NAT = NatGateway(
    name="nat-gateway", slug="demo-nat", subnet=PUBLIC.name, elastic_ip="elastic-ip",
    needs=(PUBLIC.name, "elastic-ip", "internet-gateway"),
)  # fmt: skip
OUT = RouteTable(
    name="route-table/public", slug="demo-public", vpc="vpc", gateway="internet-gateway", subnets=(PUBLIC.name,),
    needs=("internet-gateway", PUBLIC.name),
)  # fmt: skip
IN = RouteTable(
    name="route-table/private", slug="demo-private", vpc="vpc", gateway="nat-gateway", subnets=(PRIVATE.name,),
    needs=("nat-gateway", PRIVATE.name),
)  # fmt: skip
NETWORK: tuple[AnyStep, ...] = (VPC, GATEWAY, PUBLIC, PRIVATE, ADDRESS, NAT, OUT, IN)
