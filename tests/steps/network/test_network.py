"""What all network kinds keep: made with their tags, found again, unchanged the second time, gone without a trace."""

from __future__ import annotations

from typing import Any

import pytest
from support.account import US, Account, converge_all, remove_all, run_of
from support.network import ADDRESS, GATEWAY, IN, NAT, NETWORK, OUT, PRIVATE, PUBLIC, VPC
from support.world import world

from eksprov import errors
from eksprov.aws.tags import STACK, STACK_ID, STEP
from eksprov.core.convergence.converge import converge, remove
from eksprov.core.outcome import Status
from eksprov.core.step import AnyStep, Outputs, Owner

KINDS = [VPC, GATEWAY, PUBLIC, ADDRESS, NAT, OUT]
OTHERS = Owner("demo", "ffffffffffffffff")


def test_it_is_made_in_few_calls_and_a_second_run_only_reads(account: Account) -> None:
    first = converge_all(NETWORK, account.aws())
    assert {outcome.status for outcome in first.values()} == {Status.CREATED}
    assert len(account.tape.mutating) == 14
    account.tape.rewind()
    second = converge_all(NETWORK, account.aws())
    assert {outcome.status for outcome in second.values()} == {Status.UNCHANGED}
    assert account.tape.mutating == []
    assert len(account.tape.reads) == 8  # one listing a kind, and the two attributes of the VPC


def test_the_tags_travel_in_the_create_call(account: Account) -> None:
    converge_all(NETWORK, account.aws())
    creates = [c for c in account.tape.mutating if c.operation.startswith(("Create", "Allocate"))]
    tagged = [c for c in creates if c.operation != "CreateRoute"]
    assert len(tagged) == 8
    for call in tagged:
        tags = {t["Key"]: t["Value"] for t in call.params["TagSpecifications"][0]["Tags"]}
        assert (tags[STACK], tags[STACK_ID]) == (US.stack, US.stack_id)
        assert tags[STEP] in {step.name for step in NETWORK}
        assert tags["Name"].startswith("demo-")


def test_creates_with_a_token_send_it(account: Account) -> None:
    converge_all(NETWORK, account.aws())
    for call in account.tape.mutating:
        if call.operation in ("CreateNatGateway", "CreateRouteTable"):
            assert len(call.params["ClientToken"]) == 64


def test_removal_leaves_nothing_and_a_second_one_finds_nothing(account: Account) -> None:
    before = world(account.plain)
    converge_all(NETWORK, account.aws())
    assert {o.status for o in remove_all(NETWORK, account.aws()).values()} == {Status.DELETED}
    after = world(account.plain)
    after.pop("interface")  # moto forgets the one of a deleted NAT gateway; the local world does not
    assert after == {kind: before[kind] for kind in after}
    account.tape.rewind()
    assert {o.status for o in remove_all(NETWORK, account.aws()).values()} == {Status.ABSENT}
    assert account.tape.mutating == []


@pytest.mark.parametrize("step", KINDS, ids=lambda step: step.kind)
def test_a_resource_of_another_incarnation_is_refused_and_untouched(account: Account, step: AnyStep) -> None:
    theirs = converge_all(NETWORK, account.aws(OTHERS))
    before = world(account.plain)
    outputs = Outputs({name: outcome.outputs for name, outcome in theirs.items()})
    account.tape.rewind()
    aws = account.aws()
    with pytest.raises(errors.OwnershipError):
        converge(step, outputs, run_of(aws))
    with pytest.raises(errors.OwnershipError):
        remove(step, run_of(aws))
    assert account.tape.mutating == []
    assert world(account.plain) == before


@pytest.mark.parametrize("step", KINDS, ids=lambda step: step.kind)
def test_another_stack_beside_ours_is_not_even_seen(account: Account, step: AnyStep) -> None:
    converge_all(NETWORK, account.aws(Owner("other", "ffffffffffffffff")))
    assert step.discover(account.aws()) is None
    assert step.discover(account.aws(), fresh=True) is None
    assert list(type(step).list_owned(account.aws(), "demo")) == []


@pytest.mark.parametrize("step", KINDS, ids=lambda step: step.kind)
def test_a_survey_finds_what_discover_finds_by_tags_alone(account: Account, step: AnyStep) -> None:
    outcomes = converge_all(NETWORK, account.aws())
    resources = {s.owner.step: s for s in type(step).list_owned(account.aws(), "demo")}
    mine = resources[step.name]
    assert (mine.kind, mine.slug, mine.identity) == (step.kind, step.slug, outcomes[step.name].outputs["id"])
    step_found = type(step).from_record(mine.owner.step, mine.slug)
    assert step.outputs(step_found.discover(account.aws())) == outcomes[step.name].outputs


def test_two_claimants_are_named_and_neither_is_picked(account: Account) -> None:
    ec2, tags = account.plain("ec2"), [{"Key": STACK, "Value": "demo"}, {"Key": STEP, "Value": "vpc"}]
    specification = [{"ResourceType": "vpc", "Tags": [*tags, {"Key": STACK_ID, "Value": US.stack_id}]}]
    ids = [ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=specification)["Vpc"]["VpcId"] for _ in range(2)]
    with pytest.raises(errors.ProvisioningError) as caught:
        VPC.discover(account.aws())
    assert all(vpc_id in caught.value.message for vpc_id in ids)


def test_creates_without_a_token_are_sent_once_but_wait_out_throttling(account: Account) -> None:
    for operation in ("CreateVpc", "CreateInternetGateway", "AllocateAddress"):
        account.tape.refuse(operation, "RequestLimitExceeded", times=2)
    outcomes = converge_all((VPC, GATEWAY, ADDRESS), account.aws())
    assert {outcome.status for outcome in outcomes.values()} == {Status.CREATED}
    config: Any = account.aws().once.ec2.meta.config  # its options are attributes that have no types
    assert config.retries["total_max_attempts"] == 1
    assert len(account.plain("ec2").describe_addresses()["Addresses"]) == 1


def test_what_is_not_seen_yet_is_waited_for(account: Account) -> None:
    for operation, code in (
        ("ModifyVpcAttribute", "InvalidVpcID.NotFound"),
        ("CreateSubnet", "InvalidVpcID.NotFound"),
        ("AttachInternetGateway", "InvalidInternetGatewayID.NotFound"),
        ("CreateNatGateway", "InvalidSubnetID.NotFound"),
        ("CreateRouteTable", "InvalidVpcID.NotFound"),
        ("CreateRoute", "InvalidRouteTableID.NotFound"),
        ("AssociateRouteTable", "InvalidSubnetID.NotFound"),
    ):
        account.tape.refuse(operation, code, times=2)
    assert {o.status for o in converge_all(NETWORK, account.aws()).values()} == {Status.CREATED}


@pytest.mark.parametrize(
    ("step", "operation"),
    [(VPC, "DeleteVpc"), (GATEWAY, "DetachInternetGateway"), (PUBLIC, "DeleteSubnet"), (IN, "DeleteRouteTable")],
    ids=lambda value: getattr(value, "kind", value),
)
def test_what_still_holds_a_resource_is_waited_for(account: Account, step: AnyStep, operation: str) -> None:
    converge_all(NETWORK, account.aws())
    later = NETWORK[NETWORK.index(step) + 1 :]
    remove_all(later, account.aws())
    account.tape.refuse(operation, "DependencyViolation", times=5)
    aws = account.aws()
    assert remove(step, run_of(aws)).status is Status.DELETED
    assert aws.clock.now() > 5


def test_an_address_is_released_when_its_gateway_has_let_go(account: Account) -> None:
    converge_all((ADDRESS,), account.aws())
    account.tape.refuse("ReleaseAddress", "InvalidIPAddress.InUse", times=3)
    account.tape.refuse("ReleaseAddress", "AuthFailure", "You do not have permission to access the specified resource.")
    aws = account.aws()
    assert remove(ADDRESS, run_of(aws)).status is Status.DELETED


@pytest.mark.parametrize("step", [VPC, PRIVATE], ids=lambda step: step.kind)
def test_what_never_lets_go_is_named(account: Account, step: AnyStep) -> None:
    outcomes = converge_all((VPC, PRIVATE), account.aws())
    stranger = account.plain("ec2").create_network_interface(
        SubnetId=outcomes[PRIVATE.name].outputs["id"], Description="ELB net/other/1"
    )["NetworkInterface"]["NetworkInterfaceId"]
    account.tape.refuse("DeleteVpc", "DependencyViolation", "vpc has dependencies", times=1000)
    account.tape.refuse("DeleteSubnet", "DependencyViolation", "subnet has dependencies", times=1000)
    aws = account.aws()
    with pytest.raises(errors.WaitTimeoutError, match=f"{stranger}.*ELB net/other/1"):
        remove(step, run_of(aws))
    assert aws.clock.now() <= step.timing.delete_limit_s
