"""What IAM refuses of roles: a boundary that is no policy, a path that is none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.aws_fakes import Scene, trust
from support.requests_held import wrong_on_purpose

NOBODY = "arn:aws:iam::123456789012:policy/nobody"
SOME = "arn:aws:iam::aws:policy/PowerUserAccess"
DOCUMENT = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def said(call: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call(**params)
    error = refused.value.response["Error"]
    return str(error["Code"]), str(error["Message"])


def ask(**more: Any) -> dict[str, Any]:
    return {"RoleName": "some", "AssumeRolePolicyDocument": trust("ec2.amazonaws.com"), **more}


def test_a_boundary_is_a_policy_that_exists(scene: Scene) -> None:
    iam = scene.aws.iam
    refusal = ("NoSuchEntity", f"Scope ARN: {NOBODY} does not exist or is not attachable.")
    assert said(iam.create_role, **ask(PermissionsBoundary=NOBODY)) == refusal
    assert iam.list_roles()["Roles"] == []
    iam.create_role(**ask(PermissionsBoundary=SOME))
    assert said(iam.put_role_permissions_boundary, RoleName="some", PermissionsBoundary=NOBODY) == refusal
    bound = iam.get_role(RoleName="some")["Role"]["PermissionsBoundary"]
    assert bound["PermissionsBoundaryArn"] == SOME
    assert "PermissionsBoundary" not in iam.list_roles()["Roles"][0]


@pytest.mark.parametrize("path", ["teams/", "/teams", "/te ams/", f"/{'a' * 511}/", "//é/"])
def test_a_path_begins_and_ends_with_a_slash_and_has_512_characters_at_most(scene: Scene, path: str) -> None:
    with wrong_on_purpose("CreateRole"):
        code, message = said(scene.aws.iam.create_role, **ask(Path=path))
    assert (code, "must begin and end with /" in message) == ("ValidationError", True)


def test_service_linked_roles_have_a_path_of_their_own(scene: Scene) -> None:
    assert said(scene.aws.iam.create_role, **ask(Path="/aws-service-role/x/"))[0] == "InvalidInput"


@pytest.mark.parametrize("path", ["/", "/teams/ml/", "/a/"])
def test_any_other_path_does(scene: Scene, path: str) -> None:
    made = scene.aws.iam.create_role(**ask(Path=path))["Role"]
    assert made["Arn"] == f"arn:aws:iam::123456789012:role{path}some"


def test_the_simulator_knows_the_keys_that_it_is_told(scene: Scene) -> None:
    iam = scene.aws.iam
    iam.create_role(**ask())
    here = {"StringEquals": {"aws:RequestedRegion": "us-west-2"}}
    statement = {"Effect": "Allow", "Action": "ec2:DescribeImages", "Resource": "*", "Condition": here}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName="some", PolicyName="own", PolicyDocument=document)
    arn = iam.get_role(RoleName="some")["Role"]["Arn"]
    for region, decision in (("us-west-2", "allowed"), ("us-east-1", "implicitDeny")):
        told = [{"ContextKeyName": "aws:RequestedRegion", "ContextKeyValues": [region], "ContextKeyType": "string"}]
        answer = iam.simulate_principal_policy(
            PolicySourceArn=arn, ActionNames=["ec2:DescribeImages"], ContextEntries=told
        )
        assert [one["EvalDecision"] for one in answer["EvaluationResults"]] == [decision]
