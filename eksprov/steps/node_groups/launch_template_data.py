"""What a launch template says, in our words and in EC2's."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from eksprov.aws.tagging_nodes import alike
from eksprov.aws.tags import as_list
from eksprov.core.step import Owner
from eksprov.steps.network.ec2 import Item, owner_in

ROOT_DEVICE = "/dev/xvda"
BOTTLEROCKET_DATA = "/dev/xvdb"  # its root holds the operating system alone; images and pods live on the second volume
TAGGED = ("instance", "volume", "network-interface")
Interfaces = tuple[tuple[int, int, str], ...]  # network card, device index on it, kind


@dataclass(frozen=True)
class LaunchTemplateFacts:
    """The newest version. `interfaces` is empty where the instances have just the one that EC2 gives them."""

    tokens: str
    hop_limit: int
    disk_device: str
    disk_gib: int
    disk_iops: int
    disk_throughput_mib: int
    encrypted: bool
    kms_key_arn: str = ""
    user_data: str = ""
    interfaces: Interfaces = ()
    security_groups: tuple[str, ...] = ()
    placement_group: str = ""
    reservation: str = ""
    market: str = ""
    instance_type: str = ""
    id: str = field(default="", compare=False)
    version: str = field(default="", compare=False)  # the one whose nodes are as the newest's
    newest: str = field(default="", compare=False)
    owner: Owner | None = field(default=None, compare=False)


def as_data(want: LaunchTemplateFacts, tags: Mapping[str, str]) -> Any:
    """LaunchTemplateData; the tags are for what is launched from it."""
    data: dict[str, Any] = {
        "MetadataOptions": {"HttpTokens": want.tokens, "HttpPutResponseHopLimit": want.hop_limit},
        "BlockDeviceMappings": _disks(want),
        "TagSpecifications": [{"ResourceType": what, "Tags": as_list(tags)} for what in TAGGED],
    }
    if want.user_data:
        data["UserData"] = base64.b64encode(want.user_data.encode()).decode()
    if want.interfaces:
        data["NetworkInterfaces"] = [_interface(one, want.security_groups) for one in want.interfaces]
    if want.placement_group:
        data["Placement"] = {"GroupName": want.placement_group}
    if want.reservation:
        target = {"CapacityReservationId": want.reservation}
        data["CapacityReservationSpecification"] = {"CapacityReservationTarget": target}
    if want.market:
        data["InstanceMarketOptions"] = {"MarketType": want.market}
    if want.instance_type:
        data["InstanceType"] = want.instance_type
    return data


def efa_interfaces(count: int, *, first: bool) -> Interfaces:
    """One network card after the other; the first also carries the node's addresses.

    EFA-only interfaces need no address (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa.html). Every card but
    the first begins with device index 1 (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa-acc-inst-types.html).
    """
    rest = count - 1 if first else count
    return ((0, 0, "efa" if first else "interface"), *((card, 1, "efa-only") for card in range(1, rest + 1)))


def _disks(want: LaunchTemplateFacts) -> list[dict[str, Any]]:
    ebs: dict[str, Any] = {
        "VolumeSize": want.disk_gib,
        "VolumeType": "gp3",
        "Iops": want.disk_iops,
        "Throughput": want.disk_throughput_mib,
        "Encrypted": want.encrypted,
        "DeleteOnTermination": True,
    }
    key = {"KmsKeyId": want.kms_key_arn} if want.kms_key_arn else {}
    disks = [{"DeviceName": want.disk_device, "Ebs": {**ebs, **key}}]
    if want.disk_device == BOTTLEROCKET_DATA:
        system = {"VolumeType": "gp3", "Encrypted": want.encrypted, "DeleteOnTermination": True, **key}
        disks.insert(0, {"DeviceName": ROOT_DEVICE, "Ebs": system})
    return disks


def _interface(one: tuple[int, int, str], groups: tuple[str, ...]) -> dict[str, Any]:
    card, device, kind = one
    return {
        "NetworkCardIndex": card,
        "DeviceIndex": device,
        "InterfaceType": kind,
        "Groups": list(groups),
        "DeleteOnTermination": True,
    }


def from_data(version: Mapping[str, Any], item: Item) -> LaunchTemplateFacts:
    """The facts of a version, as EC2 describes it and its template."""
    data = version["LaunchTemplateData"]
    options, disks = data.get("MetadataOptions") or {}, data.get("BlockDeviceMappings") or []
    volumes = [disk.get("Ebs") or {} for disk in disks]
    ebs, interfaces = volumes[-1] if volumes else {}, data.get("NetworkInterfaces") or []
    target = (data.get("CapacityReservationSpecification") or {}).get("CapacityReservationTarget") or {}
    return LaunchTemplateFacts(
        tokens=options.get("HttpTokens", ""),
        hop_limit=options.get("HttpPutResponseHopLimit", 0),
        disk_device=disks[-1].get("DeviceName", "") if disks else "",
        disk_gib=ebs.get("VolumeSize", 0),
        disk_iops=ebs.get("Iops", 0),
        disk_throughput_mib=ebs.get("Throughput", 0),
        encrypted=bool(volumes) and all(volume.get("Encrypted") for volume in volumes),
        kms_key_arn=ebs.get("KmsKeyId", ""),
        user_data=_text(data.get("UserData", "")),
        interfaces=tuple(
            (one.get("NetworkCardIndex", 0), one.get("DeviceIndex", 0), one.get("InterfaceType", "interface"))
            for one in interfaces
        ),
        security_groups=tuple(sorted({group for one in interfaces for group in one.get("Groups") or ()})),
        placement_group=(data.get("Placement") or {}).get("GroupName", ""),
        reservation=target.get("CapacityReservationId", ""),
        market=(data.get("InstanceMarketOptions") or {}).get("MarketType", ""),
        instance_type=data.get("InstanceType", ""),
        id=item["LaunchTemplateId"],
        version=alike(version),
        newest=str(version["VersionNumber"]),
        owner=owner_in(item),
    )


def _text(encoded: str) -> str:
    """User data as text; somebody else's may be anything."""
    try:
        return base64.b64decode(encoded).decode()
    except (binascii.Error, UnicodeDecodeError):
        return encoded
