"""Node groups for machine learning, from the config to instances and back to nothing; compared with plain boto3."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.configs import changed, example, with_group
from support.requests_held import wrong_on_purpose
from support.stage import Stage, Theatre, quick_start

from eksprov.aws.tags import as_dict
from eksprov.core.outcome import Status
from eksprov.operations.commands.forecast import doctor
from eksprov.operations.commands.plan import make_plan
from eksprov.preflight.findings import Finding

RESERVED = {"instance_types": ["m7i.large"], "capacity_reservation_id": "cr-0123456789abcdef0"}


@pytest.fixture
def gpu(theatre: Theatre) -> Iterator[Stage]:
    with theatre.stage(example("gpu-llm")) as stage:
        yield stage


def group(stage: Stage, name: str) -> Any:
    eks = stage.account.plain("eks")
    return eks.describe_nodegroup(clusterName=stage.config.name, nodegroupName=name)["nodegroup"]


def instances(stage: Stage, name: str) -> list[Any]:
    filters = [
        {"Name": "instance-state-name", "Values": ["running"]},
        {"Name": "tag:eks:nodegroup-name", "Values": [name]},
    ]
    found = stage.account.plain("ec2").describe_instances(Filters=filters)
    return [each for reservation in found["Reservations"] for each in reservation["Instances"]]


def preflight(stage: Stage) -> tuple[Finding, ...]:
    """What `eksprov doctor` finds."""
    opened = stage.opened()
    return doctor(opened, make_plan(opened)).listed


def test_the_gpu_example_stands_settles_and_goes_without_a_trace(gpu: Stage) -> None:
    report = gpu.provision()
    assert report.ok, [outcome for outcome in report.outcomes if not outcome.good]
    made = group(gpu, "gpu")
    assert (made["amiType"], made["capacityType"]) == ("AL2023_x86_64_NVIDIA", "SPOT")
    assert made["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}]
    assert made["updateConfig"]["updateStrategy"] == "MINIMAL"
    assert group(gpu, "system")["updateConfig"]["updateStrategy"] == "DEFAULT"
    (instance,) = instances(gpu, "gpu")
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert as_dict(instance["Tags"])["eksprov:step"] == "node-group/gpu"
    asked = [volume["Ebs"]["VolumeId"] for volume in instance["BlockDeviceMappings"]]
    volumes = gpu.account.plain("ec2").describe_volumes(VolumeIds=asked)["Volumes"]
    assert (300, True) in [(volume["Size"], volume["Encrypted"]) for volume in volumes]
    assert {outcome.status for outcome in gpu.provision().outcomes} == {Status.UNCHANGED}
    assert "DescribeInstanceTypes" not in {call.operation for call in gpu.tape.calls}  # asked once, then recorded
    assert gpu.teardown().ok
    assert gpu.world() == gpu.baseline


def test_training_nodes_stand_close_together_in_one_zone_with_efa(theatre: Theatre) -> None:
    config = with_group(
        quick_start(), instance_types=["p4d.24xlarge"], zone_ids=["usw2-az2"], efa=True, placement_group=True
    )
    with theatre.stage(config) as stage:
        report = stage.provision()
        assert report.ok, [outcome for outcome in report.outcomes if not outcome.good]
        found = instances(stage, "workers")
        assert {each["Placement"]["GroupName"] for each in found} == {"quickstart-workers"}
        assert len({each["SubnetId"] for each in found}) == 1
        ask: Any = {"LaunchTemplateName": "quickstart-workers", "Versions": ["$Latest"]}
        (version,) = stage.account.plain("ec2").describe_launch_template_versions(**ask)["LaunchTemplateVersions"]
        kinds = [one["InterfaceType"] for one in version["LaunchTemplateData"]["NetworkInterfaces"]]
        assert kinds == ["efa", "efa-only", "efa-only", "efa-only"]
        assert {outcome.status for outcome in stage.provision().outcomes} == {Status.UNCHANGED}
        assert stage.teardown().ok
        assert stage.world() == stage.baseline


DEVICES = {
    "nvidia.com/gpu": "gpus",
    "aws.amazon.com/neuron": "neuron_devices",
    "vpc.amazonaws.com/efa": "efa_interfaces",
}
OFFERED_BY = {"nvidia-device-plugin": "nvidia.com/gpu", "neuron-device-plugin": "aws.amazon.com/neuron",
              "efa-device-plugin": "vpc.amazonaws.com/efa"}  # fmt: skip
BROUGHT = {"nvidia": "nvidia.com/gpu"}
BESIDE = {"name": "system", "instance_types": ["m7i.large"]}


def offered(stage: Stage, node: Any) -> set[str]:
    """The devices that pods may ask the node for: its image brings their plugin, or a DaemonSet's pod runs on it."""
    found = {BROUGHT[plugin] for plugin in node.plugins}
    (api,) = stage.kubernetes.apis.values()
    for daemon in api.list("apps/v1", "DaemonSet", "kube-system"):
        affinity = daemon["spec"]["template"]["spec"]["affinity"]["nodeAffinity"]
        for term in affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]:
            if node.instance_type in term["matchExpressions"][0]["values"]:
                found.add(OFFERED_BY[daemon["metadata"]["name"]])
    return found


@pytest.mark.parametrize(
    "group",
    [
        {"instance_types": ["g5.xlarge"]},
        {"instance_types": ["g5.xlarge"], "ami_family": "bottlerocket"},
        {"instance_types": ["inf2.xlarge"]},
        {"instance_types": ["inf2.xlarge"], "ami_family": "bottlerocket"},
        {"instance_types": ["p4d.24xlarge"], "zone_ids": ["usw2-az2"], "efa": True},
        {"instance_types": ["p4d.24xlarge"], "zone_ids": ["usw2-az2"], "efa": True, "ami_family": "bottlerocket"},
    ],
    ids=lambda group: "-".join([*group["instance_types"], group.get("ami_family", ""), str(group.get("efa", ""))]),
)
def test_pods_can_ask_for_every_device_that_a_node_has(theatre: Theatre, group: dict[str, Any]) -> None:
    config = changed(quick_start(), node_groups=[{"name": "devices", **group}, BESIDE])
    with theatre.stage(config) as stage:
        report = stage.provision()
        assert report.ok, [outcome for outcome in report.outcomes if not outcome.good]
        nodes = [node for cluster in stage.kubernetes.clusters.values() for node in cluster.nodes.values()]
        has = {node.name: {name for name, key in DEVICES.items() if getattr(node, key)} for node in nodes}
        assert any(has.values())
        assert {node.name: offered(stage, node) for node in nodes} == has


def test_a_plugin_runs_on_the_nodes_of_a_fallback_too(theatre: Theatre) -> None:
    """The plugin is chosen by instance type, and a group that fell back has others than the first."""
    group = {"name": "gpu", "instance_types": ["g5.xlarge"], "fallbacks": [{"instance_types": ["g6.xlarge"]}]}
    with theatre.stage(changed(quick_start(), node_groups=[group, BESIDE])) as stage:
        steps = {step.name: step for step in stage.opened().steps}
        daemon: Any = steps["controller/nvidia-device-plugin/daemon-set"]
        affinity = daemon.manifest["spec"]["template"]["spec"]["affinity"]["nodeAffinity"]
        (term,) = affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
        assert term["matchExpressions"][0]["values"] == ["g5.xlarge", "g6.xlarge"]


def test_a_capacity_block_is_bought_through_the_template(theatre: Theatre) -> None:
    config = with_group(
        quick_start(),
        instance_types=["p5.48xlarge"],
        capacity_type="CAPACITY_BLOCK",
        capacity_reservation_id="cr-0123456789abcdef0",
    )
    with theatre.stage(config, reserved_in="usw2-az2") as stage:
        report = stage.provision()
        assert report.ok, [outcome for outcome in report.outcomes if not outcome.good]
        assert group(stage, "workers")["capacityType"] == "CAPACITY_BLOCK"
        found = instances(stage, "workers")
        assert {each["InstanceType"] for each in found} == {"p5.48xlarge"}
        assert {each["Placement"]["AvailabilityZone"] for each in found} == {"us-west-2a"}  # usw2-az2 here
        assert {outcome.status for outcome in stage.provision().outcomes} == {Status.UNCHANGED}
        assert "DescribeCapacityReservations" not in {call.operation for call in stage.tape.calls}  # it is recorded
        stage.store.forget()
        assert {outcome.status for outcome in stage.provision().outcomes} == {Status.UNCHANGED}


def test_a_larger_disk_moves_the_group_to_nodes_that_have_it(stage: Stage) -> None:
    stage.provision()
    before = {each["InstanceId"] for each in instances(stage, "workers")}
    report = stage.provision(with_group(stage.config, disk_size_gib=80))
    moved = {o.name: o.change.names for o in report.outcomes if o.status is Status.UPDATED}
    assert moved == {"launch-template/workers": ("disk_gib",), "node-group/workers": ("template_version",)}
    after = instances(stage, "workers")
    assert not before & {each["InstanceId"] for each in after}
    assert {as_dict(each["Tags"])["aws:ec2launchtemplate:version"] for each in after} == {"2"}


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"instance_types": ["m7i.large", "g5.xlarge"]}, "different accelerators"),
        ({"instance_types": ["m99.large"]}, "EC2 does not know m99.large"),
        ({"zone_ids": ["usw2-az4"]}, "no subnets in usw2-az4, only in usw2-az1, usw2-az2"),
        ({**RESERVED, "zone_ids": ["usw2-az1"]}, "lies in usw2-az2, but zone_ids names usw2-az1"),
        ({**RESERVED, "capacity_type": "CAPACITY_BLOCK"}, "no capacity block, so capacity_type has to be ON_DEMAND"),
    ],
)
def test_impossible_nodes_are_refused_by_their_template(theatre: Theatre, keys: dict[str, Any], said: str) -> None:
    """A type that the model does not list may be a new one: EC2 is asked."""
    config, asking = with_group(quick_start(), **keys), wrong_on_purpose("DescribeInstanceTypes")
    with asking, theatre.stage(config, reserved_in="usw2-az2", reserved_as="default") as stage:
        assert said in {finding.name: finding for finding in preflight(stage)}["node-group"].message
        ended = {outcome.name: outcome for outcome in stage.provision().outcomes}
        assert ended["launch-template/workers"].status is Status.FAILED
        assert said in ended["launch-template/workers"].message
        assert ended["node-group/workers"].status is Status.SKIPPED
        assert "CreateNodegroup" not in {call.operation for call in stage.tape.mutating}
        assert stage.teardown().ok
        assert stage.world() == stage.baseline
