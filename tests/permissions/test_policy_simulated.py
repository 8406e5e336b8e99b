"""What preflight asks IAM's policy simulator: the rights of the kinds that are made, each on the stack's resources."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable

import pytest
from cases import CASES
from support.company import BOUNDARY, lending, make_boundaries, make_roles
from support.configs import changed
from support.operator import ACCOUNT, Operator, employed, policy
from support.stage import EVERYTHING, Theatre, everything, quick_start

from eksprov.aws.session import Identity
from eksprov.config.schema import Config
from eksprov.core.change import Action
from eksprov.core.names import is_models
from eksprov.operations.asked import asked
from eksprov.operations.commands.forecast import doctor
from eksprov.operations.commands.plan import make_plan
from eksprov.operations.kinds import KINDS
from eksprov.operations.stack import Opened
from eksprov.preflight.findings import Findings

CREATES = {case.name: case.asks.creates for case in CASES.values() if not isinstance(case.asks, str)}
MANAGED = "arn:aws:iam::aws:policy/"
READINGS = ["iam:Get*", "iam:List*", "iam:Simulate*"]
SIMULATIONS = 16  # calls of a plan's questions at most: three, and one for each managed policy more


@pytest.fixture(scope="module")
def theatre() -> Theatre:
    return Theatre()


def examined(operator: Operator) -> tuple[Findings, Opened]:
    """What doctor says to the operator, before anything is made."""
    opened = operator.stage.opened()
    steps = tuple(step for step in opened.steps if not is_models(step.name))
    identity = Identity(ACCOUNT, f"arn:aws:sts::{ACCOUNT}:assumed-role/operator/me", "aws")
    opened = dataclasses.replace(opened, steps=steps, identity=identity)
    operator.stage.tape.rewind()
    return doctor(opened, make_plan(opened)), opened


def denied(found: Findings) -> str:
    return " ".join(one.message for one in found.listed if one.name == "permissions")


COMPANY: dict[str, Callable[[], Config]] = {
    "quick start": quick_start,
    "bounded": lambda: changed(quick_start(), iam={"role_path": "/ml/", "permissions_boundary": BOUNDARY}),
    "unbounded": lambda: changed(quick_start(), iam={"permissions_boundary": "none"}),
    "existing roles": lambda: lending(everything("karpenter"), "node", "karpenter", "model"),
}


@pytest.mark.parametrize("name", [*COMPANY, *EVERYTHING])
def test_the_simulator_has_nothing_against_who_has_the_policy(theatre: Theatre, name: str) -> None:
    with theatre.stage(COMPANY[name]() if name in COMPANY else everything(name)) as stage:
        make_boundaries(stage.account.plain("iam"))
        make_roles(stage.account.plain("iam"))
        operator = employed(stage, policy(stage.config))
        found, opened = examined(operator)
        questions = asked(opened, make_plan(opened))
    assert denied(found) == ""
    assert {pair[0] for question in questions for pair in question.pairs} >= {"iam:CreateRole", "s3:TagResource"}
    assert len(questions) <= SIMULATIONS


def test_every_kind_that_is_made_is_asked_about(theatre: Theatre) -> None:
    """The questions of a plan hold the create of each of its kinds, under each way in which policies can refuse it."""
    names = {kind.kind for kind in KINDS if kind.world == "aws"}
    made, actions, refused = set[str](), set[str](), ""
    for name in EVERYTHING:
        with theatre.stage(everything(name)) as stage:
            opened = stage.opened()
            plan = make_plan(opened)
            made |= {line.kind for line in plan.lines if line.change.action is Action.CREATE and line.kind in names}
            actions |= {pair[0] for question in asked(opened, plan) for pair in question.pairs}
            readings = [{"Effect": "Allow", "Action": READINGS, "Resource": "*"}]
            refused += denied(examined(employed(stage, [{"Version": "2012-10-17", "Statement": readings}]))[0])
    assert made <= CREATES.keys(), "say which call makes it"
    assert actions >= {action for kind in made for action in CREATES[kind]}
    assert all(action in refused for kind in made for action in CREATES[kind])


def test_a_right_that_is_missing_on_one_resource_is_found(theatre: Theatre) -> None:
    """The node role may be passed on, the cluster's not; and one of the policies may not be attached."""
    with theatre.stage() as stage:
        text = json.dumps(policy(stage.config))
        role = f"arn:aws:iam::{ACCOUNT}:role/eksprov/quickstart-us-west-2-cluster"
        less = json.loads(text.replace(f'"{MANAGED}AmazonSSMManagedInstanceCore"', '"arn:aws:iam::aws:policy/None"'))
        for one in [one for document in less for one in document["Statement"] if one["Action"] == "iam:PassRole"]:
            roles = [one["Resource"]] if isinstance(one["Resource"], str) else one["Resource"]
            one["Resource"] = [each for each in roles if each != role]
        found, _ = examined(employed(stage, less))
    assert "iam:PassRole" in denied(found)
    assert "iam:AttachRolePolicy" in denied(found)
    assert "ec2:" not in denied(found)
