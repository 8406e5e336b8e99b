"""What is made again takes over the live values that others own, and the plan names them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.configs import changed, with_group
from support.stage import Stage, Theatre, quick_start

from eksprov.config.schema import Config
from eksprov.core.change import Action
from eksprov.core.outcome import Status
from eksprov.operations.commands.plan import make_plan
from eksprov.operations.commands.provision import provision

NAME, GROUP = "quickstart", "node-group/workers"
OTHERS = {"backup": "daily"}


def config(autoscaler: str = "cluster-autoscaler", **more: Any) -> Config:
    start = changed(quick_start(), autoscaler=autoscaler)
    return with_group(start, desired_size=1, min_size=1, max_size=6, **more)


def group(stage: Stage) -> Any:
    """The only one."""
    eks = stage.account.plain("eks")
    (name,) = eks.list_nodegroups(clusterName=NAME)["nodegroups"]
    return eks.describe_nodegroup(clusterName=NAME, nodegroupName=name)["nodegroup"]


def made(stage: Stage, size: int) -> None:
    """The stack, and an autoscaler that has given the group so many nodes."""
    assert stage.provision().ok
    eks = stage.account.plain("eks")
    eks.update_nodegroup_config(clusterName=NAME, nodegroupName="workers", scalingConfig={"desiredSize": size})
    for _ in range(5):
        stage.clock.sleep(3600)
        group(stage)
    assert group(stage)["status"] == "ACTIVE"
    stage.tape.rewind()


def created(stage: Stage) -> list[int]:
    """How many nodes each new group was asked for."""
    return [c.params["scalingConfig"]["desiredSize"] for c in stage.tape.mutating if c.operation == "CreateNodegroup"]


@pytest.fixture
def stage(theatre: Theatre) -> Iterator[Stage]:
    with theatre.stage(config()) as stage:
        yield stage


@pytest.mark.parametrize("strategy", ["DEFAULT", "MINIMAL"])
@pytest.mark.parametrize(("most", "taken"), [(6, 4), (3, 3)])
def test_an_autoscaled_group_is_made_again_with_as_many_nodes_within_its_bounds(
    stage: Stage, strategy: str, most: int, taken: int
) -> None:
    """Whichever of the two comes first; a higher minimum counts, too."""
    made(stage, 4)
    larger = with_group(config(update_strategy=strategy), instance_types=["m7i.xlarge"], max_size=most)
    (line,) = [line for line in make_plan(stage.opened(larger)).changes if line.name == GROUP]
    assert line.change.action is Action.REPLACE
    assert f"takes over desired_size {taken}" in line.change.reason
    assert stage.provision(larger).ok
    assert created(stage) == [taken]
    assert group(stage)["scalingConfig"]["desiredSize"] == taken
    assert {one.status for one in stage.provision(larger).outcomes} == {Status.UNCHANGED}
    back = with_group(config(update_strategy=strategy), max_size=most)
    lines = {line.name: line for line in make_plan(stage.opened(back)).changes}
    assert f"takes over desired_size {taken}" in lines[GROUP].change.reason
    assert stage.provision(back).ok
    assert created(stage) == [taken]


def test_a_minimum_above_the_live_size_counts(stage: Stage) -> None:
    made(stage, 2)
    assert stage.provision(with_group(config(), instance_types=["m7i.xlarge"], desired_size=3, min_size=3)).ok
    assert created(stage) == [3]


def test_a_fallback_takes_over_the_size_too(stage: Stage) -> None:
    made(stage, 4)
    stage.emulator.capacity.refuse("m7i.xlarge", purchase="ON_DEMAND")
    larger = with_group(config(), instance_types=["m7i.xlarge"], fallbacks=[{"capacity_type": "SPOT"}])
    assert stage.provision(larger).ok
    assert created(stage) == [4, 4]
    assert (group(stage)["capacityType"], group(stage)["scalingConfig"]["desiredSize"]) == ("SPOT", 4)


def test_a_size_that_is_eksprovs_own_is_the_configs(theatre: Theatre) -> None:
    with theatre.stage(config("none")) as stage:
        made(stage, 4)
        larger = with_group(config("none"), instance_types=["m7i.xlarge"])
        (line,) = [line for line in make_plan(stage.opened(larger)).changes if line.name == GROUP]
        assert "takes over" not in line.change.reason
        assert stage.provision(larger).ok
        assert created(stage) == [1]


def test_tags_of_others_are_handed_on(stage: Stage) -> None:
    """Ours, EKS's and those of the config are not: they are written anew anyway."""
    made(stage, 1)
    eks = stage.account.plain("eks")
    eks.tag_resource(resourceArn=group(stage)["nodegroupArn"], tags=OTHERS)
    larger = with_group(config(), instance_types=["m7i.xlarge"])
    (line,) = [line for line in make_plan(stage.opened(larger)).changes if line.name == GROUP]
    assert "the tags backup" in line.change.reason
    assert stage.provision(larger).ok
    assert group(stage)["instanceTypes"] == ["m7i.xlarge"]
    assert group(stage)["tags"].items() >= OTHERS.items()


def test_tags_of_others_are_handed_on_where_the_old_one_goes_first(theatre: Theatre) -> None:
    """A network without a cluster, in another range."""
    elsewhere = changed(quick_start(), network={"vpc_cidr": "10.9.0.0/16"})
    with theatre.stage() as stage:
        opened = stage.opened()
        stage.tape.refuse("CreateCluster", "ResourceLimitExceededException", "no more clusters", times=1)
        assert not provision(opened).ok
        ec2 = stage.account.plain("ec2")
        subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]]
        ec2.create_tags(Resources=subnets, Tags=[{"Key": "backup", "Value": "daily"}])
        plan = {line.name: line for line in make_plan(stage.opened(elsewhere)).changes}
        replaced = [name for name, line in plan.items() if name.startswith("subnet/")]
        assert all(plan[name].change.action is Action.REPLACE for name in replaced)
        assert all("the tags backup" in plan[name].change.reason for name in replaced)
        assert stage.provision(elsewhere).ok
        after = [subnet for subnet in ec2.describe_subnets()["Subnets"] if subnet["CidrBlock"].startswith("10.9.")]
        assert len(after) == len(replaced)
        assert all({"Key": "backup", "Value": "daily"} in subnet["Tags"] for subnet in after)
