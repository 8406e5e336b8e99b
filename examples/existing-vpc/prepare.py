"""Make the kind of VPC that a team already has, and write its ids into the config beside this file.

    python prepare.py             make it (or find it) and write the ids
    python prepare.py --delete    remove it, once the stack in it is torn down
    python prepare.py --config other.yaml

It calls whatever AWS the environment names. For the local world: eval "$(eksprov local env)" first. On AWS the NAT
gateway and its address cost money for as long as they exist.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3

NAME = "existing-vpc-example"
REGION = "us-west-2"
RANGE = "10.20.0.0/16"
SUBNETS = {"private": ("10.20.0.0/19", "10.20.32.0/19"), "public": ("10.20.192.0/24", "10.20.193.0/24")}
ROLES = {"private": "kubernetes.io/role/internal-elb", "public": "kubernetes.io/role/elb"}
EVERYWHERE = "0.0.0.0/0"
Pause = Callable[[float], None]
OURS: Any = [{"Name": "tag:Name", "Values": [NAME]}]


def tagged(kind: str, **more: str) -> Any:
    """The tags of a create call."""
    tags = [{"Key": "Name", "Value": NAME}, *({"Key": key, "Value": value} for key, value in more.items())]
    return [{"ResourceType": kind, "Tags": tags}]


def make(ec2: Any, pause: Pause = time.sleep) -> dict[str, Any]:
    """VPC, two subnets a side, and their ways out. Gives the ids the config wants."""
    vpc = ec2.create_vpc(CidrBlock=RANGE, TagSpecifications=tagged("vpc"))["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})  # EKS wants it, and it is off by default
    zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]][:2]
    subnets: dict[str, list[str]] = {}
    for side, ranges in SUBNETS.items():
        for zone, cidr in zip(zones, ranges, strict=True):
            made = ec2.create_subnet(
                VpcId=vpc,
                CidrBlock=cidr,
                AvailabilityZone=zone,
                TagSpecifications=tagged("subnet", side=side, **{ROLES[side]: "1"}),
            )
            subnets.setdefault(side, []).append(made["Subnet"]["SubnetId"])
    gateway = ec2.create_internet_gateway(TagSpecifications=tagged("internet-gateway"))
    internet = gateway["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=internet, VpcId=vpc)
    address = ec2.allocate_address(Domain="vpc", TagSpecifications=tagged("elastic-ip"))["AllocationId"]
    nat = ec2.create_nat_gateway(
        SubnetId=subnets["public"][0], AllocationId=address, TagSpecifications=tagged("natgateway")
    )["NatGateway"]["NatGatewayId"]
    wait_for(ec2, "available", pause)
    for side, way_out in (("public", {"GatewayId": internet}), ("private", {"NatGatewayId": nat})):
        table = ec2.create_route_table(VpcId=vpc, TagSpecifications=tagged("route-table"))
        table_id = table["RouteTable"]["RouteTableId"]
        ec2.create_route(RouteTableId=table_id, DestinationCidrBlock=EVERYWHERE, **way_out)
        for subnet in subnets[side]:
            ec2.associate_route_table(RouteTableId=table_id, SubnetId=subnet)
    return found(ec2)


def wait_for(ec2: Any, state: str, pause: Pause) -> None:
    """Until no NAT gateway is on its way any more. Raises: SystemExit when that takes ten minutes, or one failed."""
    for _ in range(200):
        states = {gateway["State"] for gateway in ec2.describe_nat_gateways(Filters=OURS)["NatGateways"]}
        if states <= {state, "deleted"}:
            return
        if "failed" in states:
            break
        pause(3.0)
    raise SystemExit(f"the NAT gateway is {' and '.join(sorted(states))}, not {state}")


def found(ec2: Any) -> dict[str, Any]:
    """The ids of the VPC that was made before; empty where there is none. Raises: SystemExit when there are two."""
    vpcs = [vpc["VpcId"] for vpc in ec2.describe_vpcs(Filters=OURS)["Vpcs"]]
    if len(vpcs) > 1:
        raise SystemExit(f"there are {len(vpcs)} VPCs named {NAME}: {', '.join(vpcs)}; remove all but one")
    if not vpcs:
        return {}
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": vpcs}])["Subnets"]
    by_side: dict[str, list[str]] = {"private": [], "public": []}
    for subnet in sorted(subnets, key=lambda subnet: str(subnet["CidrBlock"])):
        side = next(tag["Value"] for tag in subnet["Tags"] if tag["Key"] == "side")
        by_side[side].append(subnet["SubnetId"])
    return {"vpc_id": vpcs[0], "subnet_ids": by_side["private"], "public_subnet_ids": by_side["public"]}


def write(ids: dict[str, Any], config: Path) -> None:
    """Put the ids in their places; everything else of the file stays."""
    text = config.read_text()
    for key, value in ids.items():
        shown = value if isinstance(value, str) else f"[{', '.join(value)}]"
        text, places = re.subn(rf"(?m)^(\s+{key}:).*$", rf"\1 {shown}", text)
        if places != 1:
            raise SystemExit(f"{config} has no single line for {key}; put it in: {key}: {shown}")
    config.write_text(text)


def delete(ec2: Any, pause: Pause = time.sleep) -> None:
    """Everything that carries the name, dependents first; what is not there is passed over."""
    gateways = ec2.describe_nat_gateways(Filters=OURS)["NatGateways"]
    for gateway in gateways:
        if gateway["State"] not in ("deleted", "deleting"):
            ec2.delete_nat_gateway(NatGatewayId=gateway["NatGatewayId"])
    wait_for(ec2, "deleted", pause)
    for address in ec2.describe_addresses(Filters=OURS)["Addresses"]:
        ec2.release_address(AllocationId=address["AllocationId"])
    for gateway in ec2.describe_internet_gateways(Filters=OURS)["InternetGateways"]:
        for attachment in gateway["Attachments"]:
            ec2.detach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=attachment["VpcId"])
        ec2.delete_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"])
    for table in ec2.describe_route_tables(Filters=OURS)["RouteTables"]:
        for association in table["Associations"]:
            ec2.disassociate_route_table(AssociationId=association["RouteTableAssociationId"])
        ec2.delete_route_table(RouteTableId=table["RouteTableId"])
    for subnet in ec2.describe_subnets(Filters=OURS)["Subnets"]:
        ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    for vpc in ec2.describe_vpcs(Filters=OURS)["Vpcs"]:
        ec2.delete_vpc(VpcId=vpc["VpcId"])


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--config", type=Path, default=Path(__file__).with_name("eksprov.yaml"))
    parser.add_argument("--delete", action="store_true", help="remove it again")
    asked = parser.parse_args(arguments)
    ec2 = boto3.client("ec2", region_name=REGION)
    if asked.delete:
        delete(ec2)
        print("the VPC is gone")
        return
    ids = found(ec2) or make(ec2)
    write(ids, asked.config)
    print(f"{asked.config} now names {ids['vpc_id']}")


if __name__ == "__main__":
    main()
