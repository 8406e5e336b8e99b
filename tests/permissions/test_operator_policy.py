"""The policy of `eksprov policy`: every call that is made is allowed by it, and nothing is that no call needs.

A scenario is played on the emulated account (make, look, lose the state, mend what others changed, take down), and
each phase's calls are asked of that phase's policy alone.
"""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any, Literal

import pytest
from cases import CASES, drifts
from support.account import run_of
from support.company import BOUNDARY, OTHER_BOUNDARY, arn_of, lending, make_boundaries, make_roles
from support.configs import changed
from support.iam_requests import Policy, Request, Standing, requests
from support.kind_case import Made
from support.policies import SHAPES, needed, written
from support.policy_excuses import EXCUSED
from support.samples import package, spec
from support.stage import EVERYTHING, Stage, Theatre, everything, project, quick_start

from eksprov.config.schema import Config
from eksprov.core.convergence.converge import converge, remove
from eksprov.core.names import is_models
from eksprov.core.step import Outputs
from eksprov.core.tagging import NO_TAGS, Tags
from eksprov.operations.commands.forecast import doctor
from eksprov.operations.commands.lock import make_pins
from eksprov.operations.commands.models import graph
from eksprov.operations.commands.operator_policy import looked_up
from eksprov.operations.commands.plan import make_plan
from eksprov.operations.commands.provision import provision
from eksprov.operations.commands.removal import removal
from eksprov.operations.given_roles import refuse_wrong_roles
from eksprov.operations.kinds import KINDS as EVERY_KIND
from eksprov.operations.serving.carriers import node_types
from eksprov.operations.stack import Opened
from eksprov.permissions import PHASES, Need, Phase, needs, place_of
from eksprov.permissions.document import LARGEST, documents, size
from eksprov.serving.spec import StackFacts
from eksprov.steps.identity.iam_role import IamRole

KINDS = tuple(kind for kind in EVERY_KIND if kind.world == "aws")
ACCOUNT = "123456789012"
CLOSED = ("public_access", "private_access", "public_cidrs")  # another step's, where the endpoint is closed last


def owned(stage: Stage) -> set[str]:
    """Ids of EC2's and KMS's things with our tag."""
    ec2, kms = stage.account.plain("ec2"), stage.account.plain("kms")
    filters = [{"Name": "tag:eksprov:stack", "Values": [stage.config.name]}]
    pages = ec2.get_paginator("describe_tags").paginate(Filters=filters)
    keys = [key["KeyId"] for page in kms.get_paginator("list_keys").paginate() for key in page["Keys"]]
    ours = {"TagKey": "eksprov:stack", "TagValue": stage.config.name}
    tagged = {key for key in keys if ours in kms.list_resource_tags(KeyId=key)["Tags"]}
    return {tag["ResourceId"] for page in pages for tag in page["Tags"]} | tagged


def standing(stage: Stage) -> dict[str, Standing]:
    """The account's roles, as far as the tape's calls name them."""
    iam = stage.account.plain("iam")
    named = {call.params["RoleName"] for call in stage.tape.calls if "RoleName" in call.params}
    there = [role["RoleName"] for page in iam.get_paginator("list_roles").paginate() for role in page["Roles"]]
    roles = [iam.get_role(RoleName=name)["Role"] for name in there if name in named]
    bounds = {role["RoleName"]: role.get("PermissionsBoundary", {}) for role in roles}
    return {
        role["RoleName"]: Standing(role["Arn"], bounds[role["RoleName"]].get("PermissionsBoundaryArn", ""))
        for role in roles
    }


def policy(stage: Stage, *phases: Any, config: Config | None = None) -> Policy:
    """The policy of some phases for the stage's own steps."""
    opened = stage.opened(config)
    where, boundary = (stage.config.name, "us-west-2", ACCOUNT, "aws"), opened.stack.config.iam.boundary_arn
    named = looked_up(opened.stack.config)
    place = place_of(*where, own(opened), models=served(opened), permissions_boundary=boundary, named=named)
    found = documents(needs(place, phases, KINDS))
    return Policy([one for document in found for one in document["Statement"]], stage.config.name)


def own(opened: Opened) -> tuple[Any, ...]:
    """The stack's steps without its models'."""
    return tuple(step for step in opened.steps if not is_models(step.name))


def served(opened: Opened) -> list[Any]:
    """The steps of a model's deployment that are in AWS."""
    bucket = next(step.slug for step in opened.steps if step.kind == "bucket")
    facts = StackFacts(opened.us.stack, opened.us.stack_id, "us-west-2", bucket, ())
    inside = graph(opened, spec(stack=facts), package(project() / "examples" / "digits" / "model"))
    return [step for step in inside if step.world == "aws"]


class Play:
    """A scenario on a stage; `asked` is what IAM was asked in each phase."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.asked: dict[str, list[Request]] = {phase: [] for phase in PHASES}
        self.owned: set[str] = set()
        self.roles: dict[str, Standing] = {}
        self.outputs = Outputs()
        self.incarnation = 0

    def note(self, phase: str) -> None:
        """The calls since the last note belong to `phase`."""
        self.roles |= standing(self.stage)
        self.asked[phase] += [request for call in self.stage.tape.calls for request in requests(call, self.roles)]
        self.owned |= owned(self.stage)
        self.stage.tape.rewind()

    def whole(self) -> None:
        """Look ahead, make, look, lose the state, serve, mend, take down."""
        self.examine()
        self.provision()
        self.lock()
        self.provision()
        self.stage.store.forget()
        self.provision()
        self.serve()
        self.mend()
        self.rebound()
        self.retag()
        removal(self.stage.opened(mint=False))
        self.note("teardown")
        assert self.stage.teardown().ok
        self.note("teardown")

    def provision(self) -> None:
        """`eksprov provision`: without models."""
        self.stage.tape.rewind()
        opened = self.stage.opened()
        report = provision(dataclasses.replace(opened, steps=own(opened)))
        assert report.ok, [outcome for outcome in report.outcomes if not outcome.good]
        for outcome in report.outcomes:
            self.outputs.put(outcome.name, outcome.outputs)
        self.note("provision")

    def examine(self) -> None:
        """`eksprov doctor`, whose checks come before what `provision` makes."""
        self.stage.tape.rewind()
        opened = self.stage.opened()
        opened = dataclasses.replace(opened, steps=own(opened))
        doctor(opened, make_plan(opened))
        self.note("provision")

    def lock(self) -> None:
        """`eksprov lock`, of what lives and of what is newest."""
        self.stage.tape.rewind()
        opened = self.stage.opened()
        for upgrade in (False, True):
            make_pins(opened, None, lambda _: "a digest, of whatever", upgrade=upgrade)
        self.note("lock")

    def serve(self) -> None:
        """A model's role, bond, files and dashboard, as deploy-model makes and undeploy-model removes them."""
        opened = self.stage.opened()
        steps = served(opened)
        describe(opened)
        refuse_wrong_roles(opened, steps)
        for act in (self.made, self.gone, self.made):
            for step in steps:
                act(step)
        self.note("deploy-model")

    def made(self, step: Any, tags: Tags = NO_TAGS) -> None:
        aws = self.stage.opened().aws
        run = run_of(aws, self.incarnation, tags)
        self.outputs.put(step.name, converge(step, self.outputs, run).outputs)

    def gone(self, step: Any) -> None:
        aws = self.stage.opened().aws
        remove(step, run_of(aws, self.incarnation))
        self.incarnation += 1

    def retag(self) -> None:
        """The config gets a tag, and loses it again."""
        opened = self.stage.opened()
        every = {step.name: step for step in (*opened.steps, *served(opened))}
        for step in (step for step in every.values() if step.traits.tags_at is not None):
            for tags in (Tags({"team": "ml"}), Tags(dropped=frozenset({"team"}))):
                self.stage.tape.rewind()
                self.made(step, tags)
                self.note("deploy-model" if is_models(step.name) else "provision")

    def mend(self) -> None:
        """What the law of drift does to each field, mended one after another."""
        opened = self.stage.opened()
        made = Made(opened.steps, self.outputs, self.stage.account.plain, lambda: self.stage.opened().aws)
        kinds = {step.kind for step in opened.steps}
        for case, field, change in drifts():
            if not callable(change) or case.name not in kinds:
                continue
            if "ipv6" in field and not opened.stack.config.network.ipv6:
                continue
            if field in CLOSED and "cluster-endpoint" in kinds:
                continue
            for step in [case.of(made), *(one for one in opened.steps if one.name == case.mended_too)]:
                if isinstance(step, IamRole) and field == "inline" and not is_models(step.name):
                    continue
                change(made, step)
                self.stage.tape.rewind()
                self.made(step)
                self.note("deploy-model" if is_models(step.name) else "provision")

    def rebound(self) -> None:
        """Somebody bounds the roles otherwise."""
        iam = self.stage.account.plain("iam")
        for step in self.stage.opened().steps:
            if isinstance(step, IamRole) and step.boundary:
                iam.put_role_permissions_boundary(RoleName=step.slug, PermissionsBoundary=OTHER_BOUNDARY)
                self.stage.tape.rewind()
                self.made(step)
                self.note("deploy-model" if is_models(step.name) else "provision")


def describe(opened: Opened) -> None:
    """What deploy-model asks of AWS beside its steps."""
    cluster = next(step for step in opened.steps if step.kind == "cluster")
    cluster.discover(opened.aws, fresh=True)
    node_types(opened)


@pytest.fixture(scope="module")
def theatre() -> Theatre:
    return Theatre()


def with_key() -> Config:
    data = quick_start().model_dump(mode="json")
    return Config.model_validate_json(json.dumps({**data, "cluster": {**data["cluster"], "kms_key": "own"}}))


def bounded() -> Config:
    """Every role on a path and under a boundary, Auto Mode's at `/`."""
    return changed(everything("auto-mode"), iam={"role_path": "/teams/ml/", "permissions_boundary": BOUNDARY})


def unbounded() -> Config:
    return changed(quick_start(), iam={"permissions_boundary": "none"})


def lent() -> Config:
    """No role is made; the simulator is asked about the controller's and the model's."""
    return lending(everything("karpenter"), "cluster", "node", "vpc_cni", "karpenter", "model")


SOME = {
    "quick start": quick_start,
    "own key": with_key,
    "bounded roles": bounded,
    "bounds taken off": unbounded,
    "existing roles": lent,
}


@pytest.fixture(scope="module", params=[*SOME, *EVERYTHING])
def played(request: pytest.FixtureRequest, theatre: Theatre) -> tuple[Play, dict[str, Policy]]:
    """The stage is over when the tests begin."""
    config = SOME[request.param]() if request.param in SOME else everything(request.param)
    with theatre.stage(config) as stage:
        for case in CASES.values():
            case.alike(stage.account.plain, config.name) if case.alike is not None else None
        make_boundaries(stage.account.plain("iam"))
        make_roles(stage.account.plain("iam"))
        play = Play(stage)
        policies: dict[str, Policy] = {phase: policy(stage, phase) for phase in PHASES}
        play.whole()
    for phase in PHASES:
        policies[phase].owned = play.owned
    return play, policies


@pytest.mark.parametrize("phase", PHASES)
def test_every_call_is_allowed_by_its_phases_policy(played: tuple[Play, dict[str, Policy]], phase: str) -> None:
    play, policies = played
    denied = [request for request in dict.fromkeys(play.asked[phase]) if not policies[phase].allows(request)]
    assert not denied, "list these in eksprov/permissions, under the kind that makes the call"


@pytest.mark.parametrize("phase", PHASES)
def test_nothing_is_allowed_that_no_call_needs(played: tuple[Play, dict[str, Policy]], phase: str) -> None:
    play, policies = played
    for request in dict.fromkeys(play.asked[phase]):
        policies[phase].allows(request)
    unused = [(action, where) for action, where in policies[phase].unused() if action not in EXCUSED]
    assert not unused, "take these out of eksprov/permissions, or say in EXCUSED what they are for"


@pytest.mark.parametrize("phase", [*PHASES, ""])
@pytest.mark.parametrize("name", SHAPES)
def test_every_document_fits_into_a_managed_policy(name: str, phase: Phase | Literal[""]) -> None:
    found = written(name, *([phase] if phase else []))
    assert 1 <= len(found) <= 10
    assert all(size(dict(document)) <= LARGEST for document in found)


def test_needs_that_are_too_many_for_one_document_are_split_and_none_is_lost() -> None:
    many = tuple(Need(f"ec2:Describe{number:04d}") for number in range(1000))
    found = documents(many)
    assert len(found) > 1
    assert all(size(document) <= LARGEST for document in found)
    allowed = [action for document in found for one in document["Statement"] for action in one["Action"]]
    assert sorted(allowed) == sorted(need.action for need in many)


def test_no_excuse_outlives_its_action() -> None:
    named = {need.action for name in SHAPES for need in needed(name)}
    assert EXCUSED.keys() <= named


@pytest.mark.parametrize("name", SHAPES)
def test_nothing_but_readings_is_allowed_everywhere(name: str) -> None:
    """A write on `*` without a condition would be a right over other people's things."""
    wide = {need.action for need in needed(name) if need.resources == ("*",) and not need.condition}
    writes = {action for action in wide if not re.match(r"[a-z0-9]+:(Describe|Get|List)", action)}
    assert writes <= {"route53:AssociateVPCWithHostedZone"}


def test_another_stacks_things_are_out_of_reach(theatre: Theatre) -> None:
    """The same calls on behalf of another stack are refused, where they change anything; nodes may be launched."""
    with theatre.stage() as stage:
        play = Play(stage)
        play.provision()
        found = policy(stage, "provision")
    found.owned = set()
    other = [
        dataclasses.replace(
            one,
            resource=one.resource.replace("quickstart", "foreign"),
            tags=tuple((key, "foreign" if key == "eksprov:stack" else value) for key, value in one.tags),
        )
        for one in dict.fromkeys(play.asked["provision"])
        if not re.match(r"[a-z0-9]+:(Describe|Get|List)|ec2:RunInstances", one.action) and (one.resource or one.tags)
    ]
    assert len(other) > 30
    assert [one for one in other if found.allows(one)] == []


def test_policies_follow_the_roles_of_a_company(theatre: Theatre) -> None:
    """The path in every ARN, the boundary as a condition of making and bounding, and what exists by its ARN alone."""
    with theatre.stage(bounded()) as stage:
        make_boundaries(stage.account.plain("iam"))
        found = policy(stage, *PHASES).statements
    by_action = {action: one for one in found for action in _actions(one)}
    for action in ("iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:AttachRolePolicy"):
        assert by_action[action]["Condition"]["ArnEquals"]["iam:PermissionsBoundary"] == BOUNDARY
    own = [one for one in found for action in _actions(one) if action == "iam:AttachRolePolicy"]
    resources = {arn for one in own for arn in _listed(one["Resource"])}
    arns = f"arn:aws:iam::{ACCOUNT}:role"
    named = {f"{arns}/teams/ml/auto-us-west-2-{purpose}" for purpose in ("cluster", "node", "vpc-cni")}
    assert resources == {*named, f"{arns}/auto-us-west-2-auto-node", f"{arns}/eksprov/auto-us-west-2-auto-node"}
    with theatre.stage(lent()) as stage:
        make_roles(stage.account.plain("iam"))
        found = policy(stage, *PHASES).statements
    passed = {arn for one in found if "iam:PassRole" in _actions(one) for arn in _listed(one["Resource"])}
    assert passed == {arn_of(purpose) for purpose in ("cluster", "node", "vpc_cni", "karpenter", "model")}
    touched = {action for one in found for action in _actions(one) if action.startswith("iam:")}
    changes = {action for action in touched if not re.match(r"iam:(Get|List|Simulate)", action)}
    # What is left concerns what Karpenter leaves behind, and service-linked roles.
    assert changes == {"iam:CreateServiceLinkedRole", "iam:DeleteInstanceProfile", "iam:PassRole",
                       "iam:RemoveRoleFromInstanceProfile"}  # fmt: skip


def _actions(statement: dict[str, Any]) -> list[str]:
    return _listed(statement["Action"])


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
