"""Launch templates, with what they say now, whatever its number."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from support.kind_case import Change, Client, Iam, Item, KindCase, Made, Thing
from support.plain import TAGS, pages

from eksprov.core.step import AnyStep
from eksprov.steps.node_groups.launch_template import LaunchTemplate

RESERVED = {"CapacityReservationTarget": {"CapacityReservationId": "cr-0123456789abcdef0"}}
KEY = "arn:aws:kms:us-west-2:111122223333:key/1"


def newest(client: Client, **template: str) -> dict[str, Any]:
    found = client("ec2").describe_launch_template_versions(**template, Versions=["$Latest"])
    (version,) = found["LaunchTemplateVersions"]
    data: dict[str, Any] = version["LaunchTemplateData"]
    return data


def read(client: Client) -> Iterable[Item]:
    for item in pages(client("ec2"), "describe_launch_templates", "LaunchTemplates"):
        shown = {key: value for key, value in item.items() if not key.endswith("VersionNumber")}
        own = item["LaunchTemplateId"]
        yield {**shown, "data": newest(client, LaunchTemplateId=own), "_id": own}


def version(**change: Any) -> Change:
    """A version that somebody else added, like the newest one but for these keys."""

    def add(made: Made, step: AnyStep) -> None:
        key = {"LaunchTemplateName": step.slug}
        data = newest(made.client, **key)
        for name, value in change.items():
            data[name] = {**data.get(name, {}), **value} if isinstance(value, dict) else value
        made.client("ec2").create_launch_template_version(**key, LaunchTemplateData=data)

    return add


def disk(**change: Any) -> Change:
    def add(made: Made, step: AnyStep) -> None:
        disks = newest(made.client, LaunchTemplateName=step.slug)["BlockDeviceMappings"]
        disks[-1]["Ebs"] |= change
        version(BlockDeviceMappings=disks)(made, step)

    return add


def untag(made: Made, step: AnyStep) -> None:
    made.client("ec2").delete_tags(Resources=[made.id(step)], Tags=[{"Key": key} for key in TAGS])


CASE = KindCase(
    kind=LaunchTemplate,
    read=read,
    drifts={
        "tokens": version(MetadataOptions={"HttpTokens": "optional"}),
        "hop_limit": version(MetadataOptions={"HttpPutResponseHopLimit": 5}),
        "disk_device": version(BlockDeviceMappings=[{"DeviceName": "/dev/sdz", "Ebs": {}}]),
        "disk_gib": disk(VolumeSize=20),
        "disk_iops": disk(Iops=5000),
        "disk_throughput_mib": disk(Throughput=300),
        "encrypted": disk(Encrypted=False),
        "kms_key_arn": disk(KmsKeyId=KEY),
        "user_data": version(UserData="IyEvYmluL3NoCg=="),
        "interfaces": version(NetworkInterfaces=[{"DeviceIndex": 0, "InterfaceType": "efa"}]),
        "security_groups": version(NetworkInterfaces=[{"DeviceIndex": 0, "Groups": ["sg-1"]}]),
        "placement_group": version(Placement={"GroupName": "elsewhere"}),
        "reservation": version(CapacityReservationSpecification=RESERVED),
        "market": version(InstanceMarketOptions={"MarketType": "spot"}),
        "instance_type": version(InstanceType="t3.nano"),
    },
    untag=untag,
    asks=Iam(
        service="ec2",
        creates=("ec2:CreateLaunchTemplate", "ec2:RunInstances"),
        thing=Thing(resource="launch-template", made_by="CreateLaunchTemplate", told_by="lt"),
        unseen={
            "ec2:DeleteLaunchTemplate": "left behind, or in provision one that could not be changed",
            "ec2:DescribeLaunchTemplateVersions": "what a version differs in that is not the first",
        },
        wide={
            "ec2:RunInstances": (
                ":(image|snapshot|instance|network-interface|security-group|subnet|volume|placement-group"
                "|capacity-reservation)/",
                "a launch touches EKS's security group and Amazon's images, which bear no tags of ours",
            )
        },
    ),
    aws_makes_some=True,
)
