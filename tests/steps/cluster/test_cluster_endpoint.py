"""The door that closes last: made open, private when all else is done, and never opened again by a later run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.stage import Stage, Theatre, quick_start

from eksprov.config.check import check
from eksprov.config.schema import Config
from eksprov.core.outcome import Status
from eksprov.core.step import PhaseState
from eksprov.operations.commands.plan import make_plan, offline_plan
from eksprov.steps.cluster.endpoint import ClusterEndpoint, ClusterEndpointFacts

NAME = "cluster-endpoint"
OFFICE = "81.2.69.0/24"


def config(**cluster: Any) -> Config:
    wanted = {"endpoint_public_access": False, "close_endpoint_last": True, "public_access_cidrs": (OFFICE,), **cluster}
    start = quick_start()
    return start.model_copy(update={"cluster": start.cluster.model_copy(update=wanted)})


@pytest.fixture
def stage(theatre: Theatre) -> Iterator[Stage]:
    with theatre.stage(config()) as stage:
        yield stage


def access(stage: Stage) -> tuple[bool, bool]:
    vpc = stage.account.plain("eks").describe_cluster(name="quickstart")["cluster"]["resourcesVpcConfig"]
    return vpc["endpointPublicAccess"], vpc["endpointPrivateAccess"]


def test_it_is_made_open_to_the_given_ranges_and_closed_after_everything_else(stage: Stage) -> None:
    report = stage.provision()
    assert report.ok, [outcome for outcome in report.outcomes if not outcome.good]
    (create,) = [call for call in stage.tape.mutating if call.operation == "CreateCluster"]
    made = create.params["resourcesVpcConfig"]
    assert (made["endpointPublicAccess"], made["publicAccessCidrs"]) == (True, [OFFICE])
    (update,) = [call for call in stage.tape.mutating if call.operation == "UpdateClusterConfig"]
    assert update.params["resourcesVpcConfig"] == {"endpointPublicAccess": False, "endpointPrivateAccess": True}
    # Only a model's role and bond, which the stage deploys beside the stack, may come later.
    ended = [outcome.name for outcome in report.outcomes if not outcome.name.startswith("model/")]
    assert ended[-1] == NAME
    assert access(stage) == (False, True)


def test_a_second_run_does_not_open_it_again(stage: Stage) -> None:
    stage.provision()
    before = stage.world()
    assert {outcome.status for outcome in stage.provision().outcomes} == {Status.UNCHANGED}
    assert stage.tape.mutating == []
    assert stage.world() == before


def test_one_that_somebody_opened_is_closed(stage: Stage) -> None:
    stage.provision()
    opened = {"endpointPublicAccess": True, "endpointPrivateAccess": True, "publicAccessCidrs": ["0.0.0.0/0"]}
    stage.account.plain("eks").update_cluster_config(name="quickstart", resourcesVpcConfig=opened)
    changed = {o.name: o.status for o in stage.provision().outcomes if o.status is not Status.UNCHANGED}
    assert changed == {NAME: Status.UPDATED}
    assert access(stage) == (False, True)


def test_it_goes_with_the_cluster(stage: Stage) -> None:
    stage.provision()
    result = stage.teardown()
    assert result.ok, [outcome for outcome in result.report.outcomes if not outcome.good]
    assert "UpdateClusterConfig" not in [call.operation for call in stage.tape.mutating]
    assert stage.world() == stage.baseline


def test_a_config_without_it_deletes_nothing(stage: Stage) -> None:
    stage.provision()
    other = config(close_endpoint_last=False, public_access_cidrs=("0.0.0.0/0",))
    for plan in (make_plan(stage.opened(other)), offline_plan(other, stage.store)):
        assert NAME not in [line.name for line in plan.lines]
    assert {outcome.status for outcome in stage.provision(other).outcomes} <= {Status.UNCHANGED, Status.ABSENT}
    assert access(stage) == (False, True)
    assert NAME not in stage.store.load().steps  # type: ignore[union-attr]  # it is there


def test_the_quick_start_has_no_such_step(theatre: Theatre) -> None:
    with theatre.stage() as plain:
        assert NAME not in [step.name for step in plain.opened().steps]


def test_the_rules_know_what_goes_together() -> None:
    assert check(config()) == []
    (warning,) = check(config(endpoint_public_access=True))
    assert (warning.path, warning.level) == ("cluster.close_endpoint_last", "warning")


def test_while_eks_changes_it_its_trouble_is_told() -> None:
    said = (("InsufficientFreeAddresses", "the subnets are full"),)
    have = ClusterEndpointFacts(True, True, frozenset(), status="UPDATING", health=said)
    phase = ClusterEndpoint(name="cluster/endpoint", slug="demo").phase(have)
    assert (phase.state, phase.message) == (
        PhaseState.MOVING,
        "EKS changes the control plane: InsufficientFreeAddresses: the subnets are full",
    )
