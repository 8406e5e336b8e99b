"""The policy at work: who has it makes a whole stack under an IAM that judges by it, and no administrator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from support.account import REGION
from support.operator import TRUST, Operator, employed, policy
from support.stage import Theatre

MANAGED = "arn:aws:iam::aws:policy/"
NODE = "quickstart-us-west-2-node"


@pytest.fixture(scope="module")
def at_work() -> Iterator[Operator]:
    """The operator has provisioned the quick start."""
    with Theatre().stage() as stage:
        operator = employed(stage, policy(stage.config))
        report = operator.stage.provision()
        assert report.ok, [(outcome.name, outcome.message) for outcome in report.outcomes if not outcome.good]
        yield operator
        assert operator.stage.teardown().ok
        left = {role["RoleName"] for role in stage.account.plain("iam").list_roles()["Roles"]}
        assert {name for name in left if name.startswith("quickstart-")} == set()


def refused(call: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**params)
    return str(error.value.response["Error"]["Code"])


@pytest.mark.parametrize("name", ["AdministratorAccess", "IAMFullAccess", "PowerUserAccess"])
def test_nobody_makes_an_administrator_of_a_role_of_the_stack(at_work: Operator, name: str) -> None:
    assert refused(at_work.iam.attach_role_policy, RoleName=NODE, PolicyArn=MANAGED + name) == "AccessDenied"
    attached = at_work.iam.list_attached_role_policies(RoleName=NODE)["AttachedPolicies"]
    assert name not in {one["PolicyName"] for one in attached}
    at_work.stage.account.plain("iam").attach_role_policy(
        RoleName=NODE, PolicyArn=MANAGED + "AmazonEKSWorkerNodePolicy"
    )


def test_nobody_gives_rights_to_a_role_that_is_not_the_stacks(at_work: Operator) -> None:
    iam = at_work.iam
    assert refused(iam.attach_role_policy, RoleName="operator", PolicyArn=MANAGED + "AmazonEKSClusterPolicy")
    for change in ("put_role_policy", "delete_role_policy"):
        more = {"PolicyDocument": "{}"} if change == "put_role_policy" else {}
        assert refused(getattr(iam, change), RoleName="operator", PolicyName="x", **more) == "AccessDenied"
    assert refused(iam.put_role_policy, RoleName=NODE, PolicyName="x", PolicyDocument="{}") == "AccessDenied"


def test_a_role_is_made_with_the_stacks_tag_or_not_at_all(at_work: Operator) -> None:
    iam, text = at_work.iam, json.dumps(TRUST)
    for name in ("quickstart-us-west-2-more", "quickstart-prod-us-west-2-node", "quickstart-eu-west-1-node"):
        tags = [{"Key": "eksprov:stack", "Value": "quickstart"}]
        code = refused(iam.create_role, RoleName=name, Path="/eksprov/", AssumeRolePolicyDocument=text, Tags=tags)
        assert code == "AccessDenied"
    model = {"RoleName": "quickstart-us-west-2-model-digits", "Path": "/eksprov/", "AssumeRolePolicyDocument": text}
    assert refused(iam.create_role, **model) == "AccessDenied"
    strange = [{"Key": "eksprov:stack", "Value": "other"}]
    assert refused(iam.create_role, **model, Tags=strange) == "AccessDenied"


def test_a_neighbours_role_is_not_deleted(at_work: Operator) -> None:
    plain = at_work.stage.account  # the operator's own keys
    admin = boto3.Session("testing", "testing", region_name=REGION).client("iam")
    for name, stack in (
        ("quickstart-eu-west-1-node", "quickstart"),
        ("quickstart-us-west-2-x", "quickstart-us-west-2-x"),
    ):
        admin.create_role(
            RoleName=name,
            Path="/eksprov/",
            AssumeRolePolicyDocument=json.dumps(TRUST),
            Tags=[{"Key": "eksprov:stack", "Value": stack}],
        )
        assert refused(plain.plain("iam").delete_role, RoleName=name) == "AccessDenied"
        admin.delete_role(RoleName=name)
