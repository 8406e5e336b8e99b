"""Every role of a stack as a company wants it: on a path, bounded, or one that exists and is never touched.

Over stacks that together have every purpose; accounts are compared, read with plain boto3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from support.company import (
    BOUNDARY,
    OTHER_BOUNDARY,
    PURPOSES,
    lending,
    make_boundaries,
    make_roles,
    roles_of,
)
from support.configs import changed
from support.stage import EVERYTHING, Stage, Theatre, everything, quick_start

from eksprov import errors
from eksprov.config.schema import Config
from eksprov.core.change import Action
from eksprov.core.outcome import Status
from eksprov.core.step import Outputs
from eksprov.operations.commands.plan import make_plan
from eksprov.state.record import facts_sha256, fingerprint

PATH = "/teams/ml/"
# What each stack needs, beside the model's.
NEEDED = {
    "everything": ("cluster", "node", "vpc_cni", "cluster_autoscaler"),
    "ipv6": ("cluster", "node"),  # its CNI has an inline policy: below
    "karpenter": ("cluster", "node", "vpc_cni", "karpenter"),
    "auto-mode": ("cluster", "node", "vpc_cni", "auto_node"),
}
ALL = tuple(f"{name} {what}" for name in EVERYTHING for what in ("bounded", "elsewhere", "existing"))


def wanted(case: str) -> Config:
    name, what = case.split()
    config = everything(name)
    if what == "existing":
        return lending(config, *NEEDED[name], "model")
    return changed(config, iam={"permissions_boundary": BOUNDARY} if what == "bounded" else {"role_path": PATH})


def provisioned(stage: Stage, config: Config | None = None) -> None:
    report = stage.provision(config)
    assert report.ok, [(o.name, o.message) for o in report.outcomes if not o.good]


def purpose(role: str, stack: str) -> str:
    return role.removeprefix(f"{stack}-us-west-2-")


@pytest.fixture
def stage(theatre: Theatre) -> Any:
    with theatre.stage(quick_start()) as stage:
        make_boundaries(stage.account.plain("iam"))
        make_roles(stage.account.plain("iam"))
        yield stage


@pytest.mark.parametrize("case", ALL)
def test_a_stack_stands_settles_and_goes_whatever_is_asked_of_its_roles(theatre: Theatre, case: str) -> None:
    config = wanted(case)
    with theatre.stage(config) as stage:
        iam = stage.account.plain("iam")
        make_boundaries(iam)
        make_roles(iam)
        before = stage.world()
        provisioned(stage)
        made, roles = stage.world(), roles_of(iam, config.name)
        _as_wanted(case.split()[1], config, roles)
        assert {role for role in before["iam-role"] if '"corp-' in role} <= set(made["iam-role"])
        for forget in (False, True):
            if forget:
                stage.store.forget()
            again = stage.provision()
            assert {outcome.status for outcome in again.outcomes} == {Status.UNCHANGED}
            assert stage.tape.mutating == []
        assert stage.world() == made
        result = stage.teardown()
        assert result.ok, [(o.name, o.message) for o in result.report.outcomes if not o.good]
        assert stage.world() == before


def _as_wanted(what: str, config: Config, roles: dict[str, Any]) -> None:
    """Which roles were made, where they are and what bounds them."""
    if what == "existing":
        given = {key for key, arn in config.iam.roles if arn}
        names = {purpose(name, config.name).replace("-", "_") for name in roles}
        assert not names & given, "a role was made although one exists"
        assert not [name for name in names if name.startswith("model_")]
        assert names <= {"ebs_csi", "efs_csi", "fsx_csi", "s3_csi", "cloudwatch", "vpc_cni"}
        return
    assert len(roles) > 3
    for name, role in roles.items():
        own = PATH if what == "elsewhere" else "/eksprov/"
        assert role["Path"] == ("/" if name.endswith("-auto-node") else own)
        boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        assert boundary == (BOUNDARY if what == "bounded" else None)


def test_every_purpose_is_covered() -> None:
    assert {one for needed in NEEDED.values() for one in needed} | {"model"} == set(PURPOSES)
    assert {key for key, _ in Config.model_fields["iam"].default.roles} | {"model"} == set(PURPOSES)


def test_a_boundary_comes_changes_and_goes_in_place_and_what_is_not_said_stays(stage: Stage) -> None:
    iam, plain = stage.account.plain("iam"), stage.config
    provisioned(stage)
    bare = stage.world()
    for arn in (BOUNDARY, OTHER_BOUNDARY):
        config = changed(plain, iam={"permissions_boundary": arn})
        lines = {line.name: line for line in make_plan(stage.opened(config)).changes}
        assert {(line.kind, line.change.action, line.change.names) for line in lines.values()} == {
            ("iam-role", Action.UPDATE, ("boundary",))
        }
        provisioned(stage, config)
        assert {call.operation for call in stage.tape.mutating} == {"PutRolePermissionsBoundary"}
        roles = roles_of(iam, plain.name)
        assert {role["PermissionsBoundary"]["PermissionsBoundaryArn"] for role in roles.values()} == {arn}
    kept = stage.world()
    report = stage.provision(plain)  # nothing is said any more
    assert {outcome.status for outcome in report.outcomes} == {Status.UNCHANGED}
    assert stage.world() == kept
    [note] = [note for note in make_plan(stage.opened(plain)).notes if "bounded" in note]
    assert OTHER_BOUNDARY in note
    assert "iam.permissions_boundary: none" in note
    provisioned(stage, changed(plain, iam={"permissions_boundary": "none"}))
    assert {call.operation for call in stage.tape.mutating} == {"DeleteRolePermissionsBoundary"}
    assert stage.world() == bare


def test_a_boundary_that_others_changed_is_put_back(stage: Stage) -> None:
    config = changed(stage.config, iam={"permissions_boundary": BOUNDARY})
    provisioned(stage, config)
    right, iam = stage.world(), stage.account.plain("iam")
    cluster, node = (f"quickstart-us-west-2-{purpose}" for purpose in ("cluster", "node"))
    iam.put_role_permissions_boundary(RoleName=cluster, PermissionsBoundary=OTHER_BOUNDARY)
    iam.delete_role_permissions_boundary(RoleName=node)
    provisioned(stage, config)
    assert stage.world() == right


def test_the_boundary_comes_before_any_right(stage: Stage) -> None:
    """A company may refuse rights to a role that is not bounded."""
    provisioned(stage, changed(stage.config, iam={"permissions_boundary": BOUNDARY}))
    made = [call for call in stage.tape.mutating if call.operation == "CreateRole"]
    assert made
    assert all(call.params["PermissionsBoundary"] == BOUNDARY for call in made)
    iam, name = stage.account.plain("iam"), "quickstart-us-west-2-cluster"
    iam.delete_role_permissions_boundary(RoleName=name)
    iam.detach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonEKSClusterPolicy")
    provisioned(stage, changed(stage.config, iam={"permissions_boundary": BOUNDARY}))
    assert [call.operation for call in stage.tape.mutating] == ["PutRolePermissionsBoundary", "AttachRolePolicy"]


@pytest.mark.parametrize(
    ("boundary", "said"),
    [
        (f"{BOUNDARY}-misspelt", "there is no policy"),
        ("arn:aws:iam::aws:policy/NoSuchAwsPolicy", "there is no policy"),
        ("arn:aws:iam::999988887777:policy/boundary", "is of account 999988887777"),
    ],
)
def test_a_boundary_that_cannot_be_is_said_before_anything_is_made(stage: Stage, boundary: str, said: str) -> None:
    config, before = changed(stage.config, iam={"permissions_boundary": boundary}), stage.world()
    for command in (stage.provision, lambda one: make_plan(stage.opened(one, mint=False))):
        with pytest.raises(errors.ConfigError) as refused:
            command(config)
        [problem] = refused.value.problems
        assert (problem.path, said in problem.message, bool(problem.hint)) == ("iam.permissions_boundary", True, True)
    assert stage.tape.mutating == []
    assert stage.world() == before


def test_an_aws_managed_policy_may_bound(stage: Stage) -> None:
    provisioned(stage, changed(stage.config, iam={"permissions_boundary": "arn:aws:iam::aws:policy/PowerUserAccess"}))


def test_another_path_is_refused_before_anything_is_changed_also_without_the_state(stage: Stage) -> None:
    """IAM moves no role, and a living stack's roles are not made anew."""
    provisioned(stage)
    before, config = stage.world(), changed(stage.config, iam={"role_path": PATH}, tags={"team": "new"})
    plan = make_plan(stage.opened(config, mint=False))
    problems = {line.name: line.problem for line in plan.lines if line.problem}
    assert problems
    assert all(name.startswith("role/") or name.endswith("/role") for name in problems)
    assert all("IAM moves no role" in why for why in problems.values())
    for forget in (False, True):
        if forget:
            stage.store.forget()
        with pytest.raises(errors.ConfigError) as refused:
            stage.provision(config)
        [problem] = refused.value.problems
        assert (problem.path, "/eksprov/" in problem.message) == ("iam.role_path", True)
        assert "/eksprov/" in problem.hint
        assert stage.tape.mutating == []
    assert stage.world() == before
    assert stage.teardown(config).ok
    assert not roles_of(stage.account.plain("iam"), stage.config.name)


def test_roles_are_found_wherever_an_earlier_config_put_them(stage: Stage) -> None:
    """The state is lost, path and add-on have left the config: a teardown leaves none, not even the add-on's."""
    addon = {"addons": [{"name": "aws-ebs-csi-driver"}]}
    provisioned(stage, changed(stage.config, iam={"role_path": "/somewhere/else/"}, **addon))
    assert "quickstart-us-west-2-ebs-csi" in roles_of(stage.account.plain("iam"), stage.config.name)
    stage.store.forget()
    assert stage.teardown(stage.config).ok
    assert not roles_of(stage.account.plain("iam"), stage.config.name)


def test_auto_modes_role_that_stands_under_a_path_stays_in_use(theatre: Theatre) -> None:
    """Made by an eksprov before this one; a new one is at `/`."""
    config = everything("auto-mode")
    with theatre.stage(config) as stage:
        provisioned(stage)
        iam, name = stage.account.plain("iam"), "auto-us-west-2-auto-node"
        assert iam.get_role(RoleName=name)["Role"]["Path"] == "/"
        assert stage.teardown().ok
    with theatre.stage(config) as stage:
        iam = stage.account.plain("iam")
        opened = stage.opened()
        step: Any = next(step for step in opened.steps if step.name == "role/auto-node")
        tags = [{"Key": key, "Value": value} for key, value in opened.aws.tags(step.name, step.slug).items()]
        document, arns = step.desired(None).trust, step.policies
        iam.create_role(RoleName=name, Path="/eksprov/", AssumeRolePolicyDocument=document,
                        Description=step.description, Tags=tags)  # fmt: skip
        for arn in arns:
            iam.attach_role_policy(RoleName=name, PolicyArn=arn)
        report = stage.provision()
        assert report.ok
        assert {o.name: o.status for o in report.outcomes}["role/auto-node"] is Status.UNCHANGED
        assert iam.get_role(RoleName=name)["Role"]["Path"] == "/eksprov/"
        assert stage.teardown().ok
        assert not roles_of(iam, config.name)


@dataclass(frozen=True)
class OlderFacts:
    """What a role's facts were."""

    trust: str
    policies: frozenset[str]
    inline: str
    description: str


def test_a_record_from_before_roles_had_paths_and_bounds_is_still_true(stage: Stage) -> None:
    """Fields that say nothing new take no part in what is compared with the record."""
    for step in (step for step in stage.opened().steps if step.kind == "iam-role"):
        want: Any = step.desired(Outputs())
        older = OlderFacts(want.trust, want.policies, want.inline, want.description)
        assert fingerprint(step, Outputs()) == facts_sha256(older)
