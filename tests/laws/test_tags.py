"""The config's tags: what is there gets new and changed ones, loses those that were ours, and keeps those of others."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from support.configs import with_group
from support.stage import EVERYTHING, Stage, Theatre, everything, quick_start

from eksprov.config.schema import Config
from eksprov.core.outcome import Status
from eksprov.operations.commands.plan import make_plan, offline_plan

FIRST = {"team": "ml", "cost-center": "4711"}
LATER = {"team": "platform", "env": "prod"}


def tagged(config: Config, tags: dict[str, str]) -> Config:
    return Config.model_validate({**config.model_dump(exclude_unset=True), "tags": tags})


def bearers(stage: Stage) -> set[str]:
    """The steps that bear tags, and Karpenter's node classes, which tell it what to tag its instances with."""
    steps = stage.opened().steps
    return {step.name for step in steps if step.traits.tags_at is not None or "/karpenter/node-class-" in step.name}


def own(tags: Any) -> dict[str, str]:
    """Those that a config gave."""
    return {tag["Key"]: tag["Value"] for tag in tags if tag["Key"] in {**FIRST, **LATER}}


def templates(stage: Stage) -> list[dict[str, str]]:
    """The tags of every launch template itself; those of EKS have none of ours."""
    found = stage.account.plain("ec2").describe_launch_templates()["LaunchTemplates"]
    return [own(template["Tags"]) for template in found if template["Tags"]]


def instances(stage: Stage) -> dict[str, dict[str, str]]:
    """The nodes that run, by id, with the tags that a config gave."""
    states = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    pages = stage.account.plain("ec2").get_paginator("describe_instances").paginate(Filters=states)
    every = [each for page in pages for found in page["Reservations"] for each in found["Instances"]]
    return {each["InstanceId"]: own(each["Tags"]) for each in every}


def without_copies(items: list[str]) -> list[str]:
    """Without the copies that EKS makes of a launch template: a group keeps its copy until its nodes are replaced."""
    return [item for item in items if '"LaunchTemplateName": "eks-' not in item]


def scaled(stage: Stage, size: int) -> None:
    """Somebody, or an autoscaler, has the group launch more nodes."""
    eks = stage.account.plain("eks")
    eks.update_nodegroup_config(clusterName="quickstart", nodegroupName="workers", scalingConfig={"desiredSize": size})
    for _ in range(5):  # time goes on in steps, as EKS looks
        stage.clock.sleep(3600)
        group = eks.describe_nodegroup(clusterName="quickstart", nodegroupName="workers")["nodegroup"]
    assert group["status"] == "ACTIVE"


def test_nodes_launched_after_a_change_bear_the_new_tags(theatre: Theatre) -> None:
    """By the group as it stands, by one that is made again, and by a group that moves to another version."""
    first, later = (tagged(quick_start(), tags) for tags in (FIRST, LATER))
    with theatre.stage(first) as stage:
        assert stage.provision().ok
        assert stage.provision(later).ok
        before = instances(stage)
        scaled(stage, 3)
        (new,) = instances(stage).keys() - before.keys()
        assert instances(stage)[new].items() >= LATER.items()
        assert stage.provision(with_group(later, disk_size_gib=80)).ok  # what rolls the nodes, takes the newest version
        assert not instances(stage).keys() & before.keys()
        assert all(tags == LATER for tags in instances(stage).values())
        assert stage.provision(with_group(later, disk_size_gib=80, instance_types=["m7i.xlarge"])).ok
        assert all(tags == LATER for tags in instances(stage).values())
        again = stage.provision(with_group(later, disk_size_gib=80, instance_types=["m7i.xlarge"]))
        assert {outcome.status for outcome in again.outcomes} == {Status.UNCHANGED}


def test_disks_and_interfaces_of_running_nodes_follow_and_a_claims_disk_does_not(theatre: Theatre) -> None:
    first, later = (tagged(quick_start(), tags) for tags in (FIRST, LATER))
    with theatre.stage(first) as stage:
        assert stage.provision().ok
        ec2 = stage.account.plain("ec2")
        node = next(iter(instances(stage)))
        claims = ec2.create_volume(Size=1, AvailabilityZone=zone(stage, node))["VolumeId"]
        ec2.attach_volume(VolumeId=claims, InstanceId=node, Device="/dev/sdf")
        assert stage.provision(later).ok
        disks = {disk["VolumeId"]: own(disk.get("Tags", ())) for disk in ec2.describe_volumes()["Volumes"]}
        assert disks.pop(claims) == {}
        assert disks
        assert all(tags == LATER for tags in disks.values())


def zone(stage: Stage, node: str) -> str:
    found = stage.account.plain("ec2").describe_instances(InstanceIds=[node])["Reservations"][0]["Instances"][0]
    return str(found["Placement"]["AvailabilityZone"])


@pytest.mark.parametrize("name", EVERYTHING)
def test_changed_tags_reach_everything_that_is_there(theatre: Theatre, name: str) -> None:
    first, later = (tagged(everything(name), tags) for tags in (FIRST, LATER))
    with theatre.stage(later) as stage:
        assert stage.provision().ok
        right = stage.world()
    with theatre.stage(first) as stage:
        assert stage.provision().ok
        nodes = instances(stage)
        plan = make_plan(stage.opened(later, mint=False))
        assert {line.name for line in plan.changes} == bearers(stage)
        report = stage.provision(later)
        assert not [(o.name, o.message) for o in report.outcomes if not o.good]
        handed_on = {name for name in bearers(stage) if name.startswith("asg-tags/")}  # the node group has done it
        assert {o.name for o in report.outcomes if o.status is Status.UPDATED} == bearers(stage) - handed_on
        found = stage.world()
        assert {kind for kind in right if without_copies(found[kind]) != without_copies(right[kind])} == set()
        assert instances(stage).keys() == nodes.keys()  # no node was replaced for a tag
        assert all(tags == LATER for tags in templates(stage))
        again = stage.provision(later)
        assert {outcome.status for outcome in again.outcomes} == {Status.UNCHANGED}
        assert stage.tape.mutating == []
        assert stage.teardown(later).ok
        assert not {kind: items for kind, items in stage.grown().items() if items}


def test_tags_of_others_stay(theatre: Theatre) -> None:
    first, later = (tagged(quick_start(), tags) for tags in (FIRST, LATER))
    with theatre.stage(first) as stage:
        stage.provision()
        s3, ec2 = stage.account.plain("s3"), stage.account.plain("ec2")
        [bucket] = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
        theirs = {"Key": "backup", "Value": "daily"}
        s3.put_bucket_tagging(
            Bucket=bucket, Tagging={"TagSet": [*s3.get_bucket_tagging(Bucket=bucket)["TagSet"], theirs]}
        )
        subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]]
        ec2.create_tags(Resources=subnets, Tags=[theirs])
        assert stage.provision(later).ok
        assert theirs in s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
        assert all(theirs in subnet["Tags"] for subnet in ec2.describe_subnets()["Subnets"])


def test_what_goes_goes_first_where_two_spellings_are_one_key(theatre: Theatre) -> None:
    first, later = (tagged(quick_start(), {key: "ml"}) for key in ("Team", "team"))
    with theatre.stage(first) as stage:
        stage.provision()
        assert stage.provision(later).ok
        roles = stage.account.plain("iam").list_roles(PathPrefix="/eksprov/")["Roles"]
        tags = [stage.account.plain("iam").list_role_tags(RoleName=role["RoleName"])["Tags"] for role in roles]
        assert roles
        assert all(
            [tag for tag in one if tag["Key"].lower() == "team"] == [{"Key": "team", "Value": "ml"}] for one in tags
        )
        operations = [call.operation for call in stage.tape.mutating]
        assert operations.index("UntagRole") < operations.index("TagRole")


def test_a_run_that_was_cut_off_is_made_good_whichever_call_was_its_last(theatre: Theatre) -> None:
    first, later = (tagged(quick_start(), tags) for tags in (FIRST, LATER))
    with theatre.stage(first) as stage:
        stage.provision()
        stage.provision(later)
        right, calls = stage.world(), len(stage.tape.mutating)
    assert calls > 20
    for place in range(1, calls + 1, 9):
        for side in ("before", "after"):
            with theatre.stage(first) as stage:
                stage.provision()
                assert not stage.survives(partial(stage.provision, later), place, side)
                assert stage.provision(later).ok
                assert stage.world() == right


def test_the_record_alone_tells_of_tags_that_are_still_to_come(theatre: Theatre) -> None:
    first, later = (tagged(quick_start(), tags) for tags in (FIRST, LATER))
    with theatre.stage(first) as stage:
        stage.provision()
        assert offline_plan(first, stage.store).notes == ()
        [note] = offline_plan(later, stage.store).notes
        assert "tags" in note
        stage.provision(later)
        assert offline_plan(later, stage.store).notes == ()
