"""NAT gateway: in motion, failed, lingering; what EC2 says decides."""

from __future__ import annotations

import dataclasses

import pytest
from support.account import Account, converge_all, run_of
from support.network import ADDRESS, GATEWAY, NAT, NETWORK, PRIVATE, PUBLIC, VPC

from eksprov.core.convergence.converge import remove
from eksprov.core.outcome import Status
from eksprov.core.step import PhaseState
from eksprov.steps.network.nat_gateway import NatGatewayFacts

BEFORE = (VPC, GATEWAY, PUBLIC, PRIVATE, ADDRESS)


@pytest.mark.parametrize(
    ("state", "phase"),
    [
        ("pending", PhaseState.MOVING),
        ("available", PhaseState.READY),
        ("deleting", PhaseState.LEAVING),
        ("failed", PhaseState.FAILED),
    ],
)
def test_its_state_is_its_phase(state: str, phase: PhaseState) -> None:
    assert NAT.phase(NatGatewayFacts("subnet-1", "eipalloc-1", state)).state is phase


def test_a_failed_one_says_why() -> None:
    facts = NatGatewayFacts("s", "e", "failed", "Gateway.NotAttached: Network vpc-1 has no Internet gateway attached")
    assert "has no Internet gateway attached" in NAT.phase(facts).message


def test_one_that_is_gone_but_still_listed_does_not_count(account: Account) -> None:
    converge_all((*BEFORE, NAT), account.aws())
    aws = account.aws()
    remove(NAT, run_of(aws))
    listed = account.plain("ec2").describe_nat_gateways()["NatGateways"]
    assert [gateway["State"] for gateway in listed] == ["deleted"]
    assert NAT.discover(account.aws()) is None
    assert list(type(NAT).list_owned(account.aws(), "demo")) == []


def test_another_one_is_made_where_it_cannot_be_moved(account: Account) -> None:
    second = dataclasses.replace(ADDRESS, name="elastic-ip/2")
    converge_all((*BEFORE, second, NAT), account.aws())
    moved = dataclasses.replace(NAT, elastic_ip=second.name)
    account.tape.rewind()
    assert converge_all((*BEFORE, second, moved), account.aws())[NAT.name].status is Status.REPLACED
    assert [call.operation for call in account.tape.mutating] == ["DeleteNatGateway", "CreateNatGateway"]
    assert converge_all((*BEFORE, second, moved), account.aws())[NAT.name].status is Status.UNCHANGED


def test_its_outputs_name_the_address_others_see(account: Account) -> None:
    outcomes = converge_all(NETWORK, account.aws())
    assert outcomes[NAT.name].outputs["public_ip"] == outcomes[ADDRESS.name].outputs["public_ip"] != ""
    assert outcomes[NAT.name].status is Status.CREATED
