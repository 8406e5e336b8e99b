"""Spot's service-linked role: made for Karpenter in an account that has none, named in the plan, never deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from support.stage import Stage, Theatre, everything

from eksprov.config.schema import Config
from eksprov.core.outcome import Status
from eksprov.core.step import Outputs
from eksprov.local.contract import NodeWish
from eksprov.operations.commands.plan import make_plan
from eksprov.steps.identity.service_linked_role import SPOT, ServiceLinkedRole

NAME, STEP = "AWSServiceRoleForEC2Spot", "service-linked-role/spot"
BY_SERVICES = {"AWSServiceRoleForAmazonEKS", "AWSServiceRoleForAmazonEKSNodegroup", "AWSServiceRoleForAutoScaling"}


@pytest.fixture
def stage(theatre: Theatre) -> Iterator[Stage]:
    with theatre.stage(everything("karpenter")) as stage:
        yield stage


def linked(stage: Stage) -> set[str]:
    """The service-linked roles of the account."""
    pages = stage.account.plain("iam").get_paginator("list_roles").paginate(PathPrefix="/aws-service-role/")
    return {role["RoleName"] for page in pages for role in page["Roles"]}


def spot_node(stage: Stage, manager: Any = "karpenter") -> Any:
    """What EC2 gives whoever asks for a Spot instance."""
    arn = stage.account.plain("eks").describe_cluster(name=stage.config.name)["cluster"]["arn"]
    return stage.emulator.launch_node(arn, NodeWish("claim", "everyday", "everyday", manager, ("c5.large",), spot=True))


def without(stage: Stage, kind: str) -> Any:
    opened = stage.opened()
    return replace(opened, steps=tuple(step for step in opened.steps if step.kind != kind))


def test_an_account_without_service_linked_roles_gets_spots_and_keeps_it(stage: Stage) -> None:
    assert linked(stage) == set()
    (line,) = [line for line in make_plan(stage.opened()).lines if line.name == STEP]
    assert (line.change.action.value, line.slug) == ("create", SPOT)
    assert stage.provision().ok
    assert linked(stage) == {*BY_SERVICES, NAME}
    assert spot_node(stage) is not None
    assert {outcome.status for outcome in stage.provision().outcomes} == {Status.UNCHANGED}
    assert stage.teardown().ok
    assert linked(stage) == {*BY_SERVICES, NAME}
    assert "DeleteServiceLinkedRole" not in [call.operation for call in stage.tape.mutating]


def test_without_it_karpenter_gets_no_spot_and_auto_mode_makes_it(stage: Stage) -> None:
    from eksprov.operations.commands.provision import provision

    assert provision(without(stage, ServiceLinkedRole.kind)).ok
    assert linked(stage) == BY_SERVICES
    assert spot_node(stage) is None
    assert spot_node(stage, "auto") is not None
    assert linked(stage) == {*BY_SERVICES, NAME}


def test_one_that_is_there_is_left_as_it_is_and_one_made_meanwhile_is_no_error(stage: Stage) -> None:
    stage.account.plain("iam").create_service_linked_role(AWSServiceName=SPOT)
    (step,) = [step for step in stage.opened().steps if step.kind == ServiceLinkedRole.kind]
    aws = stage.opened().aws
    assert step.create(aws, step.desired(Outputs()), "t" * 64) == {}
    report = stage.provision()
    (outcome,) = [outcome for outcome in report.outcomes if outcome.name == STEP]
    assert (report.ok, outcome.status) == (True, Status.UNCHANGED)


def test_a_stack_that_buys_no_spot_with_karpenter_makes_none(theatre: Theatre) -> None:
    data = everything("karpenter").model_dump(mode="json")
    data["node_pools"] = [{"name": "plain"}]
    with theatre.stage(Config.model_validate(data, strict=False)) as stage:
        assert [step for step in stage.opened().steps if step.kind == ServiceLinkedRole.kind] == []


def test_out_of_the_config_it_is_forgotten_and_stays(stage: Stage) -> None:
    assert stage.provision().ok
    data = stage.config.model_dump(mode="json") | {"node_pools": [{"name": "plain"}]}
    config = Config.model_validate(data, strict=False)
    assert STEP not in [line.name for line in make_plan(stage.opened(config)).lines]
    report = stage.provision(config)
    assert report.ok
    assert STEP not in report.state.steps
    assert NAME in linked(stage)
