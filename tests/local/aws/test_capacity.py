"""Capacity that is not there: what Auto Scaling tries and says, when EKS notices, and what can be deleted."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.aws_fakes import Scene

NAMES = {"clusterName": "demo", "nodegroupName": "cpu"}


def made(scene: Scene, **more: Any) -> str:
    """A new node group's Auto Scaling group."""
    group = scene.aws.eks.create_nodegroup(**scene.aws.nodegroup_request(**more))["nodegroup"]
    return str(group["resources"]["autoScalingGroups"][0]["name"])


def activities(scene: Scene, group: str) -> list[Any]:
    pages = scene.aws.autoscaling.get_paginator("describe_scaling_activities")
    found = pages.paginate(AutoScalingGroupName=group, PaginationConfig={"PageSize": 2})
    return [activity for page in found for activity in page["Activities"]]


def health(scene: Scene) -> list[str]:
    found = scene.aws.eks.describe_nodegroup(**NAMES)["nodegroup"]["health"]["issues"]
    return [issue["code"] for issue in found]


def test_launches_that_fail_are_told_at_once_and_tried_again(scene: Scene) -> None:
    scene.active_cluster()
    scene.world.capacity.refuse()
    group = made(scene)
    first = activities(scene, group)
    assert {activity["StatusCode"] for activity in first} == {"Failed"}
    assert first[0]["StatusMessage"].startswith("Could not launch On-Demand Instances. InsufficientInstanceCapacity - ")
    assert health(scene) == []
    scene.clock.advance(31)
    scene.world.tick()
    assert len(activities(scene, group)) == 2 * len(first)
    assert activities(scene, group)[0]["StartTime"] > first[0]["StartTime"]
    for _ in range(10):
        scene.clock.advance(31)
        scene.world.tick()
    assert health(scene) == ["AsgInstanceLaunchFailures"]
    scene.world.capacity.allow()
    for _ in range(3):
        scene.clock.advance(60)
        scene.world.tick()
    assert scene.aws.eks.describe_nodegroup(**NAMES)["nodegroup"]["status"] == "ACTIVE"
    assert health(scene) == []
    assert [activity["StatusCode"] for activity in activities(scene, group)[:2]] == ["Successful"] * 2


def test_after_its_time_the_group_has_failed_for_want_of_capacity(scene: Scene) -> None:
    scene.active_cluster()
    scene.world.capacity.refuse(purchase="SPOT", code="MaxSpotInstanceCountExceeded")
    made(scene, capacityType="SPOT")
    scene.clock.advance(1441)
    found = scene.aws.eks.describe_nodegroup(**NAMES)["nodegroup"]
    assert found["status"] == "CREATE_FAILED"
    (issue,) = found["health"]["issues"]
    assert issue["code"] == "AsgInstanceLaunchFailures"
    assert "MaxSpotInstanceCountExceeded" in issue["message"]


def test_what_is_short_is_short_by_type_zone_and_way_of_buying(scene: Scene) -> None:
    scene.active_cluster()
    short = scene.world.capacity
    short.refuse("m7i.large", purchase="ON_DEMAND")
    short.refuse(zone="us-west-2a")
    made(scene, instanceTypes=["m7i.large", "m6i.large"])
    found = scene.aws.ec2.describe_instances()["Reservations"]
    instances = [instance for reservation in found for instance in reservation["Instances"]]
    assert {instance["InstanceType"] for instance in instances} == {"m6i.large"}
    assert "us-west-2a" not in {instance["Placement"]["AvailabilityZone"] for instance in instances}
    with pytest.raises(ValueError, match="unknown here"):
        short.refuse(code="NoSuchCode")


def test_activities_of_no_group_and_a_wrong_token_are_refused(scene: Scene) -> None:
    scene.active_cluster()
    group = made(scene)
    client = scene.aws.autoscaling
    with pytest.raises(client.exceptions.ClientError, match="AutoScalingGroup name not found"):
        client.describe_scaling_activities(AutoScalingGroupName="eks-none")
    with pytest.raises(client.exceptions.ClientError, match="InvalidNextToken"):
        client.describe_scaling_activities(AutoScalingGroupName=group, NextToken="!")


def test_a_group_in_creation_is_deleted_unless_that_is_refused_for_a_while(scene: Scene) -> None:
    scene.active_cluster()
    scene.world.capacity.deletes_refused_s = 100.0
    made(scene)
    with pytest.raises(scene.aws.eks.exceptions.ResourceInUseException, match="in progress"):
        scene.aws.eks.delete_nodegroup(**NAMES)
    scene.clock.advance(101)
    assert scene.aws.eks.delete_nodegroup(**NAMES)["nodegroup"]["status"] == "DELETING"


@pytest.mark.parametrize(
    ("buying", "quota", "said"),
    [("ON_DEMAND", "L-1216C47A", "limit of 3 allows"), ("SPOT", "L-34B43A08", "MaxSpotInstanceCountExceeded")],
)
def test_no_instance_starts_beyond_a_quota_that_was_set(scene: Scene, buying: str, quota: str, said: str) -> None:
    scene.active_cluster()
    scene.world.quotas.set(quota, 3)
    group = made(scene, instanceTypes=["m7i.large"], capacityType=buying)  # two nodes of two vCPUs
    found = scene.aws.ec2.describe_instances()["Reservations"]
    assert len([instance for reservation in found for instance in reservation["Instances"]]) == 1
    failed = [each["StatusMessage"] for each in activities(scene, group) if each["StatusCode"] == "Failed"]
    assert failed
    assert all(said in each for each in failed)
    scene.world.quotas.only({})
    scene.clock.advance(31)
    scene.world.tick()
    assert activities(scene, group)[0]["StatusCode"] == "Successful"


@pytest.mark.parametrize("operation", ["create_or_update_tags", "delete_tags"])
def test_a_group_that_has_gone_has_no_tags(scene: Scene, operation: str) -> None:
    tag = {"ResourceId": "gone", "ResourceType": "auto-scaling-group", "Key": "a"}
    with pytest.raises(ClientError, match=r"ValidationError.*AutoScalingGroup gone not found"):
        getattr(scene.aws.autoscaling, operation)(Tags=[tag])
