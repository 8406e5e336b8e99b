"""Internet gateway: its attachment is part of it."""

from __future__ import annotations

from support.account import Account, converge_all, run_of
from support.network import GATEWAY, VPC

from eksprov.core.convergence.converge import remove
from eksprov.core.outcome import Status


def attachments(account: Account) -> list[str]:
    gateways = account.plain("ec2").describe_internet_gateways(
        Filters=[{"Name": "tag-key", "Values": ["eksprov:step"]}]
    )
    return [a["VpcId"] for gateway in gateways["InternetGateways"] for a in gateway["Attachments"]]


def test_a_detached_gateway_is_attached_again(account: Account) -> None:
    outcomes = converge_all((VPC, GATEWAY), account.aws())
    vpc_id, gateway = (outcomes[name].outputs["id"] for name in ("vpc", "internet-gateway"))
    account.plain("ec2").detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc_id)
    assert converge_all((VPC, GATEWAY), account.aws())["internet-gateway"].status is Status.UPDATED
    assert attachments(account) == [vpc_id]


def test_one_that_was_moved_to_another_vpc_comes_back(account: Account) -> None:
    ec2, outcomes = account.plain("ec2"), converge_all((VPC, GATEWAY), account.aws())
    vpc_id, gateway = (outcomes[name].outputs["id"] for name in ("vpc", "internet-gateway"))
    other = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc_id)
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=other)
    assert converge_all((VPC, GATEWAY), account.aws())["internet-gateway"].status is Status.UPDATED
    assert attachments(account) == [vpc_id]


def test_an_attachment_whose_answer_was_lost_counts_once_it_is_read(account: Account) -> None:
    outcomes = converge_all((VPC, GATEWAY), account.aws())
    account.tape.refuse("AttachInternetGateway", "Resource.AlreadyAssociated")
    want = GATEWAY.desired(_outputs(outcomes["vpc"].outputs["id"]))
    have = GATEWAY.discover(account.aws())
    assert have is not None
    GATEWAY._attach(account.aws(), have.id, want.vpc_id)
    assert GATEWAY.discover(account.aws()) == have


def test_a_detached_gateway_is_deleted_all_the_same(account: Account) -> None:
    outcomes = converge_all((VPC, GATEWAY), account.aws())
    account.plain("ec2").detach_internet_gateway(
        InternetGatewayId=outcomes["internet-gateway"].outputs["id"], VpcId=outcomes["vpc"].outputs["id"]
    )
    aws = account.aws()
    assert remove(GATEWAY, run_of(aws)).status is Status.DELETED


def _outputs(vpc_id: str):  # type: ignore[no-untyped-def]  # a helper of one line
    from eksprov.core.step import Outputs

    return Outputs({"vpc": {"id": vpc_id}})
