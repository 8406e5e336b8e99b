"""What is in the account, read with plain describe calls: never through the steps that made it.

Two worlds are compared as text: ids become the names their owner tags give them (or just their type), and what AWS
chooses anew each time (times, addresses) is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import cases

from support.kind_case import Client, Item, Read
from support.plain import pages

ID = re.compile(
    r"\b(subnet-cidr-assoc|vpc-cidr-assoc|vpce|vpc|subnet|eigw|igw|pl|rtb|rtbassoc|nat|eipalloc|eipassoc|eni|eni-attach"
    r"|sg|sgr|acl|aclassoc|dopt|i|lt|vol|ami|a|r)"
    r"-[0-9a-f]{8,}(?:-[0-9a-f]{4,})*\b"
)
NUMBERED = re.compile(
    r"(?<=eks-cluster-sg-)([a-z0-9-]+)-\d+|\ba-[a-z0-9]{17}\b|(?<=\"clientRequestToken\": \")[0-9a-f]{64}"
    r"|\b2400:6500:[0-9a-f]{1,4}:[0-9a-f]{1,2}(?=[0-9a-f]{2}::)|\bfd[0-9a-f:]+(?=/108)"  # IPv6 ranges
)
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9A-F]{32}")
CHOSEN_BY_AWS = re.compile(
    r"(At|Time|Date|Timestamp|PublicIp|PublicDnsName|PrivateIp|PrivateIpAddress|PrivateIpAddresses|PrivateDnsName"
    r"|MacAddress|RoleId|NetworkBorderGroup|Attachment|Association|ResponseMetadata|certificateAuthority|endpoint"
    r"|RequestId|clientRequestToken|AvailableIpAddressCount|InstanceProfileId|VersionId|PolicyId|identity|LastUsed|RoleLastUsed)$"
)


def world(client: Client) -> dict[str, list[str]]:
    """Kind to sorted descriptions; `client("ec2")` makes plain boto3 clients."""
    raw = {kind: list(read(client)) for kind, read in READS.items()}
    names: dict[str, str] = {}
    for items in raw.values():
        for item in items:
            tags = {t["Key"]: t["Value"] for t in item.get("Tags") or item.get("TagSet") or [] if "Key" in t}
            own = next((v for k, v in item.items() if k.endswith("Id") and isinstance(v, str) and ID.fullmatch(v)), "")
            if "eksprov:step" in tags and item.get("_id", own):
                names[item.get("_id", own)] = f"<{tags['eksprov:step']}>"
    return {kind: sorted(_plain(item, names) for item in items) for kind, items in raw.items()}


def _plain(item: Any, names: dict[str, str]) -> str:
    return json.dumps(_named(item, names), sort_keys=True)


def _named(value: Any, names: dict[str, str]) -> Any:
    """The same without what AWS chose; lists in an order that does not hang on ids."""
    if isinstance(value, dict):
        return {k: _named(v, names) for k, v in value.items() if not CHOSEN_BY_AWS.search(k) and k != "_id"}
    if isinstance(value, list):
        return sorted((_named(v, names) for v in value), key=lambda v: json.dumps(v, sort_keys=True))
    if isinstance(value, str):
        text = ID.sub(lambda m: names.get(m[0], f"<{m[1]}>"), value)
        return UUID.sub("<uuid>", NUMBERED.sub("<chosen by AWS>", text))
    return value if isinstance(value, int | float | bool) or value is None else str(value)


def _instances(client: Client) -> Iterable[Item]:
    for reservation in pages(client("ec2"), "describe_instances", "Reservations"):
        for instance in reservation["Instances"]:
            if instance["State"]["Name"] not in ("terminated", "shutting-down"):
                shown = {k: instance[k] for k in ("InstanceType", "SubnetId", "State", "Tags") if k in instance}
                yield {**shown, "_id": instance["InstanceId"]}  # its tags name it, not its subnet


def _interfaces(client: Client) -> Iterable[Item]:
    """Those of terminated instances left out: the emulator forgets them, AWS does not have them."""
    ec2 = client("ec2")
    running = {i["InstanceId"] for r in pages(ec2, "describe_instances", "Reservations") for i in r["Instances"]
               if i["State"]["Name"] == "running"}  # fmt: skip
    for interface in pages(ec2, "describe_network_interfaces", "NetworkInterfaces"):
        if interface.get("Attachment", {}).get("InstanceId", "") in ("", *running):
            yield {**interface, "_id": interface["NetworkInterfaceId"]}


def _instance_profiles(client: Client) -> Iterable[Item]:
    for profile in pages(client("iam"), "list_instance_profiles", "InstanceProfiles"):
        yield {"name": profile["InstanceProfileName"], "roles": [role["RoleName"] for role in profile["Roles"]]}


BESIDE: dict[str, Read] = {"interface": _interfaces, "instance": _instances, "instance-profile": _instance_profiles}
"""What no step makes and a stack brings about."""
READS: dict[str, Read] = {**cases.READS, **BESIDE}
