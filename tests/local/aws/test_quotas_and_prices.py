"""The emulated Service Quotas, Price List API, spot market and policy simulator, read with plain boto3."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from support.clock import VirtualClock
from support.kubernetes import StillKubernetes
from support.prices import PRODUCTS

from eksprov.local.aws.emulator import LocalAws
from eksprov.local.aws.inprocess import emulated_aws
from eksprov.local.aws.quotas import QUOTAS, WIDE
from eksprov.preflight.quotas import QUOTAS as READ

GPU = {"ServiceCode": "ec2", "QuotaCode": "L-DB2E81BA"}


@pytest.fixture
def world() -> Iterator[LocalAws]:
    with emulated_aws(StillKubernetes(), VirtualClock(1_800_000_000.0).now, products=PRODUCTS) as world:
        yield world


def code(refused: pytest.ExceptionInfo[ClientError]) -> str:
    return str(refused.value.response["Error"]["Code"])


def test_a_quota_has_an_applied_value_or_aws_default(world: LocalAws) -> None:
    quotas = boto3.client("service-quotas", region_name="us-west-2")
    assert quotas.get_service_quota(**GPU)["Quota"]["Value"] == WIDE
    world.quotas.set("L-DB2E81BA", 8)
    assert quotas.get_service_quota(**GPU)["Quota"]["Value"] == 8
    world.quotas.set("L-DB2E81BA", None)
    with pytest.raises(ClientError) as refused:
        quotas.get_service_quota(**GPU)
    assert code(refused) == "NoSuchResourceException"
    default = quotas.get_aws_default_service_quota(**GPU)["Quota"]
    assert (default["Value"], default["QuotaName"]) == (0, "Running On-Demand G and VT instances")


def test_a_code_of_another_service_is_no_quota(world: LocalAws) -> None:
    quotas = boto3.client("service-quotas", region_name="us-west-2")
    for call in (quotas.get_service_quota, quotas.get_aws_default_service_quota):
        with pytest.raises(ClientError) as refused:
            call(ServiceCode="vpc", QuotaCode="L-DB2E81BA")
        assert code(refused) == "NoSuchResourceException"


def test_every_quota_that_eksprov_reads_is_there_under_the_same_name() -> None:
    assert {(one.service, one.code, one.title) for one in READ} == {(one.service, one.code, one.name) for one in QUOTAS}


def test_products_are_those_of_the_table(world: LocalAws) -> None:
    pricing: Any = boto3.client("pricing", region_name="us-east-1")
    wanted = {"regionCode": "us-west-2", "instanceType": "m7i.large"}
    filters = [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in wanted.items()]
    (text,) = pricing.get_products(ServiceCode="AmazonEC2", Filters=filters)["PriceList"]
    product = json.loads(text)
    assert product["product"]["attributes"]["usagetype"] == "USW2-BoxUsage:m7i.large"
    assert product["terms"]["OnDemand"]["term"]["priceDimensions"]["rate"]["pricePerUnit"] == {"USD": "0.1008"}


def test_what_the_price_list_lacks_is_said(world: LocalAws) -> None:
    pricing: Any = boto3.client("pricing", region_name="us-east-1")
    with pytest.raises(ClientError) as refused:
        pricing.get_products(ServiceCode="AmazonMoon")
    assert code(refused) == "NotFoundException"
    with pytest.raises(ClientError) as refused:
        pricing.describe_services()
    assert code(refused) == "NotEmulatedException"


def test_spot_scores_and_prices(world: LocalAws) -> None:
    ec2: Any = boto3.client("ec2", region_name="us-west-2")
    ask = {"InstanceTypes": ["g5.xlarge"], "TargetCapacity": 2, "RegionNames": ["us-west-2"]}
    assert ec2.get_spot_placement_scores(**ask)["SpotPlacementScores"] == [{"Region": "us-west-2", "Score": 9}]
    world.spot_scores["g5.xlarge"] = 1
    assert ec2.get_spot_placement_scores(**ask)["SpotPlacementScores"][0]["Score"] == 1
    zones = ec2.get_spot_placement_scores(**ask, SingleAvailabilityZone=True)["SpotPlacementScores"]
    assert {zone["AvailabilityZoneId"] for zone in zones} >= {"usw2-az1", "usw2-az2"}
    history = ec2.describe_spot_price_history(InstanceTypes=["g5.xlarge", "x1.16xlarge"])["SpotPriceHistory"]
    assert {entry["InstanceType"] for entry in history} == {"g5.xlarge"}
    assert all(0 < float(entry["SpotPrice"]) < 1.006 for entry in history)


def test_the_simulator_knows_roles_and_the_administrator(world: LocalAws) -> None:
    iam: Any = boto3.client("iam")
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    statements = [
        {"Effect": "Allow", "Action": "eks:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "eks:DeleteCluster", "Resource": "*"},
    ]
    policy = {"Version": "2012-10-17", "Statement": statements}
    iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=json.dumps(policy))

    def decisions(arn: str) -> list[str]:
        actions = ["eks:CreateCluster", "eks:DeleteCluster", "ec2:CreateVpc"]
        results = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=actions)["EvaluationResults"]
        return [result["EvalDecision"] for result in results]

    assert decisions(role) == ["allowed", "explicitDeny", "implicitDeny"]
    assert decisions("arn:aws:iam::123456789012:user/local-admin") == ["allowed"] * 3
    with pytest.raises(ClientError) as refused:
        decisions("arn:aws:iam::123456789012:role/nobody")
    assert code(refused) == "NoSuchEntity"
