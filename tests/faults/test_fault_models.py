"""The faults of the local world, one by one: what the caller sees, and what AWS has done."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from support.clock import VirtualClock
from support.kubernetes import StillKubernetes
from support.stage import Theatre

from eksprov.local.aws.conditions import Conditions
from eksprov.local.aws.ec2.capacity import Shortage
from eksprov.local.aws.inprocess import emulated_aws
from eksprov.local.faults.buckets import Buckets
from eksprov.local.faults.fates import AFTER_S
from eksprov.local.faults.inject import Crash, Faults, injected
from eksprov.local.faults.named import plan_of
from eksprov.local.faults.plan import Fate, Fault, FaultPlan, Lag
from eksprov.local.faults.wire import Asked, refused

REGION = "us-west-2"
ONCE = Config(retries={"total_max_attempts": 1})


@contextmanager
def world(plan: FaultPlan) -> Iterator[tuple[Any, VirtualClock, Faults]]:
    clock = VirtualClock(1_800_000_000.0)
    with emulated_aws(StillKubernetes(), clock.now) as emulator:
        faults = Faults(emulator, plan, REGION, clock.sleep)
        with injected(faults.around):
            yield (lambda service: boto3.client(service, region_name=REGION, config=ONCE)), clock, faults


def vpcs(client: Any) -> int:
    """Beside the default one."""
    return len(client("ec2").describe_vpcs()["Vpcs"]) - 1


@pytest.mark.parametrize(
    ("kind", "error", "made"),
    [
        ("crash", Crash, 0),
        ("crash-after", Crash, 1),
        ("reset", ConnectionClosedError, 0),
        ("drop", ConnectionClosedError, 1),
        ("hang", ReadTimeoutError, 0),
        ("hang-after", ReadTimeoutError, 1),
        ("fail-after", ClientError, 1),
    ],
)
def test_what_the_caller_sees_and_what_aws_has_done(kind: str, error: type[BaseException], made: int) -> None:
    with world(FaultPlan(faults=(Fault(kind, "CreateVpc"),))) as (client, _, faults):
        with pytest.raises(error):
            client("ec2").create_vpc(CidrBlock="10.0.0.0/16")
        assert vpcs(client) == made
        assert faults.struck == [(kind, "CreateVpc")]


def test_a_refused_call_is_not_carried_out() -> None:
    fault = Fault("refuse", "CreateVpc", code="VpcLimitExceeded", message="too many")
    with world(FaultPlan(faults=(fault,))) as (client, _, _faults):
        with pytest.raises(ClientError, match="VpcLimitExceeded") as caught:
            client("ec2").create_vpc(CidrBlock="10.0.0.0/16")
        assert caught.value.response["Error"]["Message"] == "too many"
        assert vpcs(client) == 0


@pytest.mark.parametrize("delay_s", [0.0, 7.0])
def test_a_call_delivered_twice_is_carried_out_twice(delay_s: float) -> None:
    with world(FaultPlan(faults=(Fault("twice", "CreateVpc", delay_s=delay_s),))) as (client, clock, _):
        client("ec2").create_vpc(CidrBlock="10.0.0.0/16")
        clock.sleep(10)
        client("ec2").describe_subnets()  # what is late comes before the next call
        assert vpcs(client) == 2


def test_the_nth_call_is_struck_and_no_other() -> None:
    fault = Fault("refuse", at=2, mutating=True, code="throttle")
    with world(FaultPlan(faults=(fault,))) as (client, _, faults):
        client("ec2").create_vpc(CidrBlock="10.0.0.0/16")
        client("ec2").describe_vpcs()
        with pytest.raises(ClientError, match="RequestLimitExceeded"):
            client("ec2").create_vpc(CidrBlock="10.1.0.0/16")
        client("ec2").create_vpc(CidrBlock="10.2.0.0/16")
        assert vpcs(client) == 2
        assert len(faults.struck) == 1


READS = {
    "autoscaling": "describe_auto_scaling_groups",
    "ec2": "describe_vpcs",
    "ecr": "describe_repositories",
    "eks": "list_clusters",
    "elasticloadbalancing": "describe_load_balancers",
    "iam": "list_roles",
    "logs": "describe_log_groups",
    "s3": "list_buckets",
    "sns": "list_topics",
    "sts": "get_caller_identity",
}  # by signing name
CLIENTS = {"elasticloadbalancing": "elbv2"}  # where boto3 has another


@pytest.mark.parametrize("service", READS)
@pytest.mark.parametrize("code", ["throttle", "denied", "expired"])
def test_every_service_spells_its_errors_so_that_botocore_reads_them(service: str, code: str) -> None:
    with world(FaultPlan(faults=(Fault("refuse", times=0, code=code),))) as (client, _, _faults):
        with pytest.raises(ClientError) as caught:
            getattr(client(CLIENTS.get(service, service)), READS[service])()
        status, headers, body = refused(service, code, "", 400)
        said = caught.value.response
        assert said["ResponseMetadata"]["HTTPStatusCode"] == status
        assert said["Error"]["Code"] in body.decode() + headers.get("x-amzn-errortype", "")


def test_what_was_just_made_is_hidden_and_then_seen() -> None:
    lag = Lag(ec2_s=100, tags_s=100, flaps=False)
    with world(FaultPlan(lag=lag)) as (client, clock, faults):
        ec2 = client("ec2")
        tags = [{"ResourceType": "vpc", "Tags": [{"Key": "a", "Value": "b"}]}]
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags)["Vpc"]["VpcId"]
        assert vpcs(client) == 0
        with pytest.raises(ClientError, match=r"InvalidVpcID\.NotFound"):
            ec2.describe_vpcs(VpcIds=[vpc])
        with pytest.raises(ClientError, match=r"InvalidVpcID\.NotFound"):
            ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")
        clock.sleep(101)
        assert ec2.describe_vpcs(Filters=[{"Name": "tag:a", "Values": ["b"]}])["Vpcs"][0]["VpcId"] == vpc
        ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")
        assert faults.hiding is not None
        assert faults.hiding.hidden > 0


def test_a_deletion_sees_everything() -> None:
    lag = Lag(ec2_s=100, tags_s=100, flaps=False)
    with world(FaultPlan(lag=lag)) as (client, _, _faults):
        vpc = client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        client("ec2").delete_vpc(VpcId=vpc)
        assert vpcs(client) == 0


def test_the_world_moves_on_by_what_is_there_whoever_may_not_see_it() -> None:
    with Theatre().stage(speed=1.0) as stage:
        hidden = Faults(stage.emulator, FaultPlan(lag=Lag(ec2_s=1e6, flaps=False)), REGION, stage.clock.sleep)
        ec2 = boto3.client("ec2", region_name=REGION)
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(VpcId=vpc, InternetGatewayId=gateway)
        address = ec2.allocate_address(Domain="vpc")["AllocationId"]
        ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)
        with injected(hidden.around):
            ec2.create_security_group(GroupName="a", Description="a", VpcId=vpc)  # notices what is new, and hides it
            stage.clock.sleep(99)
            assert ec2.describe_internet_gateways()["InternetGateways"] == []
        assert [nat["State"] for nat in ec2.describe_nat_gateways()["NatGateways"]] == ["available"]


def test_buckets_run_dry_and_fill_again() -> None:
    buckets = Buckets()
    call = Asked("ec2", "CreateNatGateway", True, "", "")
    assert [buckets.takes(call, 0.0) for _ in range(11)] == [True] * 10 + [False]
    assert buckets.takes(call, 1.0)
    assert buckets.drained == ["CreateNatGateway"]


def test_a_fate_strikes_what_was_made_and_health_says_why() -> None:
    fate = Fate("nodegroup", "InsufficientFreeAddresses", "no address is left")
    with Theatre().stage(speed=1.0) as stage:
        faults = Faults(stage.emulator, FaultPlan(fates=(fate,)), REGION, stage.clock.sleep)
        with injected(faults.around):
            report = stage.provision()
        failed = {outcome.name: outcome.message for outcome in report.outcomes if not outcome.good}
        assert "no address is left" in failed["node-group/workers"]
        assert report.seconds > AFTER_S
        assert stage.provision().ok


def test_a_plan_survives_being_written_down() -> None:
    plan = FaultPlan(7, (Fault("drop", "Create*", at=3, mutating=True),), Lag(ec2_s=5), (Fate("cluster"),), True, 0.1)
    short = Conditions((Shortage("g5.xlarge"),), (("L-DB2E81BA", 0.0),), nodes_join=False, ailing="AccessDenied")
    plan = replace(plan, conditions=short)
    assert FaultPlan.from_json(plan.to_json()) == plan
    assert len(plan.parts()) == 6
    with pytest.raises(ValueError, match="not a fault plan"):
        FaultPlan.from_json(json.dumps({"no": "plan"}))
    with pytest.raises(ValueError, match="no such fault"):
        Fault("flood")
    assert random.Random(plan.seed).random() == random.Random(7).random()


def test_faults_by_name_are_one_plan_and_the_seed_decides_where_they_strike() -> None:
    names = ("lost-answers", "role-lag", "stale-reads", "throttle", "nodegroup-create-failed:AccessDenied")
    plan = plan_of(names, 7)
    assert plan == plan_of(names, 7) != plan_of(names, 8)
    assert plan.lag == Lag(ec2_s=20, tags_s=20, iam_s=10, usable_s=60)
    assert [fate.code for fate in plan.fates] == ["AccessDenied"]
    strikes = [fault.at for fault in plan.faults]
    assert min(later - at for at, later in itertools.pairwise(strikes)) >= 2  # a second try can succeed
    with pytest.raises(ValueError, match="no such fault: 'flood'"):
        plan_of(("flood",), 0)
