"""Roles, without service-linked ones, which are the account's: services make them, and no stack deletes them."""

from __future__ import annotations

import json
from collections.abc import Iterable

from support.kind_case import Client, Iam, Item, KindCase, Made
from support.memory import Memory
from support.plain import TAGS, pages

from eksprov.core.step import AnyStep
from eksprov.steps.identity.iam_role import IamRole

TRUST_ALL = {"Effect": "Allow", "Principal": "*", "Action": "sts:*"}
TRUST_EC2 = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}


def trust(statement: Item) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def read(client: Client) -> Iterable[Item]:
    iam = client("iam")
    for role in pages(iam, "list_roles", "Roles"):
        name = role["RoleName"]
        if role["Path"].startswith("/aws-service-role/"):
            continue
        inline = pages(iam, "list_role_policies", "PolicyNames", RoleName=name)
        yield {
            **iam.get_role(RoleName=name)["Role"],
            "attached": pages(iam, "list_attached_role_policies", "AttachedPolicies", RoleName=name),
            "inline": {p: iam.get_role_policy(RoleName=name, PolicyName=p)["PolicyDocument"] for p in inline},
        }


def trusts_ec2(made: Made, step: AnyStep) -> None:
    made.client("iam").update_assume_role_policy(RoleName=step.slug, PolicyDocument=trust(TRUST_EC2))


def administers(made: Made, step: AnyStep) -> None:
    arn = "arn:aws:iam::aws:policy/AdministratorAccess"
    made.client("iam").attach_role_policy(RoleName=step.slug, PolicyArn=arn)


def alike(client: Client, stack: str) -> None:
    for name in (f"{stack}-prod-us-west-2-node", f"{stack}-eu-west-1-node"):
        client("iam").create_role(RoleName=name, Path="/eksprov/", AssumeRolePolicyDocument=trust(TRUST_ALL))


def peek(memory: Memory) -> Iterable[Item]:
    for role in memory.of("iam", "aws").roles.values():
        yield {
            "id": role.name,
            "trust": role.assume_role_policy_document,
            "attached": sorted(role.managed_policies),
            "inline": dict(sorted(role.policies.items())),
            "description": role.description,
            "tags": {tag["Key"]: tag["Value"] for tag in role.tags},
        }


CASE = KindCase(
    kind=IamRole,
    read=read,
    peek=peek,
    drifts={
        "trust": trusts_ec2,
        "policies": administers,
        "inline": lambda made, step: made.client("iam").delete_role_policy(RoleName=step.slug, PolicyName="eksprov"),
        "description": lambda made, step: made.client("iam").update_role(RoleName=step.slug, Description="?"),
        "boundary": "compared only where the config names one; tests/laws/test_roles.py changes it",
    },
    untag=lambda made, step: made.client("iam").untag_role(RoleName=step.slug, TagKeys=[*TAGS]),
    asks=Iam(
        service="iam",
        creates=("iam:CreateRole", "iam:AttachRolePolicy", "iam:PutRolePolicy"),
        tag_action="iam:TagRole",
        unseen={
            "iam:DeleteRolePolicy": "in teardown: what others put in",
            "iam:ListRoleTags": "a survey of a stack whose roles all exist",
        },
    ),
    alike=alike,
    mended_too="role/vpc-cni",
    in_every_region=True,
    aws_makes_some=True,
    looks_at=frozenset({"inline"}),  # policies are read where one is wanted
)
