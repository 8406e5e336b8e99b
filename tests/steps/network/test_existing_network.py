"""A VPC that exists: used, and left as it was found, to the last tag."""

from __future__ import annotations

import pytest
from support.account import run_of
from support.stage import STACK_ID
from support.team import Team, prepare

from eksprov import errors
from eksprov.config.check import check
from eksprov.core.convergence.converge import converge, remove
from eksprov.core.outcome import Status
from eksprov.core.step import AnyStep, Outputs, Owner
from eksprov.operations.commands.plan import make_plan, offline_plan
from eksprov.steps.network.existing_subnet import ExistingSubnet
from eksprov.steps.network.existing_vpc import ExistingVpc


def test_the_example_makes_a_vpc_writes_its_ids_and_removes_it(team: Team) -> None:
    script = prepare()
    assert team.config.network.vpc_id == team.ids["vpc_id"]
    assert list(team.config.network.subnet_ids) == team.ids["subnet_ids"]
    assert list(team.config.network.public_subnet_ids) == team.ids["public_subnet_ids"]
    assert check(team.config) == []
    assert script.found(team.ec2) == team.ids
    script.delete(team.ec2, team.stage.clock.sleep)
    assert team.stage.world() == team.stage.baseline


def test_a_stack_lives_in_it_and_leaves_it_as_it_was(team: Team) -> None:
    stage = team.stage
    assert stage.provision(team.config).ok
    touched = team.ids["vpc_id"], *team.ids["subnet_ids"], *team.ids["public_subnet_ids"]
    ec2_calls = [call for call in stage.tape.mutating if call.service == "ec2"]
    assert not any(resource in str(call.params) for call in ec2_calls for resource in touched)
    assert all(item in stage.world()[kind] for kind, items in team.before.items() for item in items)
    cluster = stage.account.plain("eks").describe_cluster(name="existing-vpc")["cluster"]["resourcesVpcConfig"]
    assert cluster["vpcId"] == team.ids["vpc_id"]
    assert set(cluster["subnetIds"]) == set(touched[1:])
    group = stage.account.plain("eks").describe_nodegroup(clusterName="existing-vpc", nodegroupName="workers")
    assert sorted(group["nodegroup"]["subnets"]) == sorted(team.ids["subnet_ids"])
    now = stage.world()
    assert {outcome.status for outcome in stage.provision(team.config).outcomes} == {Status.UNCHANGED}
    assert stage.tape.mutating == []
    assert stage.world() == now
    assert len(stage.tape.reads) <= 40
    result = stage.teardown(team.config)
    assert result.ok, [outcome for outcome in result.report.outcomes if not outcome.good]
    assert stage.world() == team.before


def test_it_is_left_alone_also_when_the_state_is_lost(team: Team) -> None:
    stage = team.stage
    assert stage.provision(team.config).ok
    stage.store.forget()
    assert {outcome.status for outcome in stage.provision(team.config).outcomes} == {Status.UNCHANGED}
    stage.store.forget()
    assert stage.teardown(team.config).ok
    assert stage.world() == team.before


def test_the_plan_shows_it_as_there_and_never_as_something_to_delete(team: Team) -> None:
    stage = team.stage
    plan = make_plan(stage.opened(team.config))
    assert {line.change.action.value for line in plan.lines if line.kind.startswith("existing")} == {"none"}
    assert not any(line.problem for line in plan.lines)
    stage.provision(team.config)
    other = team.config.model_copy(update={"network": type(team.config.network)()})
    for shown in (make_plan(stage.opened(other)), offline_plan(other, stage.store)):
        assert not any(line.kind.startswith("existing") for line in shown.lines)


def test_only_what_the_stacks_own_cni_left_behind_is_taken_out(team: Team) -> None:
    stage, subnet = team.stage, team.ids["subnet_ids"][0]
    theirs = team.ec2.create_network_interface(SubnetId=subnet, Description="theirs")
    team.again()
    tags = [
        {"Key": "cluster.k8s.amazonaws.com/name", "Value": "existing-vpc"},
        {"Key": "eks:eni:owner", "Value": "amazon-vpc-cni"},
    ]
    team.ec2.create_network_interface(
        SubnetId=subnet, TagSpecifications=[{"ResourceType": "network-interface", "Tags": tags}]
    )
    assert stage.world() != team.before
    aws = stage.aws(Owner("existing-vpc", STACK_ID))
    outcome = remove(ExistingSubnet(name="existing-subnet/private-1", slug=subnet), run_of(aws))
    assert outcome.status is Status.ABSENT
    assert stage.world() == team.before
    assert theirs["NetworkInterface"]["Status"] in ("available", "pending")


def test_neither_kind_is_ever_made_or_surveyed(team: Team) -> None:
    aws = team.stage.aws(Owner("existing-vpc", STACK_ID))
    steps: tuple[AnyStep, ...] = (
        ExistingVpc(name="v", slug="vpc-00000000"),
        ExistingSubnet(name="s", slug="subnet-00000000"),
    )
    for step in steps:
        with pytest.raises(errors.ProvisioningError, match="does not exist"):
            converge(step, Outputs(), run_of(aws))
        assert list(type(step).list_owned(aws, "existing-vpc")) == []


def test_a_stack_does_not_move_from_its_own_vpc_into_another(team: Team) -> None:
    """The cluster cannot follow, so nothing does; what was made before is still known, and goes at the teardown."""
    stage = team.stage
    own = team.config.model_copy(update={"network": type(team.config.network)()})
    assert stage.provision(own).ok
    before = stage.world()
    outcomes = {outcome.name: outcome for outcome in stage.provision(team.config).outcomes}
    assert "vpc_id" in outcomes["cluster"].message
    assert stage.tape.mutating == []
    assert stage.world() == before
    assert stage.teardown(team.config).ok
    assert stage.world() == team.before
