"""Route table: its default route and its associations are repaired; other routes are left alone."""

from __future__ import annotations

import dataclasses
from typing import Any

from support.account import Account, converge_all, run_of
from support.network import ADDRESS, GATEWAY, IN, NAT, NETWORK, OUT, PRIVATE, PUBLIC, VPC

from eksprov.core.convergence.converge import remove
from eksprov.core.outcome import Status


def table(account: Account, table_id: str) -> Any:
    return account.plain("ec2").describe_route_tables(RouteTableIds=[table_id])["RouteTables"][0]


def routes(account: Account, table_id: str) -> dict[str, str]:
    return {
        r["DestinationCidrBlock"]: r.get("NatGatewayId") or r.get("GatewayId", "")
        for r in table(account, table_id)["Routes"]
    }


def subnets(account: Account, table_id: str) -> set[str]:
    return {a["SubnetId"] for a in table(account, table_id)["Associations"]}


def test_a_route_that_was_removed_or_turned_is_put_back(account: Account) -> None:
    outcomes = converge_all(NETWORK, account.aws())
    ec2, private = account.plain("ec2"), outcomes[IN.name].outputs["id"]
    right = routes(account, private)
    ec2.delete_route(RouteTableId=private, DestinationCidrBlock="0.0.0.0/0")
    assert converge_all(NETWORK, account.aws())[IN.name].status is Status.UPDATED
    assert routes(account, private) == right
    ec2.replace_route(
        RouteTableId=private, DestinationCidrBlock="0.0.0.0/0", GatewayId=outcomes[GATEWAY.name].outputs["id"]
    )
    assert converge_all(NETWORK, account.aws())[IN.name].status is Status.UPDATED
    assert routes(account, private) == right


def test_routes_to_other_ranges_are_not_ours(account: Account) -> None:
    outcomes = converge_all(NETWORK, account.aws())
    ec2, private = account.plain("ec2"), outcomes[IN.name].outputs["id"]
    ec2.create_route(
        RouteTableId=private, DestinationCidrBlock="192.168.0.0/16", GatewayId=outcomes[GATEWAY.name].outputs["id"]
    )
    assert converge_all(NETWORK, account.aws())[IN.name].status is Status.UNCHANGED
    assert "192.168.0.0/16" in routes(account, private)


def test_associations_are_made_and_undone(account: Account) -> None:
    outcomes = converge_all((VPC, GATEWAY, PUBLIC, PRIVATE, OUT), account.aws())
    table_id = outcomes[OUT.name].outputs["id"]
    mine, theirs = (outcomes[s.name].outputs["id"] for s in (PUBLIC, PRIVATE))
    both = dataclasses.replace(OUT, subnets=(PUBLIC.name, PRIVATE.name))
    steps = (VPC, GATEWAY, PUBLIC, PRIVATE)
    assert converge_all((*steps, both), account.aws())[OUT.name].status is Status.UPDATED
    assert subnets(account, table_id) == {mine, theirs}
    assert converge_all((*steps, OUT), account.aws())[OUT.name].status is Status.UPDATED
    assert subnets(account, table_id) == {mine}


def test_a_subnet_that_uses_another_table_is_moved(account: Account) -> None:
    outcomes = converge_all((VPC, GATEWAY, PUBLIC), account.aws())
    ec2, ids = account.plain("ec2"), {name: outcome.outputs["id"] for name, outcome in outcomes.items()}
    other = ec2.create_route_table(VpcId=ids["vpc"])["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=other, SubnetId=ids[PUBLIC.name])
    account.tape.refuse("AssociateRouteTable", "Resource.AlreadyAssociated")
    table_id = converge_all((VPC, GATEWAY, PUBLIC, OUT), account.aws())[OUT.name].outputs["id"]
    assert subnets(account, table_id) == {ids[PUBLIC.name]}
    assert subnets(account, other) == set()


def test_a_route_whose_answer_was_lost_is_replaced_by_itself(account: Account) -> None:
    outcomes = converge_all(NETWORK, account.aws())
    have = OUT.discover(account.aws())
    assert have is not None
    before = routes(account, have.id)
    account.tape.rewind()
    OUT.update(account.aws(), have, dataclasses.replace(have, default_route=""), ("default_route",))
    assert [call.operation for call in account.tape.mutating] == ["CreateRoute", "ReplaceRoute"]
    assert routes(account, have.id) == before
    assert outcomes[OUT.name].good


def test_its_associations_go_before_it_does(account: Account) -> None:
    converge_all(NETWORK, account.aws())
    account.tape.rewind()
    aws = account.aws()
    remove(IN, run_of(aws))
    assert [call.operation for call in account.tape.mutating] == ["DisassociateRouteTable", "DeleteRouteTable"]
    assert ADDRESS.discover(aws) is not None
    assert NAT.discover(aws) is not None
