"""Node groups: what is refused, the instances and nodes behind them, transitions."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.aws_fakes import Scene
from support.requests_held import wrong_on_purpose

from eksprov.local.aws.eks.nodes.kinds import kind_of

NAMES = {"clusterName": "demo", "nodegroupName": "cpu"}


def running(scene: Scene) -> list[Any]:
    found = scene.aws.ec2.describe_instances(Filters=[{"Name": "instance-state-name", "Values": ["running"]}])
    return [instance for reservation in found["Reservations"] for instance in reservation["Instances"]]


def test_a_node_group_owns_a_group_and_instances_in_all_its_subnets(scene: Scene) -> None:
    scene.active_cluster()
    made = scene.aws.eks.create_nodegroup(**scene.aws.nodegroup_request(tags={"owner": "me"}))["nodegroup"]
    assert (made["status"], made["version"], made["amiType"]) == ("CREATING", "1.36", "AL2023_x86_64_STANDARD")
    assert made["tags"] == {"owner": "me"}
    name = made["resources"]["autoScalingGroups"][0]["name"]
    group = scene.aws.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]
    assert (group["MinSize"], group["DesiredCapacity"], group["MaxSize"]) == (1, 2, 4)
    instances = running(scene)
    assert len(instances) == len(group["Instances"]) == 2
    assert {each["SubnetId"] for each in instances} == set(made["subnets"])
    tags = {tag["Key"]: tag["Value"] for tag in instances[0]["Tags"]}
    assert tags["eks:cluster-name"] == "demo"
    assert tags["eks:nodegroup-name"] == "cpu"
    assert tags["kubernetes.io/cluster/demo"] == "owned"
    assert tags["aws:autoscaling:groupName"] == name


def test_nodes_register_by_the_tick_and_the_group_turns_active_when_all_are_ready(scene: Scene) -> None:
    scene.active_cluster()
    scene.kubernetes.nodes_ready = False
    scene.aws.eks.create_nodegroup(**scene.aws.nodegroup_request(labels={"team": "ml"}))
    scene.clock.advance(39)
    scene.world.tick()
    assert scene.kubernetes.nodes == {}
    scene.clock.advance(2)
    scene.world.tick()
    assert len(scene.kubernetes.nodes) == 2
    node = next(iter(scene.kubernetes.nodes.values()))
    assert (node.vcpus, node.memory_mib, node.max_pods, node.architecture) == (2, 8192, 29, "amd64")
    assert node.labels["team"] == "ml"
    assert node.labels["eks.amazonaws.com/nodegroup"] == "cpu"
    assert node.provider_id == f"aws:///{node.zone}/{node.instance_id}"
    assert node.name.endswith(".us-west-2.compute.internal")
    assert node.name in {each["PrivateDnsName"] for each in running(scene)}
    scene.clock.advance(200)
    assert scene.aws.eks.describe_nodegroup(**NAMES)["nodegroup"]["status"] == "CREATING"
    scene.kubernetes.nodes_ready = True
    assert scene.aws.eks.describe_nodegroup(**NAMES)["nodegroup"]["status"] == "ACTIVE"


def test_nodes_that_never_join_fail_the_group(scene: Scene) -> None:
    scene.active_cluster()
    scene.kubernetes.nodes_ready = False
    scene.aws.eks.create_nodegroup(**scene.aws.nodegroup_request())
    scene.clock.advance(1441)
    found = scene.aws.eks.describe_nodegroup(**NAMES)["nodegroup"]
    assert found["status"] == "CREATE_FAILED"
    assert found["health"]["issues"][0]["code"] == "NodeCreationFailure"


def test_accelerators_are_told_to_the_node(scene: Scene) -> None:
    scene.active_cluster()
    taint = {"key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE"}
    made = scene.active_nodegroup(instanceTypes=["g5.12xlarge"], taints=[taint])
    assert made["amiType"] == "AL2023_x86_64_NVIDIA"
    node = next(iter(scene.kubernetes.nodes.values()))
    assert node.gpus == 4
    assert node.taints == ({"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"},)


def test_gpus_that_no_plugin_here_serves_are_not_told(scene: Scene) -> None:
    [found] = scene.aws.ec2.describe_instance_types(InstanceTypes=["g5.12xlarge"])["InstanceTypes"]
    assert kind_of(found).gpus == 4
    for gpu in found["GpuInfo"]["Gpus"]:
        gpu["Manufacturer"] = "AMD"
    assert kind_of(found).gpus == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scalingConfig": {"minSize": 3, "maxSize": 2, "desiredSize": 2}}, "Minimum capacity 3"),
        ({"scalingConfig": {"minSize": 1, "maxSize": 2, "desiredSize": 3}}, "desired capacity 3"),
        ({"scalingConfig": {"minSize": 2, "maxSize": 4, "desiredSize": 1}}, "desired size 1"),
        ({"instanceTypes": ["m99.huge"]}, "do not exist"),
        ({"instanceTypes": ["m7g.large"], "amiType": "AL2023_x86_64_STANDARD"}, "not a valid instance type"),
        ({"subnets": ["subnet-none"]}, "does not exist"),
        ({"nodeRole": "arn:aws:iam::123456789012:role/nobody"}, "does not exist"),
        ({"nodeRole": "arn:aws:iam::123456789012:role/demo-cluster"}, "cluster's role"),
        ({"nodegroupName": "a.b"}, "node group name"),
        ({"launchTemplate": {"id": "lt-1"}}, "does not exist"),
        ({"launchTemplate": {"id": "lt-1"}, "diskSize": 50}, "Disk size"),
        ({"updateConfig": {"maxUnavailable": 101}}, "1 to 100"),
        ({"version": "1.32"}, "does not fit"),
        ({"labels": {f"{'a' * 50}.com/{'b' * 9}": "x"}}, "more than 63"),  # Kubernetes would take it
    ],
)
def test_create_nodegroup_refuses_what_aws_refuses(scene: Scene, change: dict[str, Any], message: str) -> None:
    scene.active_cluster()
    request = scene.aws.nodegroup_request() | change
    refused = scene.aws.eks.exceptions.InvalidParameterException
    with wrong_on_purpose(), pytest.raises(refused, match=message):
        scene.aws.eks.create_nodegroup(**request)
    assert running(scene) == []


def test_update_nodegroup_refuses_labels_as_its_making_does(scene: Scene) -> None:
    scene.active_cluster()
    scene.active_nodegroup()
    refused = scene.aws.eks.exceptions.InvalidParameterException
    with wrong_on_purpose(), pytest.raises(refused, match="more than 63"):
        scene.aws.eks.update_nodegroup_config(**NAMES, labels={"addOrUpdateLabels": {"a": "x" * 64}})


def test_a_node_group_needs_an_active_cluster(scene: Scene) -> None:
    with pytest.raises(scene.aws.eks.exceptions.ResourceNotFoundException, match="No cluster found for name: demo"):
        scene.aws.eks.list_nodegroups(clusterName="demo")
    scene.aws.eks.create_cluster(**scene.aws.cluster_request())
    with pytest.raises(scene.aws.eks.exceptions.InvalidRequestException, match="not in ACTIVE status"):
        scene.aws.eks.create_nodegroup(**scene.aws.nodegroup_request())


def test_the_node_role_gets_an_entry_and_loses_it_with_its_last_group(scene: Scene) -> None:
    scene.active_cluster()
    made = scene.active_nodegroup()
    entry = {"clusterName": "demo", "principalArn": made["nodeRole"]}
    assert scene.aws.eks.describe_access_entry(**entry)["accessEntry"]["type"] == "EC2_LINUX"
    scene.aws.eks.delete_nodegroup(**NAMES)
    assert scene.kubernetes.nodes == {}
    assert scene.aws.eks.describe_nodegroup(**NAMES)["nodegroup"]["status"] == "DELETING"
    scene.clock.advance(191)
    with pytest.raises(scene.aws.eks.exceptions.ResourceNotFoundException, match="No node group found"):
        scene.aws.eks.describe_nodegroup(**NAMES)
    with pytest.raises(scene.aws.eks.exceptions.ResourceNotFoundException, match="principalArn could not be found"):
        scene.aws.eks.describe_access_entry(**entry)
    assert running(scene) == []
    assert scene.aws.autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert scene.aws.ec2.describe_launch_templates()["LaunchTemplates"] == []
    interfaces = scene.aws.ec2.describe_network_interfaces()["NetworkInterfaces"]
    assert {each["Description"] for each in interfaces} == {"Amazon EKS demo"}


def test_scaling_adds_and_removes_instances_and_nodes(scene: Scene) -> None:
    scene.active_cluster()
    scene.active_nodegroup()
    for wanted in (4, 1):
        sizes = {"minSize": 1, "maxSize": 4, "desiredSize": wanted}
        update = scene.aws.eks.update_nodegroup_config(**NAMES, scalingConfig=sizes)["update"]
        assert scene.aws.eks.describe_nodegroup(**NAMES)["nodegroup"]["status"] == "UPDATING"
        assert len(running(scene)) == wanted
        scene.clock.advance(41)
        scene.world.tick()
        assert len(scene.kubernetes.nodes) == wanted
        found = scene.aws.eks.describe_update(name="demo", nodegroupName="cpu", updateId=update["id"])["update"]
        assert found["status"] == "Successful"
        assert scene.aws.eks.describe_nodegroup(**NAMES)["nodegroup"]["status"] == "ACTIVE"


def test_a_terminated_instance_is_replaced_and_its_node_leaves(scene: Scene) -> None:
    scene.active_cluster()
    scene.active_nodegroup()
    gone = running(scene)[0]
    scene.aws.ec2.terminate_instances(InstanceIds=[gone["InstanceId"]])
    scene.world.tick()
    assert gone["PrivateDnsName"] not in scene.kubernetes.nodes
    assert len(running(scene)) == 2
    scene.clock.advance(41)
    scene.world.tick()
    assert len(scene.kubernetes.nodes) == 2


def test_the_auto_scaling_api_counts_too(scene: Scene) -> None:
    scene.active_cluster()
    name = scene.active_nodegroup()["resources"]["autoScalingGroups"][0]["name"]
    scene.aws.autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=3)
    scene.clock.advance(41)
    scene.world.tick()
    scene.clock.advance(41)
    scene.world.tick()
    assert len(scene.kubernetes.nodes) == 3
    assert scene.aws.eks.describe_nodegroup(**NAMES)["nodegroup"]["scalingConfig"]["desiredSize"] == 3


def test_a_new_version_comes_with_new_nodes(scene: Scene) -> None:
    scene.active_cluster(version="1.35")
    scene.active_nodegroup()

    def there() -> set[str]:
        return {node.instance_id for node in scene.kubernetes.nodes.values()}

    before = there()
    scene.aws.eks.update_cluster_version(name="demo", version="1.36")
    scene.clock.advance(601)
    assert scene.aws.eks.describe_nodegroup(**NAMES)["nodegroup"]["version"] == "1.35"
    scene.aws.eks.update_nodegroup_version(**NAMES)
    scene.world.tick()
    assert there() == before
    counts = []
    for _ in range(16):
        scene.clock.advance(41)
        scene.world.tick()
        counts.append((len(there()), len(before & there())))
    assert {old for _, old in counts} == {2, 1, 0}  # one by one
    assert {many for many, _ in counts} == {2, 3}  # the new one first
    found = scene.aws.eks.describe_nodegroup(**NAMES)["nodegroup"]
    assert (found["version"], found["status"]) == ("1.36", "ACTIVE")
    assert len(there()) == 2
    assert not before & there()


def test_labels_and_taints_are_merged(scene: Scene) -> None:
    scene.active_cluster()
    old = {"key": "a", "value": "1", "effect": "NO_SCHEDULE"}
    scene.active_nodegroup(labels={"x": "1", "y": "2"}, taints=[old])
    new = {"key": "a", "value": "2", "effect": "NO_SCHEDULE"}
    labels = {"addOrUpdateLabels": {"z": "3"}, "removeLabels": ["x"]}
    scene.aws.eks.update_nodegroup_config(**NAMES, labels=labels, taints={"addOrUpdateTaints": [new]})
    found = scene.aws.eks.describe_nodegroup(**NAMES)["nodegroup"]
    assert (found["labels"], found["taints"]) == ({"y": "2", "z": "3"}, [new])


def test_an_own_template_gives_type_and_disk(scene: Scene) -> None:
    scene.active_cluster()
    disk = {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 200}}
    data = {"InstanceType": "c6i.xlarge", "BlockDeviceMappings": [disk]}
    scene.aws.ec2.create_launch_template(LaunchTemplateName="mine", LaunchTemplateData=data)
    request = scene.aws.nodegroup_request(launchTemplate={"name": "mine"})
    with pytest.raises(ClientError, match="not in both"):
        scene.aws.eks.create_nodegroup(**request)
    del request["instanceTypes"]
    made = scene.aws.eks.create_nodegroup(**request)["nodegroup"]
    assert made["instanceTypes"] == ["c6i.xlarge"]
    assert made["launchTemplate"]["version"] == "1"
    assert "diskSize" not in made
    scene.clock.advance(41)
    scene.world.tick()
    assert {(node.vcpus, node.disk_gib) for node in scene.kubernetes.nodes.values()} == {(4, 200)}
