"""A private endpoint: one AWS service inside the VPC, so that nodes without a way to the internet can call it.

S3 and DynamoDB have gateway endpoints, which are routes and cost nothing; all others are interfaces in the subnets,
behind the service's usual name by private DNS (https://docs.aws.amazon.com/vpc/latest/privatelink/concepts.html).
AWS refuses a second interface endpoint with private DNS for the same service of a VPC, and a second gateway for the
same route table.

With IPv6, an endpoint has addresses of both families where its service does
(https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html). That is settled when it is made:
pods reach one without through their node.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, ClassVar

from eksprov import errors
from eksprov.aws.faults import code
from eksprov.aws.rights import ANYTHING, Place, Rights, on
from eksprov.aws.session import Aws
from eksprov.aws.waiting import NOT_SEEN_YET, SEEN_LIMIT_S, Passing, eventually
from eksprov.core.billing import BilledItem, Billing, Terms
from eksprov.core.change import Unknown
from eksprov.core.replacement import Order, Replacement
from eksprov.core.step import READY, Outputs, Owner, Phase, PhaseState, Timing, Traits
from eksprov.core.words import plural
from eksprov.steps.absent import none_if
from eksprov.steps.network.ec2 import Filters, Item, Tagged
from eksprov.steps.network.rights import made, ours, reads, tagged_anew

GATEWAY_SERVICES = ("dynamodb", "s3")
GONE = "InvalidVpcEndpointId.NotFound"
UNSEEN = (*NOT_SEEN_YET, Passing("InvalidGroup.NotFound"), Passing("InvalidRouteTableId.NotFound"))
MOVING = ("pending", "pendingacceptance", "partial")
FAILED = ("failed", "rejected", "expired")


@dataclass(frozen=True)
class VpcEndpointFacts:
    """Which service ("ecr.api"), where, and how: by interfaces in subnets behind groups, or by routes in tables."""

    vpc_id: str = field(metadata={"replace": True})
    service: str = field(metadata={"replace": True})
    gateway: bool = field(metadata={"replace": True})
    subnet_ids: frozenset[str]
    route_table_ids: frozenset[str]
    group_ids: frozenset[str]
    private_dns: bool
    state: str = field(default="available", compare=False)
    failure: str = field(default="", compare=False)
    id: str = field(default="", compare=False)
    owner: Owner | None = field(default=None, compare=False)


def _billed(_step: str, facts: VpcEndpointFacts, terms: Terms) -> Iterator[BilledItem]:
    """An interface endpoint is paid in each zone; gateway endpoints are free."""
    if not facts.gateway:
        not_yet = any(isinstance(subnet, Unknown) for subnet in facts.subnet_ids)  # and all such are alike in a set
        zones = Decimal(terms.zones if not_yet else len(facts.subnet_ids))
        yield BilledItem("vpc-endpoint", zones, f"interface endpoint {facts.service}, {zones} x")


@dataclass(frozen=True, kw_only=True)
class VpcEndpoint(Tagged[VpcEndpointFacts]):
    """Own the endpoint; its policy stays AWS's (everything the caller may do).

    `service` is the name's last part; `vpc`, `subnets`, `route_tables` and `security_group` are step names; `ipv6` asks
    for addresses of both families.
    """

    kind: ClassVar[str] = "vpc-endpoint"
    billing: ClassVar[Billing | None] = Billing(_billed)
    ec2_type: ClassVar[str] = "vpc-endpoint"
    ec2_create: ClassVar[str] = "CreateVpcEndpoint"
    id_key: ClassVar[str] = "VpcEndpointId"
    traits: ClassVar[Traits] = replace(Tagged.traits, holding=True, named=True, recreate_failed=True)
    # No published figure was found for either; measured values may replace them.
    timing: ClassVar[Timing] = Timing(create_s=75.0, delete_s=30.0, create_limit_s=900.0, delete_limit_s=900.0)
    vpc: str = ""
    service: str = ""
    subnets: tuple[str, ...] = ()
    route_tables: tuple[str, ...] = ()
    security_group: str = ""
    ipv6: bool = False

    @property
    def replacement(self) -> Replacement:
        """A second one cannot stand beside it."""
        return Replacement(Order.DELETE_FIRST, "its service is reached over NAT, or not at all")

    def desired(self, outputs: Outputs) -> VpcEndpointFacts:
        """In every private subnet, or in every private route table."""
        gateway = self.service in GATEWAY_SERVICES
        groups = frozenset((outputs.get(self.security_group, "id"),)) if self.security_group else frozenset()
        return VpcEndpointFacts(
            vpc_id=outputs.get(self.vpc, "id"),
            service=self.service,
            gateway=gateway,
            subnet_ids=frozenset(outputs.get(subnet, "id") for subnet in self.subnets),
            route_table_ids=frozenset(outputs.get(table, "id") for table in self.route_tables),
            group_ids=groups,
            private_dns=not gateway,
        )

    def describe(self, want: VpcEndpointFacts) -> str:
        """What is created, for the plan."""
        if want.gateway:
            return f"gateway endpoint of {want.service}, in {plural(len(self.route_tables), 'route table')}"
        return f"interface endpoint of {want.service}, in {plural(len(self.subnets), 'subnet')}"

    @classmethod
    def load(cls, aws: Aws, filters: Filters) -> list[Item]:
        """All pages of DescribeVpcEndpoints, without those that are gone but still listed."""
        pages = aws.clients.ec2.get_paginator("describe_vpc_endpoints").paginate(Filters=filters)
        found = [dict(endpoint) for page in pages for endpoint in page["VpcEndpoints"]]
        return [endpoint for endpoint in found if _state(endpoint) != "deleted"]

    def read(self, aws: Aws, item: Item, owner: Owner | None) -> VpcEndpointFacts:
        gateway = item.get("VpcEndpointType", "Interface") == "Gateway"
        error = item.get("LastError") or {}
        return VpcEndpointFacts(
            vpc_id=item["VpcId"],
            service=short_name(item["ServiceName"], aws.region),
            gateway=gateway,
            subnet_ids=frozenset(item.get("SubnetIds") or ()),
            route_table_ids=frozenset(item.get("RouteTableIds") or ()),
            group_ids=frozenset(group["GroupId"] for group in item.get("Groups") or ()),
            private_dns=bool(item.get("PrivateDnsEnabled")) and not gateway,
            state=_state(item),
            failure=": ".join(part for part in (error.get("Code"), error.get("Message")) if part),
            id=item["VpcEndpointId"],
            owner=owner,
        )

    def phase(self, have: VpcEndpointFacts) -> Phase:
        if have.state in MOVING:
            return Phase(PhaseState.MOVING, f"endpoint is {have.state}")
        if have.state == "deleting":
            return Phase(PhaseState.LEAVING, "endpoint is being deleted")
        if have.state in FAILED:
            return Phase(
                PhaseState.FAILED, f"endpoint {have.id} {have.state}: {have.failure or 'AWS does not say why'}"
            )
        return READY

    def create(self, aws: Aws, want: VpcEndpointFacts, token: str) -> dict[str, str]:
        """The token is always passed: the SDK fills it in for other calls, but not for this one."""
        request: dict[str, Any] = {
            "VpcId": want.vpc_id,
            "VpcEndpointType": "Gateway" if want.gateway else "Interface",
            "ClientToken": token,
            "TagSpecifications": self.tag_specification(aws, "vpc-endpoint"),
        }
        if want.gateway:
            request["RouteTableIds"] = sorted(want.route_table_ids)
        else:
            request |= {
                "SubnetIds": sorted(want.subnet_ids),
                "SecurityGroupIds": sorted(want.group_ids),
                "PrivateDnsEnabled": want.private_dns,
            }
        for name in full_names(aws.region, want.service):
            families = _families(aws, name, request["VpcEndpointType"]) if self.ipv6 else {}
            if made := self._made(aws, {**request, **families, "ServiceName": name}):
                return {"id": made}
        raise errors.ProvisioningError(
            f"{self.name}: AWS offers no endpoint for {want.service!r} in {aws.region}",
            "take it out of network.endpoints, or see which there are: aws ec2 describe-vpc-endpoint-services",
        )

    def _made(self, aws: Aws, request: dict[str, Any]) -> str:
        """The id of the new endpoint; empty where there is no service of this name."""
        from botocore.exceptions import ClientError

        ec2 = aws.clients.ec2
        try:
            answer = eventually(aws, lambda: ec2.create_vpc_endpoint(**request), UNSEEN, limit_s=SEEN_LIMIT_S)
        except ClientError as error:
            if code(error) != "InvalidServiceName":
                raise
            return ""
        return answer["VpcEndpoint"]["VpcEndpointId"]

    def update(
        self,
        aws: Aws,
        want: VpcEndpointFacts,
        have: VpcEndpointFacts,
        fields: tuple[str, ...],
    ) -> None:
        """One call: what is to be added and what is to go."""
        change: dict[str, Any] = {}
        lists = {"subnet_ids": "SubnetIds", "route_table_ids": "RouteTableIds", "group_ids": "SecurityGroupIds"}
        for name in set(lists) & set(fields):
            wanted, there = getattr(want, name), getattr(have, name)
            change[f"Add{lists[name]}"] = sorted(wanted - there)
            change[f"Remove{lists[name]}"] = sorted(there - wanted)
        if "private_dns" in fields:
            change["PrivateDnsEnabled"] = want.private_dns
        sent = {key: value for key, value in change.items() if value != []}
        aws.clients.ec2.modify_vpc_endpoint(VpcEndpointId=have.id, **sent)

    def delete(self, aws: Aws, have: VpcEndpointFacts) -> None:
        """Refusals of single endpoints come in an answer that looks like success. Raises: ProvisioningError."""
        answer = aws.clients.ec2.delete_vpc_endpoints(VpcEndpointIds=[have.id])
        for refusal in answer.get("Unsuccessful") or []:
            error = refusal.get("Error", {})
            if error.get("Code") != GONE:
                raise errors.ProvisioningError(
                    f"{self.name}: AWS did not delete endpoint {have.id}: {error.get('Message')} ({error.get('Code')})",
                    "run the same command again",
                )

    def outputs(self, have: VpcEndpointFacts) -> dict[str, str]:
        return {"id": have.id}

    @classmethod
    def rights(cls, place: Place) -> Rights:
        """An interface endpoint's private DNS is a hosted zone of the service's, which this action asks for too."""
        zone = on(ANYTHING, "route53:AssociateVPCWithHostedZone")
        parents = ("vpc", "subnet", "security-group", "route-table")
        ipv6 = any(step.ipv6 for step in place.of(cls))
        families = reads("DescribeVpcEndpointServices") if ipv6 else ()
        return Rights(
            read=reads("DescribeVpcEndpoints"),
            make=(*made(place, cls, *parents), *zone, *families),
            change=ours(place, ("vpc-endpoint", *parents[1:]), "ec2:ModifyVpcEndpoint"),
            delete=ours(place, ("vpc-endpoint",), "ec2:DeleteVpcEndpoints"),
            list_owned=reads("DescribeVpcEndpoints"),
            tag=tagged_anew(place, cls),
        )


def _families(aws: Aws, name: str, kind: str) -> dict[str, str]:
    """The parameter for both families of addresses; empty where the service has none of IPv6, or is not there."""
    ask: Any = {"ServiceNames": [name]}
    answer = none_if(lambda: aws.clients.ec2.describe_vpc_endpoint_services(**ask), "InvalidServiceName")
    details = answer["ServiceDetails"] if answer is not None else []
    found = [one for one in details if kind in {each.get("ServiceType") for each in one.get("ServiceType", [])}]
    both = any("ipv6" in one.get("SupportedIpAddressTypes", []) for one in found)
    return {"IpAddressType": "dualstack"} if both else {}


def short_name(service_name: str, region: str) -> str:
    """`ecr.api` of `com.amazonaws.us-west-2.ecr.api`; in China some begin with `cn.`."""
    return service_name.split(f".{region}.", 1)[-1]


def full_names(region: str, service: str) -> tuple[str, ...]:
    """What the service may be called in the region: China has two kinds of names, everybody else one."""
    name = f"com.amazonaws.{region}.{service}"
    return (name, f"cn.{name}") if region.startswith("cn-") else (name,)


def _state(item: Item) -> str:
    """EC2 writes states with either case."""
    return str(item.get("State", "available")).lower()
