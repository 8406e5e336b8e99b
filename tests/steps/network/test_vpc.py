"""VPC: DNS attributes are repaired, the range cannot change in place."""

from __future__ import annotations

import dataclasses

import pytest
from support.account import Account, converge_all
from support.network import PRIVATE, VPC

from eksprov import errors
from eksprov.core.outcome import Status


@pytest.mark.parametrize("attribute", ["EnableDnsHostnames", "EnableDnsSupport"])
def test_a_dns_attribute_switched_off_is_switched_on_again(account: Account, attribute: str) -> None:
    vpc_id = converge_all((VPC,), account.aws())["vpc"].outputs["id"]
    account.plain("ec2").modify_vpc_attribute(VpcId=vpc_id, **{attribute: {"Value": False}})
    outcome = converge_all((VPC,), account.aws())["vpc"]
    assert outcome.status is Status.UPDATED
    name = attribute[0].lower() + attribute[1:]
    read = account.plain("ec2").describe_vpc_attribute(VpcId=vpc_id, Attribute=name)
    assert read[attribute]["Value"] is True


def test_another_range_is_refused_while_something_stands_in_it(account: Account) -> None:
    converge_all((VPC, PRIVATE), account.aws())
    account.tape.rewind()
    with pytest.raises(errors.ReplacementError, match=r"cidr \(10\.0\.0\.0/16 -> 10\.1\.0\.0/16\)"):
        converge_all((dataclasses.replace(VPC, cidr="10.1.0.0/16"),), account.aws())
    assert account.tape.mutating == []


def test_an_empty_one_is_made_again_with_another_range(account: Account) -> None:
    converge_all((VPC,), account.aws())
    assert converge_all((dataclasses.replace(VPC, cidr="10.1.0.0/16"),), account.aws())[VPC.name].good
    found = account.plain("ec2").describe_vpcs(Filters=[{"Name": "tag:eksprov:step", "Values": [VPC.name]}])["Vpcs"]
    assert [vpc["CidrBlock"] for vpc in found] == ["10.1.0.0/16"]


def test_a_vpc_that_vanishes_while_it_is_read_is_absent(account: Account) -> None:
    converge_all((VPC,), account.aws())
    account.tape.refuse("DescribeVpcAttribute", "InvalidVpcID.NotFound")
    assert VPC.discover(account.aws()) is None
