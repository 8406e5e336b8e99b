"""What is switched on in a local world, over its switchboard: it holds while it is on, and ends when it is cleared.

The account is read with plain boto3; time is virtual.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from support.stage import Stage, Theatre

from eksprov.core.outcome import Status
from eksprov.local.aws.latency import NODES_MISSING_AFTER_S
from eksprov.local.faults.inject import injected
from eksprov.local.faults.switchboard import CONFIG, Switchboard

GROUP = "node-group/workers"


@contextmanager
def switched(stage: Stage) -> Iterator[Switchboard]:
    """A switchboard that stands before every request."""
    board = Switchboard(stage.emulator)
    with injected(board.around):
        yield board


@pytest.fixture(scope="module")
def theatre() -> Theatre:
    return Theatre()


@pytest.fixture
def stage(theatre: Theatre) -> Iterator[Stage]:
    with theatre.stage(speed=1.0) as stage:
        yield stage


def workers(stage: Stage) -> Any:
    found = stage.account.plain("eks").describe_nodegroup(clusterName="quickstart", nodegroupName="workers")
    return found["nodegroup"]


def failed(report: Any) -> dict[str, Any]:
    return {outcome.name: outcome for outcome in report.outcomes if outcome.status is Status.FAILED}


def test_capacity_and_quotas_are_short_for_as_long_as_they_are_switched_off(stage: Stage) -> None:
    quotas = stage.account.plain("service-quotas")
    wide = quotas.get_service_quota(ServiceCode="ec2", QuotaCode="L-DB2E81BA")["Quota"]["Value"]
    with switched(stage) as board:
        board.switch({"names": ["no-capacity:m7i.large/ON_DEMAND", "quota:L-DB2E81BA=0"]})
        assert "InsufficientInstanceCapacity" in failed(stage.provision())[GROUP].message
        assert quotas.get_service_quota(ServiceCode="ec2", QuotaCode="L-DB2E81BA")["Quota"]["Value"] == 0
        board.switch({"names": []})
        assert not board.is_on
        assert quotas.get_service_quota(ServiceCode="ec2", QuotaCode="L-DB2E81BA")["Quota"]["Value"] == wide
        assert stage.provision().ok


def test_nodes_that_never_join_are_told_of_in_bounded_time_with_where_to_look(stage: Stage) -> None:
    with switched(stage) as board:
        board.switch({"names": ["nodes-never-join"]})
        report = stage.provision()
        told = failed(report)[GROUP]
        (one, *_) = workers(stage)["health"]["issues"][0]["resourceIds"]
        for word in ("NodeCreationFailure", one, "get-console-output", "routes", "CNI", "access entry"):
            assert word in told.message
        assert told.seconds < NODES_MISSING_AFTER_S + 60
        board.switch({"names": []})
        assert stage.provision().ok
        assert workers(stage)["status"] == "ACTIVE"


def test_a_health_issue_degrades_node_groups_and_ends_with_its_switch(stage: Stage) -> None:
    assert stage.provision().ok
    with switched(stage) as board:
        board.switch({"names": ["nodegroup-degraded:Ec2SubnetNotFound"]})
        assert workers(stage)["status"] == "DEGRADED"
        assert [issue["code"] for issue in workers(stage)["health"]["issues"]] == ["Ec2SubnetNotFound"]
        report = stage.provision()
        assert {each.status for each in report.outcomes} == {Status.UNCHANGED}
        said = {each.name: each.message for each in report.outcomes if each.message}
        assert said.keys() == {GROUP}  # nothing is deleted for it, but it is said
        assert said[GROUP].startswith("Ec2SubnetNotFound: ")
        board.switch({"names": []})
        assert (workers(stage)["status"], workers(stage)["health"]["issues"]) == ("ACTIVE", [])


def test_what_controllers_leave_is_there_when_the_cluster_goes_and_is_swept(stage: Stage) -> None:
    assert stage.provision().ok
    with switched(stage) as board:
        board.switch({"names": ["leaked-interface", "left-load-balancer", "left-volume"]})
        result = stage.teardown()
    assert result.ok, [outcome.message for outcome in result.report.outcomes if not outcome.good]
    assert stage.world() == stage.baseline
    said = {each.name: each.message for each in result.report.outcomes}
    assert "1 load balancer" in said["leftovers"]
    assert "1 network interface" in said["nodes-on-demand"]
    assert [piece.what for piece in result.kept] == ["volume"]  # nobody can say any more whether it may go
    assert stage.teardown(delete_retained=True).kept == ()
    assert stage.account.plain("ec2").describe_volumes()["Volumes"] == []
    elb = stage.account.plain("elbv2")
    assert elb.describe_load_balancers()["LoadBalancers"] == elb.describe_target_groups()["TargetGroups"] == []


def test_config_and_command_each_rule_their_own_and_a_config_said_again_changes_nothing(stage: Stage) -> None:
    with switched(stage) as board:
        board.switch({"names": ["no-capacity:SPOT"], "by": CONFIG})
        board.switch({"names": ["throttle"], "seed": 7})
        found = board.report()
        assert (found["on_by_config"], found["on"], found["seed"]) == (["no-capacity:SPOT"], ["throttle"], 7)
        assert len(stage.emulator.capacity.short) == 1
        board.switch({"names": []})
        assert board.report()["on_by_config"] == ["no-capacity:SPOT"]
        before = board._faults
        board.switch({"names": ["no-capacity:SPOT"], "by": CONFIG})
        assert board._faults is before
        board.switch({"names": [], "by": CONFIG})
        assert not board.is_on
        assert stage.emulator.capacity.short == []


def test_what_this_world_does_not_have_is_refused_and_changes_nothing(stage: Stage) -> None:
    with switched(stage) as board:
        refused = board.switch({"names": ["throttle", "quota:L-00000000=1"]})
        assert "L-00000000" in refused["refused"]
        assert "L-DB2E81BA Running On-Demand G and VT instances" in refused["cure"]
        assert not board.is_on
