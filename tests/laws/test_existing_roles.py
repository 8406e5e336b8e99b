"""Roles that others made take over on a living stack, as far as EKS lets them, and are as they were afterwards."""

from __future__ import annotations

from typing import Any

import pytest
from laws.test_roles import provisioned, purpose
from support.company import arn_of, lending, make_roles, roles_of
from support.configs import changed
from support.stage import Stage, Theatre, everything, quick_start

from eksprov.core.change import Action
from eksprov.core.outcome import Status
from eksprov.operations.commands.plan import make_plan, offline_plan


@pytest.fixture
def stage(theatre: Theatre) -> Any:
    with theatre.stage(quick_start()) as stage:
        make_roles(stage.account.plain("iam"))
        yield stage


def test_roles_that_exist_take_over_where_eks_lets_them(stage: Stage) -> None:
    """What can change changes, and the role that was made goes once nothing uses it."""
    provisioned(stage)
    before = [role for role in stage.world()["iam-role"] if '"corp-' in role]
    provisioned(stage, lending(stage.config, "vpc_cni", "node"))
    roles = roles_of(stage.account.plain("iam"), stage.config.name)
    assert {purpose(name, stage.config.name) for name in roles} == {"cluster", "model-digits"}
    assert [role for role in stage.world()["iam-role"] if '"corp-' in role] == before
    provisioned(stage)  # and back again
    roles = roles_of(stage.account.plain("iam"), stage.config.name)
    assert {purpose(name, stage.config.name) for name in roles} == {"cluster", "node", "vpc-cni", "model-digits"}


@pytest.mark.parametrize(
    ("name", "purposes"),
    [("karpenter", ("node", "vpc_cni", "karpenter")), ("everything", ("cluster_autoscaler",))],
)
def test_controllers_and_their_nodes_change_over_and_back(
    theatre: Theatre, name: str, purposes: tuple[str, ...]
) -> None:
    with theatre.stage(everything(name)) as stage:
        iam = stage.account.plain("iam")
        make_roles(iam)
        provisioned(stage)
        own, config = stage.world(), lending(stage.config, *purposes)
        provisioned(stage, config)
        left = {purpose(role, config.name).replace("-", "_") for role in roles_of(iam, config.name)}
        assert not left & {*purposes, "karpenter_node"}
        again = stage.provision(config)
        assert {outcome.status for outcome in again.outcomes} == {Status.UNCHANGED}
        provisioned(stage)
        assert stage.world()["iam-role"] == own["iam-role"]
        assert stage.world()["access-entry"] == own["access-entry"]
        assert stage.teardown().ok


def test_the_clusters_role_cannot_be_another_and_the_one_in_use_stays(stage: Stage) -> None:
    provisioned(stage)
    config = lending(stage.config, "cluster")
    lines = {line.name: line for line in make_plan(stage.opened(config)).lines}
    assert "role_arn" in lines["cluster"].problem
    report = stage.provision(config)
    failed = {outcome.name: outcome.message for outcome in report.outcomes if outcome.status is Status.FAILED}
    assert set(failed) == {"cluster"}
    assert "role_arn" in failed["cluster"]
    assert "quickstart-us-west-2-cluster" in roles_of(stage.account.plain("iam"), stage.config.name)
    provisioned(stage)


def test_the_plan_names_what_exists_and_makes_nothing_of_it(stage: Stage) -> None:
    config = lending(stage.config, "cluster", "node", "vpc_cni", "model")
    lines = {line.name: line for line in make_plan(stage.opened(config, mint=False)).lines}
    existing = {name: line for name, line in lines.items() if line.kind == "existing-role"}
    assert {line.slug for line in existing.values()} == {arn_of(p) for p in ("cluster", "node", "vpc_cni", "model")}
    assert {line.change.action for line in existing.values()} == {Action.NONE}
    assert not [name for name, line in lines.items() if line.kind == "iam-role"]
    provisioned(stage, config)
    assert not [line for line in offline_plan(config, stage.store).lines if line.change.action is not Action.NONE]
    assert "CreateRole" not in {call.operation for call in stage.tape.mutating}


def test_an_ipv6_cnis_role_is_asked_about_by_the_simulator(theatre: Theatre) -> None:
    config = changed(everything("ipv6"), iam={"roles": {"vpc_cni": arn_of("vpc_cni")}})
    with theatre.stage(config) as stage:
        make_roles(stage.account.plain("iam"), ["vpc_cni"])
        plan = make_plan(stage.opened(config, mint=False))
        [note] = [note for note in plan.notes if "corp-vpc-cni" in note and "do not seem" in note][:1]
        assert "ec2:AssignIpv6Addresses" in note
