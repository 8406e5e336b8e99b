"""EC2: moto's, with the order of deletions, and NAT gateways and endpoints that take time."""

from __future__ import annotations

import re
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models import EC2Backend
from moto.ec2.responses import EC2Response
from moto.kms.models import kms_backends

from eksprov.local.aws.ec2.endpoint_actions import EndpointActions
from eksprov.local.aws.ec2.ipv6_actions import Ipv6Actions
from eksprov.local.aws.ec2.order import GUARDS
from eksprov.local.aws.ec2.reservation_actions import ReservationActions
from eksprov.local.aws.ec2.spot import SpotMixin
from eksprov.local.aws.ec2.template_actions import TemplateActions
from eksprov.local.aws.refusal import Refusal

EBS_ALIAS = "alias/aws/ebs"


class LocalEc2Response(SpotMixin, EndpointActions, Ipv6Actions, TemplateActions, ReservationActions, EC2Response):
    """Answers every request to EC2."""

    def before(self, action: str) -> None:
        if action in GUARDS:
            GUARDS[action](self._ec2, dict(self.params))

    def get_ebs_default_kms_key_id(self) -> Any:
        """GetEbsDefaultKmsKeyId: the ARN of the customer's that was set, else the alias of AWS's own
        (https://docs.aws.amazon.com/cli/latest/reference/ec2/get-ebs-default-kms-key-id.html)."""
        chosen, kms = self._ec2.default_kms_key_id, kms_backends[self.current_account][self.region]
        if not chosen or (kms.alias_exists(EBS_ALIAS) and kms.describe_key(EBS_ALIAS).arn == chosen):
            chosen = EBS_ALIAS
        return ActionResult({"KmsKeyId": chosen})

    def create_nat_gateway(self) -> Any:
        """CreateNatGateway: pending first; the same client token gives the same gateway."""
        asked = {key: value for key, value in dict(self.params).items() if key != "ClientToken"}
        token = self._get_param("ClientToken") or ""
        made = self.world.nat.made_with(self.region, token) if token else None
        if made is not None:
            if made[0] != asked:
                raise Refusal("IdempotentParameterMismatch", "The client token was used with other parameters")
            gateway: Any = self._ec2.nat_gateways.get(made[1])
            if gateway is not None:
                return ActionResult({"ClientToken": token, "NatGateway": gateway})
        self._check_allocation()
        before = set(self._ec2.nat_gateways)
        result = super().create_nat_gateway()
        (new,) = set(self._ec2.nat_gateways) - before
        gateway = self._ec2.nat_gateways[new]
        gateway.connectivity_type = "public"
        self.world.nat.created(self.region, gateway, token, asked)
        return result

    def create_route_table(self) -> Any:
        """CreateRouteTable: the same client token gives the same table, as long as it lives."""
        token = self._get_param("ClientToken") or ""
        table = self._ec2.route_tables.get(self.world.route_table_tokens.get((self.region, token), ""))
        if table is not None:
            return ActionResult({"ClientToken": token, "RouteTable": table})
        before = set(self._ec2.route_tables)
        result = super().create_route_table()
        if token:
            (self.world.route_table_tokens[self.region, token],) = set(self._ec2.route_tables) - before
        return result

    def create_security_group(self) -> Any:
        """CreateSecurityGroup: in a VPC that there is; moto takes any, and such a group has no rules of its own."""
        vpc_id = self._get_param("VpcId")
        if vpc_id and vpc_id not in self._ec2.vpcs:
            raise Refusal("InvalidVpcID.NotFound", f"The vpc ID '{vpc_id}' does not exist")
        return super().create_security_group()

    def delete_nat_gateway(self) -> Any:
        gateway = self._ec2.nat_gateways[self._get_param("NatGatewayId")]
        self.world.nat.deleting(self.region, gateway)
        return ActionResult({"NatGatewayId": gateway.id})

    def describe_nat_gateways(self) -> Any:
        """DescribeNatGateways: unknown ids are an error, and filters by tag count."""
        for wanted in self._get_param("NatGatewayIds", []):
            if wanted not in self._ec2.nat_gateways:
                raise Refusal("NatGatewayNotFound", f"The Nat Gateway {wanted} was not found")
        filters: dict[str, Any] = dict(self._filters_from_querystring())
        found = self._ec2.describe_nat_gateways(filters, self._get_param("NatGatewayIds", []))
        return ActionResult({"NatGateways": [each for each in found if _has_tags(each, filters)]})

    def describe_network_interfaces(self) -> Any:
        """DescribeNetworkInterfaces: where several tag keys are given, any of them will do; moto wants all."""
        filters: dict[str, Any] = dict(self._filters_from_querystring())
        keys = {"tag-key": filters.pop("tag-key")} if "tag-key" in filters else {}
        found = self._ec2.get_all_network_interfaces(self._get_param("NetworkInterfaceIds", []), filters)
        return ActionResult({"NetworkInterfaces": [each for each in found if _has_tags(each, keys)]})

    def delete_subnet(self) -> Any:
        """DeleteSubnet: its route table associations go with it."""
        subnet_id = self._get_param("SubnetId")
        result = super().delete_subnet()
        for table in self._ec2.route_tables.values():
            for key in [key for key, value in table._associations.items() if value == subnet_id]:
                del table._associations[key]
        return result

    @property
    def _ec2(self) -> EC2Backend:
        backend: EC2Backend = self.ec2_backend
        return backend

    def _check_allocation(self) -> None:
        allocation = self._get_param("AllocationId")
        if not allocation:
            raise Refusal("MissingParameter", "The request must include the AllocationId parameter.")
        address = next((each for each in self._ec2.addresses if each.allocation_id == allocation), None)
        if address is None:
            raise Refusal("InvalidAllocationID.NotFound", f"The allocation ID '{allocation}' does not exist")
        if address.association_id:
            raise Refusal("Resource.AlreadyAssociated", f"{allocation} is already associated.")


def _has_tags(resource: Any, filters: dict[str, Any]) -> bool:
    tags = {tag["key"]: tag["value"] for tag in resource.get_tags()}
    for name, wanted in filters.items():
        if name == "tag-key" and not any(_like(pattern, key) for pattern in wanted for key in tags):
            return False
        if name.startswith("tag:"):
            value = tags.get(name.removeprefix("tag:"))
            if value is None or not any(_like(pattern, value) for pattern in wanted):
                return False
    return True


def _like(pattern: str, value: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), value) is not None
