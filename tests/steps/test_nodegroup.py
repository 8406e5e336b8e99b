"""A node group: sizes, labels and taints change in place, the rest is refused; hopeless issues end the wait."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.bench import Bench

from eksprov import errors
from eksprov.core.outcome import Status
from eksprov.core.step import State
from eksprov.steps.instances import ami_type
from eksprov.steps.nodegroup import NodeGroup, NodeGroupFacts


def group_of(bench: Bench, **more: Any) -> NodeGroup:
    step = next(step for step in bench.steps.values() if step.kind == "node-group")
    assert isinstance(step, NodeGroup)
    return replace(step, **more)


def live(bench: Bench) -> Any:
    cluster, group = group_of(bench).slug.split("/")
    return bench.plain("eks").describe_nodegroup(clusterName=cluster, nodegroupName=group)["nodegroup"]


@pytest.fixture
def made(bench: Bench) -> Bench:
    bench.make(group_of(bench))
    return bench


def test_a_new_group_stands_in_the_private_subnets_and_settles(bench: Bench) -> None:
    step = group_of(bench)
    assert bench.make(step).status is Status.CREATED
    assert bench.calls() == ["CreateNodegroup"]
    group = live(bench)
    private = {bench.outputs.get(f"subnet/private-{number}", "id") for number in (1, 2)}
    assert set(group["subnets"]) == private
    assert group["amiType"] == "AL2023_x86_64_STANDARD"
    assert group["nodeRole"] == bench.outputs.get("role/node", "arn")
    assert group["updateConfig"] == {"maxUnavailable": 1}
    assert len(bench.tape.mutating[0].params["clientRequestToken"]) == 64
    bench.settles(step)
    assert len(bench.tape.reads) == 1


def test_a_size_set_elsewhere_is_set_back(made: Bench) -> None:
    cluster, group = group_of(made).slug.split("/")
    wanted = live(made)["scalingConfig"]
    made.plain("eks").update_nodegroup_config(
        clusterName=cluster, nodegroupName=group, scalingConfig={"minSize": 0, "maxSize": 9, "desiredSize": 0}
    )
    made.clock.sleep(300)
    assert set(made.again(group_of(made)).change.names) == {"min_size", "desired_size", "max_size"}
    assert live(made)["scalingConfig"] == wanted


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


@pytest.mark.parametrize("more", [{"instance_types": ("m7i.xlarge",)}, {"capacity_type": "SPOT"}, {"disk_gib": 99}])
def test_what_cannot_change_in_place_makes_the_group_anew(made: Bench, more: dict[str, Any]) -> None:
    before = live(made)["nodegroupArn"]
    wanted = group_of(made, **more)
    assert made.again(wanted).status is Status.REPLACED
    assert made.calls() == ["DeleteNodegroup", "CreateNodegroup"]
    assert live(made)["nodegroupArn"] != before
    made.settles(wanted)


def test_zones_added_later_leave_a_standing_group_as_it_is(made: Bench) -> None:
    made.outputs.put("subnet/private-3", {"id": "subnet-0123456789abcdef0"})
    made.settles(group_of(made, subnets=("subnet/private-1", "subnet/private-2", "subnet/private-3")))


def test_it_waits_until_iam_tells_eks_of_the_role(bench: Bench) -> None:
    step = group_of(bench)
    for need in step.needs:
        bench.make(need)
    bench.tape.rewind()
    aws = bench.aws()
    bench.tape.refuse("CreateNodegroup", "InvalidParameterException", "The role x does not exist", times=2)
    step.create(aws, step.desired(bench.outputs), "t" * 64)
    assert bench.calls().count("CreateNodegroup") == 3


@pytest.mark.parametrize(
    ("types", "image"),
    [
        (("m7i.large", "m6a.large"), "AL2023_x86_64_STANDARD"),
        (("m7g.large",), "AL2023_ARM_64_STANDARD"),
        (("g5.xlarge", "g6.xlarge"), "AL2023_x86_64_NVIDIA"),
        (("g5g.xlarge",), "AL2023_ARM_64_NVIDIA"),
        (("inf2.xlarge",), "AL2023_x86_64_NEURON"),
    ],
)
def test_the_image_follows_from_the_instance_types(bench: Bench, types: tuple[str, ...], image: str) -> None:
    assert ami_type(bench.aws(), "node-group/x", types) == image


@pytest.mark.parametrize("types", [("m7i.large", "m7g.large"), ("m7i.large", "g5.xlarge"), ("m99.large",)])
def test_types_without_a_common_image_and_unknown_ones_are_refused(bench: Bench, types: tuple[str, ...]) -> None:
    with pytest.raises(errors.ProvisioningError, match="node-group/x"):
        ami_type(bench.aws(), "node-group/x", types)


@pytest.mark.parametrize(
    ("status", "issue", "state"),
    [
        ("CREATING", "", State.MOVING),
        ("CREATING", "AsgInstanceLaunchFailures", State.MOVING),
        ("CREATING", "InstanceLimitExceeded", State.FAILED),
        ("CREATING", "Ec2InstanceTypeDoesNotExist", State.FAILED),
        ("UPDATING", "InstanceLimitExceeded", State.MOVING),
        ("DEGRADED", "AsgInstanceLaunchFailures", State.READY),
        ("CREATE_FAILED", "NodeCreationFailure", State.FAILED),
        ("DELETE_FAILED", "Ec2SecurityGroupDeletionFailure", State.FAILED),
        ("DELETING", "", State.LEAVING),
        ("ACTIVE", "", State.READY),
    ],
)
def test_only_what_no_waiting_cures_ends_the_wait(status: str, issue: str, state: State) -> None:
    step = NodeGroup(name="node-group/x", slug="demo/x")
    health = ((issue, "why"),) if issue else ()
    facts = NodeGroupFacts("r", (), "SPOT", 20, 0, 0, 1, frozenset(), frozenset(), status=status, health=health)
    phase = step.phase(facts)
    assert phase.state is state
    assert not issue or issue in phase.message


def test_it_goes(made: Bench) -> None:
    made.goes(group_of(made))


def test_a_strangers_group_is_refused(made: Bench) -> None:
    made.plain("eks").tag_resource(resourceArn=live(made)["nodegroupArn"], tags={"eksprov:stack": "another"})
    made.is_refused(group_of(made))
    assert made.sightings(group_of(made)) == []
