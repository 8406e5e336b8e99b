"""A node group: sizes, labels and taints change in place, the rest is refused; hopeless issues end the wait."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, fields, replace
from typing import Any

import pytest
from support.bench import Bench
from support.configs import with_group
from support.stage import Theatre, quick_start

from eksprov import errors
from eksprov.core.outcome import Status
from eksprov.core.step import PhaseState
from eksprov.local.faults.inject import Faults, injected
from eksprov.local.faults.plan import Fate, FaultPlan
from eksprov.steps.node_groups.facts import NodeGroupFacts, UpdateRule, WarmPoolRule, rolling_limit_s
from eksprov.steps.node_groups.launch_template import LaunchTemplate
from eksprov.steps.node_groups.node_group import NodeGroup


def group_of(bench: Bench, **more: Any) -> NodeGroup:
    step = next(step for step in bench.steps.values() if step.kind == "node-group")
    assert isinstance(step, NodeGroup)
    return replace(step, **more)


def live(bench: Bench) -> Any:
    cluster, group = group_of(bench).slug.split("/")
    return bench.plain("eks").describe_nodegroup(clusterName=cluster, nodegroupName=group)["nodegroup"]


@pytest.fixture(scope="module")
def made(theatre: Theatre) -> Iterator[Bench]:
    """A group that stands; the tests that take it are the last, and each leaves it as it was."""
    with theatre.stage() as stage:
        bench = Bench(stage)
        bench.make(group_of(bench))
        yield bench


def test_a_new_group_stands_in_the_private_subnets_and_settles(bench: Bench) -> None:
    step = group_of(bench)
    assert bench.make(step).status is Status.CREATED
    assert bench.calls() == ["CreateNodegroup"]
    group = live(bench)
    private = {bench.outputs.get(f"subnet/private-{number}", "id") for number in (1, 2)}
    assert set(group["subnets"]) == private
    assert group["amiType"] == "AL2023_x86_64_STANDARD"
    assert group["nodeRole"] == bench.outputs.get("role/node", "arn")
    assert group["updateConfig"] == {"maxUnavailable": 1, "updateStrategy": "DEFAULT"}
    assert len(bench.tape.mutating[0].params["clientRequestToken"]) == 64
    bench.settles(step)
    assert len(bench.tape.reads) == 1


def test_it_waits_until_iam_tells_eks_of_the_role(bench: Bench) -> None:
    bench.waits_for_iam(group_of(bench), "CreateNodegroup", "The role x does not exist")


def test_a_group_of_one_zone_has_only_that_zones_subnet(bench: Bench) -> None:
    zone = bench.settled.zones[1].id
    step = group_of(bench, zone_ids=(zone,))
    bench.make(step)
    assert live(bench)["subnets"] == [bench.outputs.get("subnet/private-2", "id")]
    bench.settles(step)
    bench.settles(group_of(bench))  # without zones in the config the group stays where it is
    bench.remove(step)
    with pytest.raises(errors.ProvisioningError, match="no private subnet in usw2-az9"):
        bench.again(replace(step, zone_ids=("usw2-az9",)))


@pytest.mark.parametrize(
    ("nodes", "rule", "hours"),
    [
        (1, UpdateRule(1), 1),
        (3, UpdateRule(1), 1),
        (9, UpdateRule(1), 3),
        (9, UpdateRule(3), 1),
        (100, UpdateRule(0, 10), 10 / 3),
        (100, UpdateRule(1, 0, "MINIMAL"), 100 / 3),
        (5, UpdateRule(0, 1), 5 / 3),
    ],
)
def test_an_update_may_take_as_long_as_its_nodes_one_batch_after_another(
    nodes: int, rule: UpdateRule, hours: float
) -> None:
    assert rolling_limit_s(nodes, rule) == pytest.approx(hours * 3600)


def test_a_large_group_is_waited_for_while_its_nodes_are_replaced_one_by_one(theatre: Theatre) -> None:
    """Nine nodes take longer than the time that a creation has, and a run that is cut off goes on waiting."""
    config = with_group(quick_start(), instance_types=["m7i.large"], desired_size=9, max_size=9)
    with theatre.stage(config, speed=1.0) as stage:
        bench = Bench(stage)
        template = next(step for step in bench.steps.values() if isinstance(step, LaunchTemplate))
        step, old = group_of(bench), bench.make(group_of(bench))
        assert old.status is Status.CREATED
        before, began = instances(bench), bench.clock.now()
        bench.again(replace(template, disk_gib=80))
        assert bench.again(step).status is Status.UPDATED
        assert bench.clock.now() - began > step.timing.create_limit_s
        assert len(instances(bench) - before) == 9
        assert not instances(bench) & before


@pytest.mark.apart
def test_a_size_set_elsewhere_is_set_back(made: Bench) -> None:
    cluster, group = group_of(made).slug.split("/")
    wanted = live(made)["scalingConfig"]
    made.plain("eks").update_nodegroup_config(
        clusterName=cluster, nodegroupName=group, scalingConfig={"minSize": 0, "maxSize": 9, "desiredSize": 0}
    )
    made.clock.sleep(300)
    assert set(made.again(group_of(made)).change.names) == {"min_size", "desired_size", "max_size"}
    assert live(made)["scalingConfig"] == wanted


@pytest.mark.apart
def test_labels_and_taints_change_in_one_call_and_old_ones_go(made: Bench) -> None:
    first = group_of(
        made, labels=(("a", "1"), ("b", "1")), taints=(("gpu", "yes", "NO_SCHEDULE"), ("old", "", "NO_EXECUTE"))
    )
    made.again(first)
    then = replace(first, labels=(("a", "2"),), taints=(("gpu", "no", "NO_SCHEDULE"),))
    assert made.again(then).change.names == ("labels", "taints")
    assert made.calls() == ["UpdateNodegroupConfig"]
    sent = made.tape.mutating[0].params
    assert sent["taints"]["removeTaints"] == [{"key": "old", "effect": "NO_EXECUTE"}]  # not the one whose value changes
    assert sent["labels"] == {"addOrUpdateLabels": {"a": "2"}, "removeLabels": ["b"]}
    group = live(made)
    assert group["labels"] == {"a": "2"}
    assert group["taints"] == [{"key": "gpu", "value": "no", "effect": "NO_SCHEDULE"}]
    made.settles(then)


@pytest.mark.apart
@pytest.mark.parametrize(
    "more", [{"instance_types": ("m7i.xlarge",)}, {"capacity_type": "SPOT"}, {"ami_type": "BOTTLEROCKET_x86_64"}]
)
def test_what_cannot_change_in_place_makes_a_new_group_before_the_old_one_goes(
    made: Bench, more: dict[str, Any]
) -> None:
    wanted = group_of(made, **more)
    outcome = made.again(wanted)
    assert outcome.status is Status.REPLACED
    assert made.calls() == ["CreateNodegroup", "DeleteNodegroup"]
    (only,) = made.plain("eks").list_nodegroups(clusterName=wanted.slug.split("/")[0])["nodegroups"]
    assert only == wanted.renewed.slug.split("/")[1]
    assert f"{wanted.slug} went" in outcome.message


@pytest.mark.apart
def test_scarce_nodes_go_before_new_ones_come(made: Bench) -> None:
    before, scarce = live(made)["nodegroupArn"], UpdateRule(1, 0, "MINIMAL")
    wanted = group_of(made, instance_types=("m7i.xlarge",), update_rule=scarce)
    assert made.again(wanted).status is Status.REPLACED
    assert made.calls() == ["DeleteNodegroup", "CreateNodegroup"]
    assert live(made)["nodegroupArn"] != before
    made.settles(wanted)


@pytest.mark.apart
def test_zones_added_later_leave_a_standing_group_as_it_is(made: Bench) -> None:
    made.outputs.put("subnet/private-3", {"id": "subnet-0123456789abcdef0"})
    made.settles(group_of(made, subnets=("subnet/private-1", "subnet/private-2", "subnet/private-3")))


@pytest.mark.apart
def test_its_nodes_are_made_from_the_stacks_template(made: Bench) -> None:
    template = next(step for step in made.steps.values() if step.kind == "launch-template")
    assert live(made)["launchTemplate"]["id"] == made.outputs.get(template.name, "id")
    assert live(made)["launchTemplate"]["version"] == "1"
    assert "diskSize" not in live(made)


@pytest.mark.apart
def test_a_new_version_of_the_template_comes_with_new_nodes(made: Bench) -> None:
    template = next(step for step in made.steps.values() if isinstance(step, LaunchTemplate))
    before, release = instances(made), live(made)["releaseVersion"]
    made.again(replace(template, disk_gib=80))
    assert made.again(group_of(made)).change.names == ("template_version",)
    assert made.calls() == ["UpdateNodegroupVersion"]
    assert made.tape.mutating[0].params["releaseVersion"] == release  # the image stays as it is
    assert live(made)["launchTemplate"]["version"] == "2"
    assert not before & instances(made)
    made.settles(group_of(made))


def instances(bench: Bench) -> set[str]:
    found = bench.plain("ec2").describe_instances(Filters=[{"Name": "instance-state-name", "Values": ["running"]}])
    return {each["InstanceId"] for reservation in found["Reservations"] for each in reservation["Instances"]}


@pytest.mark.apart
def test_the_rules_of_updates_repair_and_the_warm_pool_change_in_one_call(made: Bench) -> None:
    before = instances(made)
    pool = WarmPoolRule(True, 1, 3)
    then = group_of(made, update_rule=UpdateRule(0, 50, "MINIMAL"), node_repair=True, warm_pool=pool)
    assert made.again(then).change.names == ("update_rule", "node_repair", "warm_pool")
    assert made.calls() == ["UpdateNodegroupConfig"]
    group = live(made)
    assert group["updateConfig"] == {"maxUnavailablePercentage": 50, "updateStrategy": "MINIMAL"}
    assert group["nodeRepairConfig"] == {"enabled": True}
    assert group["warmPoolConfig"]["maxGroupPreparedCapacity"] == 3
    made.settles(then)
    made.again(group_of(made))
    assert not {"warmPoolConfig", "nodeRepairConfig"} & live(made).keys()
    assert instances(made) == before


@pytest.mark.apart
def test_an_autoscalers_size_is_left_alone_but_kept_inside_the_bounds(made: Bench) -> None:
    cluster, group = group_of(made).slug.split("/")
    made.plain("eks").update_nodegroup_config(
        clusterName=cluster, nodegroupName=group, scalingConfig={"desiredSize": 3}
    )
    made.clock.sleep(300)
    step = group_of(made, fixed_size=False)
    made.settles(step)
    made.again(replace(step, min_size=2, max_size=4))
    assert live(made)["scalingConfig"] == {"minSize": 2, "maxSize": 4, "desiredSize": 3}
    made.again(replace(step, max_size=2))
    assert live(made)["scalingConfig"]["desiredSize"] == 2


@pytest.mark.apart
def test_a_release_is_changed_only_where_the_config_names_one(made: Bench) -> None:
    then = group_of(made, release_version="1.36.0-20260101")
    assert made.again(then).change.names == ("release_version",)
    assert live(made)["releaseVersion"] == "1.36.0-20260101"
    made.settles(then)
    made.settles(group_of(made))


@pytest.mark.parametrize(
    ("status", "issue", "state"),
    [
        ("CREATING", "", PhaseState.MOVING),
        ("CREATING", "AsgInstanceLaunchFailures", PhaseState.MOVING),
        ("CREATING", "InstanceLimitExceeded", PhaseState.FAILED),
        ("CREATING", "Ec2InstanceTypeDoesNotExist", PhaseState.FAILED),
        ("UPDATING", "InstanceLimitExceeded", PhaseState.MOVING),
        ("DEGRADED", "AsgInstanceLaunchFailures", PhaseState.READY),
        ("CREATE_FAILED", "NodeCreationFailure", PhaseState.FAILED),
        ("DELETE_FAILED", "Ec2SecurityGroupDeletionFailure", PhaseState.FAILED),
        ("DELETING", "", PhaseState.LEAVING),
        ("ACTIVE", "", PhaseState.READY),
    ],
)
def test_only_what_no_waiting_cures_ends_the_wait(status: str, issue: str, state: PhaseState) -> None:
    step = NodeGroup(name="node-group/x", slug="demo/x")
    health = ((issue, "why"),) if issue else ()
    names = (field.name for field in fields(NodeGroupFacts) if field.default is MISSING)
    nothing: dict[str, Any] = dict.fromkeys(names, "")
    facts = NodeGroupFacts(**nothing, status=status, health=health)
    phase = step.phase(facts)
    assert phase.state is state
    assert not issue or issue in phase.message


@pytest.mark.apart
def test_it_goes(made: Bench) -> None:
    made.goes(group_of(made))


@pytest.mark.apart
def test_a_strangers_group_is_refused(made: Bench) -> None:
    made.plain("eks").tag_resource(resourceArn=live(made)["nodegroupArn"], tags={"eksprov:stack": "another"})
    made.is_refused(group_of(made))
    assert made.resources(group_of(made)) == []


@pytest.mark.apart
def test_a_failed_change_of_nodes_is_told_with_the_pods_that_would_not_go(made: Bench) -> None:
    template = next(step for step in made.steps.values() if isinstance(step, LaunchTemplate))
    made.again(replace(template, disk_gib=80))
    said = "Reached max retries while trying to evict pods from nodes in node group workers"
    fate = Fate("update", "PodEvictionFailure", said)
    faults = Faults(made.stage.emulator, FaultPlan(fates=(fate,)), "us-west-2", made.clock.sleep)
    with injected(faults.around), pytest.raises(errors.ProvisioningError) as failed:
        made.again(group_of(made))
    assert "update of template_version failed: PodEvictionFailure: " + said in failed.value.message
    assert "poddisruptionbudgets" in failed.value.message
    assert live(made)["launchTemplate"]["version"] == "1"
    assert made.again(group_of(made)).status is Status.UPDATED
    made.settles(group_of(made))
