"""What is changed behind our back in node groups and their launch templates."""

from __future__ import annotations

from typing import Any

from support.drift.made import AnyStep, Change, Changes, Made

TAINT = {"key": "gpu", "value": "yes", "effect": "NO_SCHEDULE"}
RESERVED = {"CapacityReservationTarget": {"CapacityReservationId": "cr-0123456789abcdef0"}}


def node_group(**change: Any) -> Change:
    def update(m: Made, step: AnyStep) -> None:
        name, group = step.slug.split("/")
        m.client("eks").update_nodegroup_config(clusterName=name, nodegroupName=group, **change)

    return update


def template(**change: Any) -> Change:
    """A version that somebody else added, like the newest one but for these keys."""

    def update(m: Made, step: AnyStep) -> None:
        key = {"LaunchTemplateName": step.slug}
        data = m.newest(step.slug)
        for name, value in change.items():
            data[name] = {**data.get(name, {}), **value} if isinstance(value, dict) else value
        m.client("ec2").create_launch_template_version(**key, LaunchTemplateData=data)

    return update


def disk(**change: Any) -> Change:
    def update(m: Made, step: AnyStep) -> None:
        disks = m.newest(step.slug)["BlockDeviceMappings"]
        disks[-1]["Ebs"] |= change
        template(BlockDeviceMappings=disks)(m, step)

    return update


CHANGES: Changes = {
    ("node-group", "min_size"): node_group(scalingConfig={"minSize": 2}),
    ("node-group", "desired_size"): node_group(scalingConfig={"desiredSize": 1}),
    ("node-group", "max_size"): node_group(scalingConfig={"maxSize": 9}),
    ("node-group", "labels"): node_group(labels={"addOrUpdateLabels": {"team": "ml"}}),
    ("node-group", "taints"): node_group(taints={"addOrUpdateTaints": [TAINT]}),
    ("node-group", "update_rule"): node_group(updateConfig={"maxUnavailable": 3}),
    ("node-group", "node_repair"): node_group(nodeRepairConfig={"enabled": True}),
    ("node-group", "warm_pool"): node_group(warmPoolConfig={"enabled": True, "minSize": 1}),
    ("node-group", "release_version"): "compared only where the config names one; tests of the kind cover it",
    ("node-group", "template_version"): "moves all nodes, whose tags count its versions; tests of the kind cover it",
    ("launch-template", "tokens"): template(MetadataOptions={"HttpTokens": "optional"}),
    ("launch-template", "hop_limit"): template(MetadataOptions={"HttpPutResponseHopLimit": 5}),
    ("launch-template", "disk_device"): template(BlockDeviceMappings=[{"DeviceName": "/dev/sdz", "Ebs": {}}]),
    ("launch-template", "disk_gib"): disk(VolumeSize=20),
    ("launch-template", "disk_iops"): disk(Iops=5000),
    ("launch-template", "disk_throughput_mib"): disk(Throughput=300),
    ("launch-template", "encrypted"): disk(Encrypted=False),
    ("launch-template", "kms_key_arn"): disk(KmsKeyId="arn:aws:kms:us-west-2:111122223333:key/1"),
    ("launch-template", "user_data"): template(UserData="IyEvYmluL3NoCg=="),
    ("launch-template", "interfaces"): template(NetworkInterfaces=[{"DeviceIndex": 0, "InterfaceType": "efa"}]),
    ("launch-template", "security_groups"): template(NetworkInterfaces=[{"DeviceIndex": 0, "Groups": ["sg-1"]}]),
    ("launch-template", "placement_group"): template(Placement={"GroupName": "elsewhere"}),
    ("launch-template", "reservation"): template(CapacityReservationSpecification=RESERVED),
    ("launch-template", "market"): template(InstanceMarketOptions={"MarketType": "spot"}),
    ("launch-template", "instance_type"): template(InstanceType="t3.nano"),
}
