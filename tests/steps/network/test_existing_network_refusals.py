"""A VPC that exists is examined: what EKS would refuse is said before the first create, what breaks later by a step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support.stage import STACK_ID
from support.team import Team

from eksprov import errors
from eksprov.config.schema import Config
from eksprov.core.outcome import Status
from eksprov.core.step import Owner
from eksprov.operations.commands.plan import make_plan
from eksprov.steps.network.existing_subnet import ExistingSubnet


def fill(subnet_id: str, left: int = 3) -> None:
    """Nearly no address is free any more: the emulator's own count, so that no test makes thousands of interfaces."""
    from moto.ec2.models import ec2_backends

    backend = ec2_backends["123456789012"]["us-west-2"]
    subnet: Any = backend.get_subnet(subnet_id)
    taken = sum(interface.subnet.id == subnet_id for interface in backend.enis.values())
    subnet._available_ip_addresses = left + taken


def other_zone(team: Team) -> Config:
    """Both private subnets in one zone."""
    made = team.ec2.create_subnet(VpcId=team.ids["vpc_id"], CidrBlock="10.20.64.0/24", AvailabilityZone=zone(team))
    ids = (team.ids["subnet_ids"][0], made["Subnet"]["SubnetId"])
    return with_network(team, subnet_ids=ids, public_subnet_ids=())


def zone(team: Team) -> str:
    (subnet,) = team.ec2.describe_subnets(SubnetIds=team.ids["subnet_ids"][:1])["Subnets"]
    return str(subnet["AvailabilityZone"])


def with_network(team: Team, **more: Any) -> Config:
    return team.config.model_copy(update={"network": team.config.network.model_copy(update=more)})


def full(team: Team) -> Config:
    fill(team.ids["subnet_ids"][0])
    return team.config


def no_hostnames(team: Team) -> Config:
    team.ec2.modify_vpc_attribute(VpcId=team.ids["vpc_id"], EnableDnsHostnames={"Value": False})
    return team.config


def no_vpc(team: Team) -> Config:
    return with_network(team, vpc_id="vpc-00000000")


def no_subnet(team: Team) -> Config:
    return with_network(team, subnet_ids=(team.ids["subnet_ids"][0], "subnet-0badbadbadbadbad0"))


def foreign_subnet(team: Team) -> Config:
    vpc = team.ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
    made = team.ec2.create_subnet(VpcId=vpc, CidrBlock="10.99.0.0/24")["Subnet"]["SubnetId"]
    return with_network(team, subnet_ids=(team.ids["subnet_ids"][0], made))


def no_way_out(team: Team) -> Config:
    for table in team.ec2.describe_route_tables()["RouteTables"]:
        if any(route.get("NatGatewayId") for route in table["Routes"]):
            team.ec2.delete_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0")
    return team.config


def no_way_to_the_endpoint(team: Team) -> Config:
    config = no_way_out(team)
    cluster = config.cluster.model_copy(update={"endpoint_private_access": False})
    return config.model_copy(update={"cluster": cluster})


def overlapping(team: Team) -> Config:
    cluster = team.config.cluster.model_copy(update={"service_ipv4_cidr": "10.20.0.0/16"})
    return team.config.model_copy(update={"cluster": cluster})


def excluded(team: Team) -> Config:
    (subnet,) = team.ec2.describe_subnets(SubnetIds=team.ids["subnet_ids"][:1])["Subnets"]
    return with_network(team, exclude_zone_ids=(subnet["AvailabilityZoneId"],))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (other_zone, "private subnets are in 1 zone"),
        (full, "3 free addresses, EKS needs 6"),
        (no_hostnames, "DNS hostnames"),
        (no_vpc, "no VPC vpc-00000000"),
        (no_subnet, "no subnet subnet-0badbadbadbadbad0"),
        (foreign_subnet, "no subnet subnet-"),
        (no_way_out, "no endpoint for ec2, ecr.api"),
        (no_way_to_the_endpoint, "cluster.endpoint_private_access is false: nodes could not join"),
        (overlapping, "overlaps cluster.service_ipv4_cidr"),
        (excluded, "network.exclude_zone_ids names"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_eks_would_refuse_is_said_before_anything_is_made(
    team: Team, spoil: Callable[[Team], Config], said: str
) -> None:
    config = spoil(team)
    team.again()
    for command in (team.stage.provision, lambda wanted: make_plan(team.stage.opened(wanted, mint=False))):
        with pytest.raises(errors.UsageError, match=said):
            command(config)
    assert team.stage.tape.mutating == []
    assert team.stage.world() == team.before
    assert team.stage.store.load() is None


def test_endpoints_are_a_way_out_too(team: Team) -> None:
    config = no_way_out(team)
    for service in ("ec2", "ecr.api", "ecr.dkr", "eks-auth", "s3"):
        kind = {"VpcEndpointType": "Interface", "SubnetIds": team.ids["subnet_ids"]}
        name = f"com.amazonaws.us-west-2.{service}"
        more = {"VpcEndpointType": "Gateway"} if service == "s3" else kind
        team.ec2.create_vpc_endpoint(VpcId=team.ids["vpc_id"], ServiceName=name, **more)
    team.stage.clock.sleep(100)
    assert team.stage.opened(config).settled.notes == ()


def test_what_is_merely_unwise_is_a_note(team: Team) -> None:
    first, second = team.ids["subnet_ids"]
    team.ec2.delete_tags(Resources=[first], Tags=[{"Key": "kubernetes.io/role/internal-elb"}])
    fill(second, 9)
    notes = team.stage.opened(team.config).settled.notes
    assert any(first in note and "internal-elb" in note for note in notes)
    assert any(second in note and "9 free addresses" in note for note in notes)
    assert len(notes) == 2


def test_subnets_may_fill_up_once_the_cluster_is_there(team: Team) -> None:
    stage = team.stage
    assert stage.provision(team.config).ok
    for subnet in stage.account.plain("ec2").describe_subnets(SubnetIds=team.ids["subnet_ids"])["Subnets"]:
        assert subnet["AvailableIpAddressCount"] > 0
    fill(team.ids["subnet_ids"][0])
    assert {outcome.status for outcome in stage.provision(team.config).outcomes} == {Status.UNCHANGED}


def test_what_breaks_later_fails_its_step_and_does_not_hinder_a_teardown(team: Team) -> None:
    stage = team.stage
    assert stage.provision(team.config).ok
    no_hostnames(team)
    failed = [outcome for outcome in stage.provision(team.config).outcomes if outcome.status is Status.FAILED]
    assert [outcome.name for outcome in failed] == ["existing-vpc"]
    assert "DNS hostnames" in failed[0].message
    assert stage.tape.mutating == []
    assert stage.teardown(team.config).ok


def test_a_subnet_of_another_vpc_or_a_closed_zone_is_refused_by_its_step(team: Team) -> None:
    aws, subnet = team.stage.aws(Owner("existing-vpc", STACK_ID)), team.ids["subnet_ids"][0]
    step = ExistingSubnet(name="s", slug=subnet)
    found: Any = step.discover(aws)
    assert step.phase(found).state.value == "ready"
    assert "not in vpc-other" in ExistingSubnet(name="s", slug=subnet, vpc_id="vpc-other").phase(found).message
    assert "use1-az3" in step.phase(replace(found, zone_id="use1-az3")).message
