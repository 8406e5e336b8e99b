"""Subnet: its tag is repaired, its place is fixed, and only what the CNI leaked is cleared away."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from support.account import Account, converge_all, run_of
from support.network import PRIVATE, PUBLIC, VPC

from eksprov import errors
from eksprov.aws.tags import as_dict, as_list
from eksprov.core.convergence.converge import remove
from eksprov.core.outcome import Status
from eksprov.core.step import Outputs
from eksprov.steps.network.subnet import Subnet

CNI = {"cluster.k8s.amazonaws.com/name": "demo", "eks:eni:owner": "amazon-vpc-cni"}


def role_tags(account: Account, subnet_id: str) -> dict[str, str]:
    subnet = account.plain("ec2").describe_subnets(SubnetIds=[subnet_id])["Subnets"][0]
    return {k: v for k, v in as_dict(subnet["Tags"]).items() if k.startswith("kubernetes.io/")}


@pytest.mark.parametrize("step", [PUBLIC, PRIVATE], ids=["public", "private"])
def test_the_load_balancer_tag_is_put_back_and_the_wrong_one_taken_off(account: Account, step: Subnet) -> None:
    ec2, subnet_id = account.plain("ec2"), converge_all((VPC, step), account.aws())[step.name].outputs["id"]
    right = role_tags(account, subnet_id)
    wrong = "kubernetes.io/role/internal-elb" if step.public else "kubernetes.io/role/elb"
    ec2.delete_tags(Resources=[subnet_id], Tags=[{"Key": key} for key in right])
    assert converge_all((VPC, step), account.aws())[step.name].status is Status.UPDATED
    assert role_tags(account, subnet_id) == right
    ec2.create_tags(Resources=[subnet_id], Tags=[{"Key": wrong, "Value": "1"}])
    assert converge_all((VPC, step), account.aws())[step.name].status is Status.UPDATED
    assert role_tags(account, subnet_id) == right


@pytest.mark.parametrize(("field", "value"), [("cidr", "10.0.16.0/20"), ("zone_id", "usw2-az2")], ids=["cidr", "zone"])
def test_an_empty_one_is_made_again_in_another_place_and_a_full_one_refuses(
    account: Account, field: str, value: str
) -> None:
    outcome = converge_all((VPC, PUBLIC), account.aws())[PUBLIC.name]
    elsewhere: dict[str, Any] = {field: value}
    moved = dataclasses.replace(PUBLIC, **elsewhere)
    interface = account.plain("ec2").create_network_interface(SubnetId=outcome.outputs["id"])["NetworkInterface"]
    with pytest.raises(errors.ReplacementError, match=f"{field}.*while it holds network interface"):
        converge_all((VPC, moved), account.aws())
    account.plain("ec2").delete_network_interface(NetworkInterfaceId=interface["NetworkInterfaceId"])
    again = converge_all((VPC, moved), account.aws())[PUBLIC.name]
    assert again.status is Status.REPLACED
    assert again.outputs["id"] != outcome.outputs["id"]


def test_a_create_whose_answer_was_lost_finds_its_own_subnet(account: Account) -> None:
    outcomes = converge_all((VPC, PUBLIC), account.aws())
    want = PUBLIC.desired(Outputs({"vpc": outcomes["vpc"].outputs}))
    assert PUBLIC.create(account.aws(), want, "")["id"] == outcomes[PUBLIC.name].outputs["id"]


def test_a_strangers_subnet_in_the_range_is_not_adopted(account: Account) -> None:
    vpc_id = converge_all((VPC,), account.aws())["vpc"].outputs["id"]
    theirs = account.plain("ec2").create_subnet(VpcId=vpc_id, CidrBlock=PUBLIC.cidr)["Subnet"]
    with pytest.raises(errors.ProvisioningError, match=r"10\.0\.0\.0/20 overlaps a subnet"):
        converge_all((VPC, PUBLIC), account.aws())
    after = account.plain("ec2").describe_subnets(SubnetIds=[theirs["SubnetId"]])["Subnets"][0]
    assert after == theirs


def test_the_cnis_leaked_interfaces_are_deleted_and_nobody_elses(account: Account) -> None:
    ec2 = account.plain("ec2")
    subnet_id = converge_all((VPC, PRIVATE), account.aws())[PRIVATE.name].outputs["id"]

    def interface(tags: dict[str, str]) -> str:
        specification = [{"ResourceType": "network-interface", "Tags": as_list(tags)}] if tags else []
        made = ec2.create_network_interface(SubnetId=subnet_id, TagSpecifications=specification)
        return str(made["NetworkInterface"]["NetworkInterfaceId"])

    leaked = interface(CNI)
    kept = {
        interface({}),
        interface({**CNI, "cluster.k8s.amazonaws.com/name": "other"}),
        interface({**CNI, "eks:eni:owner": "me"}),
    }
    attached = interface(CNI)
    image = ec2.describe_images()["Images"][:1]
    instance = ec2.run_instances(ImageId=image[0]["ImageId"] if image else "ami-1", MinCount=1, MaxCount=1)[
        "Instances"
    ][0]
    ec2.attach_network_interface(NetworkInterfaceId=attached, InstanceId=instance["InstanceId"], DeviceIndex=1)
    account.tape.refuse("DeleteSubnet", "DependencyViolation", times=2)
    aws = account.aws()
    remove(PRIVATE, run_of(aws))
    left = {i["NetworkInterfaceId"] for i in ec2.describe_network_interfaces()["NetworkInterfaces"]}
    assert leaked not in left
    assert kept | {attached} <= left


def test_nothing_is_cleared_away_unless_it_is_in_the_way(account: Account) -> None:
    ec2 = account.plain("ec2")
    subnet_id = converge_all((VPC, PRIVATE), account.aws())[PRIVATE.name].outputs["id"]
    specification = [{"ResourceType": "network-interface", "Tags": as_list(CNI)}]
    ec2.create_network_interface(SubnetId=subnet_id, TagSpecifications=specification)
    account.tape.rewind()
    aws = account.aws()
    remove(PRIVATE, run_of(aws))
    assert [call.operation for call in account.tape.mutating] == ["DeleteSubnet"]
