"""VPC endpoints that take their time, hold what they use, and are refused where AWS refuses them.

moto makes one available at once, forgets its groups, and knows neither client tokens nor conflicts. Rules:
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html and
https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models import EC2Backend
from moto.ec2.models.vpcs import AWS_ENDPOINT_SERVICES

from eksprov.local.aws.base import current_world
from eksprov.local.aws.refusal import Refusal
from eksprov.local.partitions import dns_suffix

GATEWAYS = ("s3", "dynamodb")
LISTS = ("SubnetIds", "RouteTableIds", "SecurityGroupIds")


class EndpointActions:
    """Mixed into the response class of EC2.

    Which services have IPv6 addresses changes on AWS; here all say so but those in `world.endpoints.ipv4_only`.
    """

    ec2_backend: EC2Backend
    region: str
    params: Any

    def describe_vpc_endpoint_services(self) -> Any:
        """DescribeVpcEndpointServices: with the families of addresses that each has."""
        ask = dict(self.params)
        found = self.ec2_backend.describe_vpc_endpoint_services(
            service_names=ask.get("ServiceNames") or [],
            filters=ask.get("Filters") or [],
            max_results=int(ask.get("MaxResults") or 0),
            next_token=ask.get("NextToken"),
            region=self.region,
        )
        details = [
            {**one, "SupportedIpAddressTypes": _families(one["ServiceName"], self.region)}
            for one in found["servicesDetails"]
        ]
        return ActionResult(
            {"ServiceNames": found["serviceNames"], "ServiceDetails": details, "NextToken": found["nextToken"]}
        )

    def create_vpc_endpoint(self) -> Any:
        """CreateVpcEndpoint: pending first; the same client token gives the same endpoint."""
        ec2, ask, endpoints = self.ec2_backend, dict(self.params), current_world().endpoints
        token = ask.pop("ClientToken", "")
        if token and (self.region, token) in endpoints.tokens:
            asked, made = endpoints.tokens[self.region, token]
            if asked != ask:
                raise Refusal("IdempotentParameterMismatch", "The client token was used with other parameters")
            if made in ec2.vpc_end_points:
                return ActionResult({"ClientToken": token, "VpcEndpoint": ec2.vpc_end_points[made]})
        _check(ec2, self.region, ask)
        before = set(ec2.vpc_end_points)
        result = super().create_vpc_endpoint()  # type: ignore[misc]  # moto's, behind this one
        (new,) = set(ec2.vpc_end_points) - before
        endpoint: Any = ec2.vpc_end_points[new]
        endpoint.vpc_endpoint_type = ask.get("VpcEndpointType", "Gateway")
        endpoint.ip_address_type = ask.get("IpAddressType", "ipv4")
        if endpoint.vpc_endpoint_type == "Interface":
            endpoint.state = "pending"
            for interface in endpoint.network_interface_ids:
                ec2.enis.pop(interface, None)  # moto's are in no group
            endpoint.network_interface_ids = []
            _attach(ec2, endpoint, endpoint.subnet_ids)
            endpoints.moves(self.region, new)
        if token:
            endpoints.tokens[self.region, token] = (ask, new)
        return result

    def modify_vpc_endpoint(self) -> Any:
        """ModifyVpcEndpoint: its interfaces and routes follow."""
        ec2, ask = self.ec2_backend, dict(self.params)
        endpoint: Any = ec2.get_vpc_end_point(ask["VpcEndpointId"])
        _check_places(ec2, endpoint.vpc_id, {key: ask.get(f"Add{key}") or [] for key in LISTS})
        result = super().modify_vpc_endpoint()  # type: ignore[misc]  # moto's, behind this one
        if "PrivateDnsEnabled" in ask:
            endpoint.private_dns_enabled = str(ask["PrivateDnsEnabled"]).lower() == "true"
        for interface_id in list(endpoint.network_interface_ids):
            if ec2.enis[interface_id].subnet.id not in endpoint.subnet_ids:
                endpoint.network_interface_ids.remove(interface_id)
                ec2.enis.pop(interface_id)
        held = {ec2.enis[each].subnet.id for each in endpoint.network_interface_ids}
        if endpoint.vpc_endpoint_type == "Interface":
            _attach(ec2, endpoint, [each for each in endpoint.subnet_ids if each not in held])
            _regroup(ec2, endpoint)
        for table in ask.get("AddRouteTableIds") or []:
            prefix = endpoint.destination_prefix_list_id
            ec2.create_route(table, None, gateway_id=endpoint.id, destination_prefix_list_id=prefix)
        for table in ask.get("RemoveRouteTableIds") or []:
            ec2.delete_route(table, endpoint.destination_prefix_list_id)
        return result

    def delete_vpc_endpoints(self) -> Any:
        """DeleteVpcEndpoints: deleting first; ids that are unknown are told in an answer that is a success."""
        ec2, unsuccessful = self.ec2_backend, []
        for wanted in dict(self.params).get("VpcEndpointIds") or []:
            endpoint: Any = ec2.vpc_end_points.get(wanted)
            if endpoint is None:
                message = f"The Vpc Endpoint Id '{wanted}' does not exist"
                error = {"Code": "InvalidVpcEndpointId.NotFound", "Message": message}
                unsuccessful.append({"ResourceId": wanted, "Error": error})
            elif endpoint.state != "deleting":
                endpoint.state = "deleting"
                for table in endpoint.route_table_ids or []:
                    ec2.delete_route(table, endpoint.destination_prefix_list_id)
                current_world().endpoints.moves(self.region, wanted)
        return ActionResult({"Unsuccessful": unsuccessful})


def _check(ec2: EC2Backend, region: str, ask: dict[str, Any]) -> None:
    vpc: Any = ec2.get_vpc(ask["VpcId"])
    name, kind = str(ask.get("ServiceName", "")), ask.get("VpcEndpointType", "Gateway")
    service = name.removeprefix(f"com.amazonaws.{region}.")
    if service == name or service not in (*AWS_ENDPOINT_SERVICES, *GATEWAYS):
        raise Refusal("InvalidServiceName", f"The Vpc Endpoint Service '{name}' does not exist")
    if kind == "Gateway" and service not in GATEWAYS:
        raise Refusal("InvalidParameter", f"Endpoint type (Gateway) does not match available service types of {name}.")
    _check_places(ec2, vpc.id, {key: ask.get(key) or [] for key in LISTS})
    if ask.get("IpAddressType", "ipv4") != "ipv4":
        _check_families(ec2, region, name, ask.get("SubnetIds") or [])
    others = [e for e in ec2.vpc_end_points.values() if e.vpc_id == vpc.id and e.service_name == name]
    if kind == "Gateway":
        for table in ask.get("RouteTableIds") or []:
            if any(table in other.route_table_ids for other in others):
                message = f"route table {table} already has a route with destination-prefix-list-id of {name}"
                raise Refusal("RouteAlreadyExists", message)
    elif str(ask.get("PrivateDnsEnabled", "true")).lower() == "true":
        if not (vpc.enable_dns_support and vpc.enable_dns_hostnames):
            message = "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to"
            raise Refusal("InvalidParameter", f"{message} true for {vpc.id}")
        if any(other.private_dns_enabled and other.state != "deleted" for other in others):
            message = "private-dns-enabled cannot be set because there is already a conflicting DNS domain for"
            raise Refusal("InvalidParameter", f"{message} {service}.{region}.{dns_suffix(region)} in the VPC {vpc.id}")


def _families(service_name: str, region: str) -> list[str]:
    only = service_name.removeprefix(f"com.amazonaws.{region}.") in current_world().endpoints.ipv4_only
    return ["ipv4"] if only else ["ipv4", "ipv6"]


def _check_families(ec2: EC2Backend, region: str, name: str, subnet_ids: Iterable[str]) -> None:
    """The service and all its subnets must have IPv6."""
    subnets: list[Any] = [ec2.get_subnet(each) for each in subnet_ids]
    if "ipv6" not in _families(name, region) or not all(each.ipv6_cidr_block_association_set for each in subnets):
        raise Refusal("InvalidParameter", f"The IP address type is not supported by {name} or one of the subnets")


def _check_places(ec2: EC2Backend, vpc_id: str, asked: dict[str, list[str]]) -> None:
    """Subnets, tables and groups must exist, and in this VPC; one subnet a zone."""
    subnets = [ec2.get_subnet(each) for each in asked["SubnetIds"]]
    places: list[Any] = [*subnets, *(ec2.get_route_table(each) for each in asked["RouteTableIds"])]
    for group_id in asked["SecurityGroupIds"]:
        group = ec2.get_security_group_from_id(group_id)
        if group is None:
            raise Refusal("InvalidGroup.NotFound", f"The security group '{group_id}' does not exist")
        places.append(group)
    for place in places:
        if place.vpc_id != vpc_id:
            raise Refusal("InvalidParameter", f"{place.id} does not belong to {vpc_id}")
    if len({subnet.availability_zone for subnet in subnets}) < len(subnets):
        raise Refusal("DuplicateSubnetsInSameZone", "Found another VPC endpoint subnet in the availability zone")


def _attach(ec2: EC2Backend, endpoint: Any, subnet_ids: Iterable[str]) -> None:
    for subnet_id in subnet_ids:
        subnet: Any = ec2.get_subnet(subnet_id)
        interface = ec2.create_network_interface(
            subnet,
            subnet.get_available_subnet_ip(instance=None),
            group_ids=list(endpoint.security_group_ids),
            description=f"VPC Endpoint Interface {endpoint.id}",
        )
        interface.requester_managed = True
        interface.status = "in-use"
        interface.interface_type = "vpc_endpoint"
        endpoint.network_interface_ids.append(interface.id)


def _regroup(ec2: EC2Backend, endpoint: Any) -> None:
    groups = [ec2.get_security_group_from_id(each) for each in endpoint.security_group_ids]
    for interface in endpoint.network_interface_ids:
        ec2.enis[interface]._group_set = [group for group in groups if group is not None]
