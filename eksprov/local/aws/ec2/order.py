"""Deletions that EC2 refuses while something else still needs what is to go.

moto accepts most of these; a tool that deletes in a wrong order would look right. The codes are those of
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.ec2.models import EC2Backend
from moto.elb.models import elb_backends
from moto.elbv2.models import elbv2_backends

from eksprov.local.aws.ec2 import ipv6_actions, nat
from eksprov.local.aws.ec2.held import is_held, is_used
from eksprov.local.aws.refusal import Refusal

Ask = dict[str, Any]


def _violation(message: str) -> Refusal:
    return Refusal("DependencyViolation", message)


def _delete_vpc(ec2: EC2Backend, ask: Ask) -> None:
    vpc_id = ask["VpcId"]
    gateways = any(each.vpc_id == vpc_id for each in ec2.egress_only_internet_gateways.values())
    gateways |= any(vpc_id in {each["VpcId"] for each in g.attachments} for g in ec2.internet_gateways.values())
    groups = any(group.name != "default" for group in ec2.groups.get(vpc_id, {}).values())
    endpoints = any(e.vpc_id == vpc_id and e.state != "deleted" for e in ec2.vpc_end_points.values())
    if gateways or groups or endpoints or any(nat_.vpc_id == vpc_id for nat_ in nat.living(ec2)):
        raise _violation(f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")


def _delete_subnet(ec2: EC2Backend, ask: Ask) -> None:
    subnet_id = ask["SubnetId"]
    # Instances, NAT gateways and control planes all have an interface there.
    if _balanced(ec2, subnet_id) or any(e.subnet.id == subnet_id and is_used(e) for e in ec2.enis.values()):
        raise _violation(f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")


def _delete_security_group(ec2: EC2Backend, ask: Ask) -> None:
    group_id = ask.get("GroupId")
    if group_id and is_held(ec2, group_id):
        raise _violation(f"resource {group_id} has a dependent object")


def _detach_internet_gateway(ec2: EC2Backend, ask: Ask) -> None:
    vpc_id = ask["VpcId"]
    gateways = any(n.vpc_id == vpc_id for n in nat.living(ec2))
    if gateways or any(e.vpc_id == vpc_id and e.public_ip and is_used(e) for e in ec2.enis.values()):
        raise _violation(
            f"Network {vpc_id} has some mapped public address(es). Please unmap those public address(es) before "
            "detaching the gateway."
        )


def _release_address(ec2: EC2Backend, ask: Ask) -> None:
    allocation = ask.get("AllocationId")
    address = next((each for each in ec2.addresses if each.allocation_id == allocation), None)
    if address is None:
        return
    for gateway in nat.living(ec2):
        if any(each.get("allocationId") == allocation for each in gateway.address_set):
            # https://github.com/kubernetes-sigs/cluster-api-provider-aws/issues/1328
            raise Refusal("AuthFailure", "You do not have permission to access the specified resource.")
    if address.association_id:
        raise Refusal("InvalidIPAddress.InUse", f"Address {address.public_ip} is in use.")


def _delete_network_interface(ec2: EC2Backend, ask: Ask) -> None:
    interface = ec2.enis.get(ask["NetworkInterfaceId"])
    if interface is not None and is_used(interface) and interface.status == "in-use":
        raise Refusal("InvalidParameterValue", f"Network interface '{interface.id}' is currently in use.")


def _delete_nat_gateway(ec2: EC2Backend, ask: Ask) -> None:
    if ask["NatGatewayId"] not in ec2.nat_gateways:
        raise Refusal("NatGatewayNotFound", f"The Nat Gateway {ask['NatGatewayId']} was not found")


def _delete_volume(ec2: EC2Backend, ask: Ask) -> None:
    volume = ec2.volumes.get(ask["VolumeId"])
    if volume is not None and volume.attachment is not None:
        raise Refusal("VolumeInUse", f"Volume {volume.id} is currently attached to {volume.attachment.instance.id}")


def _balanced(ec2: EC2Backend, subnet_id: str) -> bool:
    """Whether a load balancer, which has an interface in each of its subnets on AWS, stands in the subnet."""
    modern = elbv2_backends[ec2.account_id][ec2.region_name].load_balancers.values()
    classic = elb_backends[ec2.account_id][ec2.region_name].load_balancers.values()
    return any(subnet_id in {each.id for each in lb.subnets} for lb in modern) or any(
        subnet_id in lb.subnets for lb in classic
    )


GUARDS: dict[str, Callable[[EC2Backend, Ask], None]] = {
    "DeleteVpc": _delete_vpc,
    "DeleteSubnet": _delete_subnet,
    "DeleteVolume": _delete_volume,
    "DeleteSecurityGroup": _delete_security_group,
    "DetachInternetGateway": _detach_internet_gateway,
    "ReleaseAddress": _release_address,
    "DeleteNetworkInterface": _delete_network_interface,
    "DeleteNatGateway": _delete_nat_gateway,
    **ipv6_actions.GUARDS,
}
