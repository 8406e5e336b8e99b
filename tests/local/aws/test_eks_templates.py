"""Launch templates behind node groups: what EKS refuses in them, and what nodes get from them."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.aws_fakes import Scene

NAMES = {"clusterName": "demo", "nodegroupName": "cpu"}
RESERVED = {"CapacityReservationTarget": {"CapacityReservationId": "cr-0123456789abcdef0"}}
BLOCK = {
    "InstanceMarketOptions": {"MarketType": "capacity-block"},
    "CapacityReservationSpecification": {
        "CapacityReservationTarget": {"CapacityReservationId": "cr-0123456789abcdef0"}
    },
    "InstanceType": "p5.48xlarge",
}


def template(scene: Scene, data: dict[str, Any]) -> dict[str, str]:
    made = scene.aws.ec2.create_launch_template(LaunchTemplateName="mine", LaunchTemplateData=data)
    return {"id": made["LaunchTemplate"]["LaunchTemplateId"]}


@pytest.mark.parametrize(
    ("data", "more", "message"),
    [
        ({"IamInstanceProfile": {"Name": "p"}}, {}, "instance profile"),
        ({"NetworkInterfaces": [{"DeviceIndex": 0, "SubnetId": "subnet-1"}]}, {}, "subnets"),
        ({"InstanceMarketOptions": {"MarketType": "spot"}}, {}, "Spot"),
        ({"HibernationOptions": {"Configured": True}}, {}, "hibernation"),
        ({"InstanceType": "c6i.large"}, {}, "not in both"),
        ({"ImageId": "ami-1"}, {"amiType": "AL2023_x86_64_STANDARD"}, "own image"),
        ({"KeyName": "k"}, {"diskSize": 30}, "Disk size"),
        ({"KeyName": "k"}, {"remoteAccess": {"ec2SshKey": "k"}}, "does not emulate remoteAccess"),
        ({"KeyName": "k"}, {"capacityType": "CAPACITY_BLOCK"}, "belong together"),
        (BLOCK, {"instanceTypes": []}, "belong together"),
        ({**BLOCK, "InstanceType": ""}, {"capacityType": "CAPACITY_BLOCK"}, "reservation's id"),
    ],
)
def test_what_belongs_to_eks_is_refused_in_a_template(
    scene: Scene, data: dict[str, Any], more: dict[str, Any], message: str
) -> None:
    scene.active_cluster()
    data = {key: value for key, value in data.items() if value}
    request = scene.aws.nodegroup_request(launchTemplate=template(scene, data), **more)
    with pytest.raises(scene.aws.eks.exceptions.InvalidParameterException, match=message):
        scene.aws.eks.create_nodegroup(**request)


def test_a_missing_version_and_a_block_without_template_are_refused(scene: Scene) -> None:
    scene.active_cluster()
    mine = template(scene, {"KeyName": "k"})
    with pytest.raises(ClientError, match="no version 7"):
        scene.aws.eks.create_nodegroup(**scene.aws.nodegroup_request(launchTemplate={**mine, "version": "7"}))
    with pytest.raises(ClientError, match="need a launch template"):
        scene.aws.eks.create_nodegroup(**scene.aws.nodegroup_request(name="b", capacityType="CAPACITY_BLOCK"))
    with pytest.raises(ClientError, match="not a valid instance type"):
        scene.aws.eks.create_nodegroup(**scene.aws.nodegroup_request(name="c", amiType="AL2023_x86_64_NVIDIA"))


def nodes(scene: Scene) -> set[str]:
    """The instances behind the nodes; addresses come back into use."""
    return {node.instance_id for node in scene.kubernetes.nodes.values()}


@pytest.mark.parametrize("strategy", ["DEFAULT", "MINIMAL"])
def test_another_version_comes_with_new_nodes_old_ones_first_or_last(scene: Scene, strategy: str) -> None:
    scene.active_cluster()
    mine, ec2 = template(scene, {"MetadataOptions": {"HttpPutResponseHopLimit": 1}}), scene.aws.ec2
    scene.active_nodegroup(launchTemplate=mine, updateConfig={"maxUnavailable": 1, "updateStrategy": strategy})
    ec2.create_launch_template_version(
        LaunchTemplateId=mine["id"], LaunchTemplateData={"MetadataOptions": {"HttpPutResponseHopLimit": 3}}
    )
    before = nodes(scene)
    move = {"launchTemplate": {**mine, "version": "2"}}
    update = scene.aws.eks.update_nodegroup_version(**NAMES, **move)["update"]
    assert {"type": "LaunchTemplateVersion", "value": "2"} in update["params"]
    scene.world.tick()
    assert (before <= nodes(scene)) is (strategy == "DEFAULT")
    for _ in range(12):  # one node after the other
        scene.clock.advance(61)
        scene.world.tick()
    group = scene.aws.eks.describe_nodegroup(**NAMES)["nodegroup"]
    assert (group["status"], group["launchTemplate"]["version"]) == ("ACTIVE", "2")
    running = ec2.describe_instances(Filters=[{"Name": "instance-state-name", "Values": ["running"]}])["Reservations"]
    assert {one["Instances"][0]["MetadataOptions"]["HttpPutResponseHopLimit"] for one in running} == {3}
    assert not before & nodes(scene)
    other = ec2.create_launch_template(LaunchTemplateName="other", LaunchTemplateData={"KeyName": "k"})
    elsewhere = {"launchTemplate": {"id": other["LaunchTemplate"]["LaunchTemplateId"]}}
    with pytest.raises(ClientError, match="same launch template"):
        scene.aws.eks.update_nodegroup_version(**NAMES, **elsewhere)


def test_client_tokens_make_no_second_template_and_no_second_version(scene: Scene) -> None:
    ec2, ask = scene.aws.ec2, {"LaunchTemplateName": "a", "LaunchTemplateData": {"KeyName": "k"}, "ClientToken": "t"}
    first = ec2.create_launch_template(**ask)["LaunchTemplate"]["LaunchTemplateId"]
    assert ec2.create_launch_template(**ask)["LaunchTemplate"]["LaunchTemplateId"] == first
    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        ec2.create_launch_template(**{**ask, "LaunchTemplateName": "b"})
    with pytest.raises(ClientError, match="AlreadyExists"):
        ec2.create_launch_template(**{**ask, "ClientToken": "u"})
    more = {"LaunchTemplateId": first, "LaunchTemplateData": {"KeyName": "l"}, "ClientToken": "v"}
    numbers = [ec2.create_launch_template_version(**more)["LaunchTemplateVersion"]["VersionNumber"] for _ in range(2)]
    assert numbers == [2, 2]
    ec2.delete_launch_template(LaunchTemplateId=first)
    with pytest.raises(ClientError, match=r"InvalidLaunchTemplateId.NotFound"):
        ec2.delete_launch_template(LaunchTemplateId=first)


def test_a_placement_group_is_held_by_the_instances_in_it(scene: Scene) -> None:
    scene.active_cluster()
    scene.aws.ec2.create_placement_group(GroupName="close", Strategy="cluster")
    with pytest.raises(ClientError, match=r"InvalidPlacementGroup.Duplicate"):
        scene.aws.ec2.create_placement_group(GroupName="close", Strategy="cluster")
    scene.active_nodegroup(launchTemplate=template(scene, {"Placement": {"GroupName": "close"}}))
    with pytest.raises(ClientError, match=r"InvalidPlacementGroup.InUse"):
        scene.aws.ec2.delete_placement_group(GroupName="close")
    scene.aws.eks.delete_nodegroup(**NAMES)
    scene.clock.advance(200)
    scene.world.tick()
    scene.aws.ec2.delete_placement_group(GroupName="close")
    assert scene.aws.ec2.describe_placement_groups()["PlacementGroups"] == []
