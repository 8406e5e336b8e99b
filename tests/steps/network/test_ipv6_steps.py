"""The kinds of an IPv6 stack one by one: what is not known yet, what is put back, what is refused, what is left out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import IPv6Network
from typing import Any

import pytest
from support.bench import Bench
from support.stage import Theatre, everything

from eksprov import errors
from eksprov.config.schema import Config
from eksprov.core.change import UNKNOWN
from eksprov.core.outcome import Status
from eksprov.core.step import Outputs
from eksprov.steps.network.existing_network import fit
from eksprov.steps.network.subnet import Subnet
from eksprov.steps.network.vpc import Vpc


def config(**network: Any) -> Config:
    data = everything("ipv6").model_dump(mode="json", exclude_unset=True)
    return Config.model_validate_json(json.dumps({**data, "network": {**data["network"], **network}}))


@pytest.fixture
def bench(theatre: Theatre) -> Iterator[Bench]:
    with theatre.stage(config()) as stage:
        yield Bench(stage)


def test_parts_of_a_range_that_aws_has_yet_to_choose_are_not_known_yet(bench: Bench) -> None:
    subnet = bench.steps["subnet/private-2"]
    assert subnet.desired(Outputs()).ipv6_cidr is UNKNOWN
    known = Outputs({"vpc": {"id": "vpc-1", "ipv6_cidr": "2600:1f14:abc:d00::/56"}})
    assert subnet.desired(known).ipv6_cidr == "2600:1f14:abc:d01::/64"
    public = bench.steps["subnet/public-2"].desired(known)
    assert (public.ipv6_cidr, public.ipv6_assigned) == ("2600:1f14:abc:d81::/64", True)


def test_a_range_that_was_taken_from_the_vpc_comes_back_before_subnets_are_cut_from_it(bench: Bench) -> None:
    vpc, ec2 = bench.make("vpc").outputs, bench.plain("ec2")
    (found,) = ec2.describe_vpcs(VpcIds=[vpc["id"]])["Vpcs"]
    ec2.disassociate_vpc_cidr_block(AssociationId=found["Ipv6CidrBlockAssociationSet"][0]["AssociationId"])
    outcome = bench.again(bench.steps["vpc"])
    assert (outcome.status, bench.calls()) == (Status.UPDATED, ["AssociateVpcCidrBlock"])
    assert outcome.outputs["ipv6_cidr"] != vpc["ipv6_cidr"]
    assert bench.make("subnet/private-1").status is Status.CREATED


def test_a_range_that_others_gave_a_subnet_is_named_and_left(bench: Bench) -> None:
    bench.make("subnet/private-1")
    step = bench.steps["subnet/private-1"]
    assert isinstance(step, Subnet)
    bench.outputs.put("vpc", {**bench.outputs.of("vpc"), "ipv6_cidr": "2600:1f14:abc:d00::/56"})
    with pytest.raises(errors.ReplacementError, match="which others gave it"):
        bench.again(step)
    assert bench.calls() == []


def test_an_ipv4_stack_leaves_an_ipv6_range_of_its_vpc_alone(theatre: Theatre) -> None:
    with theatre.stage() as stage:
        bench = Bench(stage)
        made = bench.make("vpc").outputs
        bench.plain("ec2").associate_vpc_cidr_block(VpcId=made["id"], AmazonProvidedIpv6CidrBlock=True)
        step = bench.steps["vpc"]
        assert isinstance(step, Vpc)
        bench.settles(step)


def test_a_gateway_asked_for_twice_under_one_token_is_one(bench: Bench) -> None:
    outcome = bench.make("egress-only-internet-gateway")
    sent = next(call for call in bench.tape.mutating if call.operation == "CreateEgressOnlyInternetGateway")
    assert len(sent.params["ClientToken"]) == 64
    again = bench.plain("ec2").create_egress_only_internet_gateway(**sent.params)["EgressOnlyInternetGateway"]
    assert again["EgressOnlyInternetGatewayId"] == outcome.outputs["id"]


def test_without_nat_gateways_nothing_leaves_by_ipv6_either(theatre: Theatre) -> None:
    with theatre.stage(config(nat_gateways="none", private_endpoints=True)) as stage:
        steps = Bench(stage).steps
    assert "egress-only-internet-gateway" not in steps
    assert all(not getattr(step, "gateway_ipv6", "") for step in steps.values())


def test_only_nitro_instances_can_be_nodes_of_an_ipv6_cluster(theatre: Theatre) -> None:
    group = {"name": "old", "instance_types": ["m4.large"]}
    data = config().model_dump(mode="json", exclude_unset=True)
    with theatre.stage(Config.model_validate_json(json.dumps({**data, "node_groups": [group]}))) as stage:
        problem = getattr(Bench(stage).steps["launch-template/old"], "problem", "")
    assert problem == "m4.large cannot be a node of an ipv6 cluster, only Nitro instances can"


def brought(bench: Bench, *, ready: bool) -> Config:
    """A VPC of somebody else's with two private subnets and a way out; `ready` for an IPv6 cluster."""
    ec2 = bench.plain("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16", AmazonProvidedIpv6CidrBlock=ready)["Vpc"]["VpcId"]
    for attribute in ("EnableDnsSupport", "EnableDnsHostnames"):
        ec2.modify_vpc_attribute(VpcId=vpc, **{attribute: {"Value": True}})
    bench.clock.sleep(60)
    (found,) = ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    (table,) = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    ec2.create_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    subnets = []
    for number, zone in enumerate(("us-west-2a", "us-west-2b")):
        more = {}
        if ready:
            whole = found["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
            more["Ipv6CidrBlock"] = str([*IPv6Network(whole).subnets(new_prefix=64)][number])
        cidr = f"10.9.{number}.0/24"
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=zone, **more)["Subnet"]["SubnetId"]
        if ready:
            ec2.modify_subnet_attribute(SubnetId=subnet, AssignIpv6AddressOnCreation={"Value": True})
        subnets.append(subnet)
    data = config().model_dump(mode="json", exclude_unset=True)
    return Config.model_validate_json(
        json.dumps({**data, "network": {"ip_family": "ipv6", "vpc_id": vpc, "subnet_ids": subnets}})
    )


def test_a_vpc_that_exists_is_checked_for_all_that_ipv6_needs_and_each_cure_is_named(bench: Bench) -> None:
    poor = brought(bench, ready=False)
    with pytest.raises(errors.UsageError) as caught:
        fit(bench.aws(), poor)
    for cure in ("associate-vpc-cidr-block", "associate-subnet-cidr-block"):
        assert cure in caught.value.message
    rich = brought(bench, ready=True)
    subnets, _ = fit(bench.aws(), rich)
    assert all(subnet.ipv6_cidr and subnet.ipv6_assigned for subnet in subnets)
    bench.plain("ec2").modify_subnet_attribute(
        SubnetId=rich.network.subnet_ids[0], AssignIpv6AddressOnCreation={"Value": False}
    )
    with pytest.raises(errors.UsageError, match=f"{rich.network.subnet_ids[0]} without IPv6 addresses for new"):
        fit(bench.aws(), rich)
