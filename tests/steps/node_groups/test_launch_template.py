"""A launch template: encrypted volumes and IMDSv2 for every group, a new version for every change, EC2's words."""

from __future__ import annotations

import base64
import json
import tomllib
from dataclasses import replace
from email import message_from_string
from email.message import Message
from typing import Any

import pytest
import yaml
from support.bench import Bench
from support.stage import STACK_ID

from eksprov import errors
from eksprov.aws.tags import as_dict
from eksprov.core.change import UNKNOWN
from eksprov.core.outcome import Status
from eksprov.core.step import Outputs
from eksprov.steps.node_groups.launch_template import LaunchTemplate
from eksprov.steps.node_groups.launch_template_data import BOTTLEROCKET_DATA, efa_interfaces
from eksprov.steps.node_groups.user_data import user_data


def template_of(bench: Bench, **more: Any) -> LaunchTemplate:
    step = next(step for step in bench.steps.values() if isinstance(step, LaunchTemplate))
    return replace(step, **more)


def live(bench: Bench, step: LaunchTemplate, version: str = "$Latest") -> Any:
    found = bench.plain("ec2").describe_launch_template_versions(LaunchTemplateName=step.slug, Versions=[version])
    return found["LaunchTemplateVersions"][0]["LaunchTemplateData"]


@pytest.fixture
def made(bench: Bench) -> Bench:
    bench.make(template_of(bench))
    return bench


def test_every_group_has_one_with_imdsv2_and_an_encrypted_volume(made: Bench) -> None:
    step = template_of(made)
    assert made.calls() == ["CreateLaunchTemplate"]
    assert made.tape.mutating[0].params["ClientToken"]
    data = live(made, step)
    assert data["MetadataOptions"] == {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}
    (disk,) = data["BlockDeviceMappings"]
    assert disk["DeviceName"] == "/dev/xvda"
    assert disk["Ebs"] == {
        "VolumeSize": 50,
        "VolumeType": "gp3",
        "Iops": 3000,
        "Throughput": 125,
        "Encrypted": True,
        "DeleteOnTermination": True,
    }
    assert not {"IamInstanceProfile", "NetworkInterfaces", "InstanceType", "UserData", "ImageId"} & data.keys()
    tagged = {one["ResourceType"]: as_dict(one["Tags"]) for one in data["TagSpecifications"]}
    assert set(tagged) == {"instance", "volume", "network-interface"}
    assert tagged["volume"]["eksprov:stack-id"] == STACK_ID
    made.settles(step)
    assert [call.operation for call in made.tape.reads] == ["DescribeLaunchTemplates", "DescribeLaunchTemplateVersions"]


def test_nodes_carry_what_the_template_says(bench: Bench) -> None:
    bench.make("node-group/workers")
    ec2 = bench.plain("ec2")
    running = ec2.describe_instances(Filters=[{"Name": "instance-state-name", "Values": ["running"]}])
    for instance in [each for reservation in running["Reservations"] for each in reservation["Instances"]]:
        assert instance["MetadataOptions"]["HttpTokens"] == "required"
        assert instance["MetadataOptions"]["HttpPutResponseHopLimit"] == 1
        assert as_dict(instance["Tags"])["eksprov:step"] == "node-group/workers"
        volumes = [mapping["Ebs"]["VolumeId"] for mapping in instance["BlockDeviceMappings"]]
        sizes = [
            (v["Size"], v["Encrypted"], v["VolumeType"]) for v in ec2.describe_volumes(VolumeIds=volumes)["Volumes"]
        ]
        assert (50, True, "gp3") in sizes


EVERYTHING: dict[str, Any] = {
    "hop_limit": 2,
    "disk_device": BOTTLEROCKET_DATA,
    "disk_gib": 300,
    "disk_iops": 4000,
    "disk_throughput_mib": 1000,
    "kms_key_arn": "arn:aws:kms:us-west-2:111122223333:key/1234abcd",
    "user_data": "[settings]\n",
    "reservation": "cr-0123456789abcdef0",
    "market": "capacity-block",
    "instance_type": "p5.48xlarge",
}


@pytest.mark.parametrize("name", EVERYTHING)
def test_every_change_is_one_new_version_and_its_number_is_told(made: Bench, name: str) -> None:
    step = template_of(made, **{name: EVERYTHING[name]})
    have = step.discover(made.aws())
    assert have is not None
    assert step.outputs(have)["version"] is UNKNOWN  # so a plan says that the group will move
    assert made.again(step).change.names == (name,)
    assert made.calls() == ["CreateLaunchTemplateVersion"]
    assert made.outputs.get(step.name, "version") == "2"
    assert live(made, step, "1") != live(made, step)
    made.settles(step)


def test_a_version_that_somebody_else_added_is_followed_by_ours(made: Bench) -> None:
    step = template_of(made)
    first = live(made, step)
    data = {"MetadataOptions": {"HttpTokens": "optional"}}
    made.plain("ec2").create_launch_template_version(LaunchTemplateName=step.slug, LaunchTemplateData=data)
    assert made.again(step).status is Status.UPDATED
    assert live(made, step) == first
    assert made.outputs.get(step.name, "version") == "3"


def test_efa_puts_an_interface_on_every_card_with_the_clusters_group(bench: Bench) -> None:
    cards = efa_interfaces(4, first=True)
    step = template_of(bench, interfaces=cards, security_group_of="cluster", needs=("cluster",))
    assert step.desired(Outputs()).security_groups == (UNKNOWN,)
    bench.make(step)
    listed = live(bench, step)["NetworkInterfaces"]
    assert [(one["NetworkCardIndex"], one["DeviceIndex"], one["InterfaceType"]) for one in listed] == [
        (0, 0, "efa"),
        (1, 1, "efa-only"),
        (2, 1, "efa-only"),
        (3, 1, "efa-only"),
    ]
    assert {group for one in listed for group in one["Groups"]} == {bench.outputs.get("cluster", "security_group")}
    bench.settles(step)
    assert efa_interfaces(2, first=False) == ((0, 0, "interface"), (1, 1, "efa-only"), (2, 1, "efa-only"))


def test_nodes_that_could_never_be_are_refused_before_anything_is_sent(bench: Bench) -> None:
    with pytest.raises(errors.ProvisioningError, match="launch-template/workers: different architectures"):
        bench.make(template_of(bench, problem="different architectures"))
    assert bench.calls() == []


def test_its_second_create_is_the_first(made: Bench) -> None:
    """A crash between AWS's doing and our hearing of it."""
    step, aws = template_of(made), made.aws()
    step.create(aws, step.desired(made.outputs), "t" * 64)
    names = [t["LaunchTemplateName"] for t in made.plain("ec2").describe_launch_templates()["LaunchTemplates"]]
    assert names.count(step.slug) == 1


def test_it_goes(made: Bench) -> None:
    made.goes(template_of(made))


def test_a_strangers_template_of_that_name_is_refused(bench: Bench) -> None:
    step = template_of(bench)
    bench.plain("ec2").create_launch_template(LaunchTemplateName=step.slug, LaunchTemplateData={"UserData": "/w=="})
    bench.is_refused(step)
    assert bench.resources(step) == []


def test_listings_come_in_pages(bench: Bench) -> None:
    ec2 = bench.plain("ec2")
    for number in range(5):
        ec2.create_launch_template(
            LaunchTemplateName=f"many-{number}", LaunchTemplateData={"InstanceType": "m7i.large"}
        )
    first = ec2.describe_launch_templates(MaxResults=2)
    assert (len(first["LaunchTemplates"]), bool(first["NextToken"])) == (2, True)
    pages = ec2.get_paginator("describe_launch_templates").paginate(PaginationConfig={"PageSize": 2})
    assert len([one for page in pages for one in page["LaunchTemplates"]]) == 5


def test_user_data_is_what_each_system_reads() -> None:
    assert user_data("al2023", max_pods=None, local_storage="none") == ""
    assert user_data("bottlerocket", max_pods=None, local_storage="none") == ""
    mail = message_from_string(user_data("al2023", max_pods=58, local_storage="raid0"))
    parts = mail.get_payload()
    assert isinstance(parts, list)
    (part,) = parts
    assert isinstance(part, Message)
    assert part.get_content_type() == "application/node.eks.aws"
    config = yaml.safe_load(str(part.get_payload()))
    assert config["kind"] == "NodeConfig"
    assert config["spec"] == {
        "kubelet": {"config": {"maxPods": 58}},
        "instance": {"localStorage": {"strategy": "RAID0"}},
    }
    settings = tomllib.loads(user_data("bottlerocket", max_pods=58, local_storage="none"))
    assert settings == {"settings": {"kubernetes": {"max-pods": 58}}}


def test_user_data_travels_in_base64(bench: Bench) -> None:
    step = template_of(bench, user_data=user_data("al2023", max_pods=58, local_storage="none"))
    bench.make(step)
    assert base64.b64decode(live(bench, step)["UserData"]).decode() == step.user_data
    assert json.dumps(bench.tape.mutating[0].params["LaunchTemplateData"])
    bench.settles(step)
