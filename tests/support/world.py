"""What is in the account, read with plain describe calls: never through the steps that made it.

Two worlds are compared as text: ids become the names their owner tags give them (or just their type), and what AWS
chooses anew each time (times, addresses) is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from support import reads_autoscaling, reads_messaging, reads_monitoring, reads_network, reads_nodes, reads_security

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
Read = Callable[[Any], Iterable[Any]]


def world(client: Callable[[str], Any]) -> dict[str, list[str]]:
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


def _pages(client: Any, operation: str, key: str, **params: Any) -> list[Any]:
    return [item for page in client.get_paginator(operation).paginate(**params) for item in page[key]]


def _ec2(operation: str, key: str, own: str) -> Read:
    def read(client: Any) -> Iterable[Any]:
        for item in _pages(client("ec2"), operation, key):
            yield {**item, "_id": item[own]}

    return read


def _vpcs(client: Any) -> Iterable[Any]:
    ec2 = client("ec2")
    for vpc in _pages(ec2, "describe_vpcs", "Vpcs"):
        attributes = {
            name: ec2.describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute=name)[name[0].upper() + name[1:]]["Value"]
            for name in ("enableDnsSupport", "enableDnsHostnames")
        }
        yield {**vpc, **attributes, "_id": vpc["VpcId"]}


def _nat_gateways(client: Any) -> Iterable[Any]:
    for gateway in _pages(client("ec2"), "describe_nat_gateways", "NatGateways"):
        if gateway["State"] != "deleted":
            yield {**gateway, "_id": gateway["NatGatewayId"]}


def _addresses(client: Any) -> Iterable[Any]:
    for address in client("ec2").describe_addresses()["Addresses"]:
        yield {**address, "_id": address["AllocationId"]}


def _instances(client: Any) -> Iterable[Any]:
    for reservation in _pages(client("ec2"), "describe_instances", "Reservations"):
        for instance in reservation["Instances"]:
            if instance["State"]["Name"] not in ("terminated", "shutting-down"):
                shown = {k: instance[k] for k in ("InstanceType", "SubnetId", "State", "Tags") if k in instance}
                yield {**shown, "_id": instance["InstanceId"]}  # its tags name it, not its subnet


def _interfaces(client: Any) -> Iterable[Any]:
    """Those of terminated instances left out: the emulator forgets them, AWS does not have them."""
    ec2 = client("ec2")
    running = {i["InstanceId"] for r in _pages(ec2, "describe_instances", "Reservations") for i in r["Instances"]
               if i["State"]["Name"] == "running"}  # fmt: skip
    for interface in _pages(ec2, "describe_network_interfaces", "NetworkInterfaces"):
        if interface.get("Attachment", {}).get("InstanceId", "") in ("", *running):
            yield {**interface, "_id": interface["NetworkInterfaceId"]}


def _roles(client: Any) -> Iterable[Any]:
    """Without service-linked ones, which are the account's: services make them, and no stack deletes them."""
    iam = client("iam")
    for role in _pages(iam, "list_roles", "Roles"):
        name = role["RoleName"]
        if role["Path"].startswith("/aws-service-role/"):
            continue
        inline = _pages(iam, "list_role_policies", "PolicyNames", RoleName=name)
        yield {
            **iam.get_role(RoleName=name)["Role"],
            "attached": _pages(iam, "list_attached_role_policies", "AttachedPolicies", RoleName=name),
            "inline": {p: iam.get_role_policy(RoleName=name, PolicyName=p)["PolicyDocument"] for p in inline},
        }


def _instance_profiles(client: Any) -> Iterable[Any]:
    for profile in _pages(client("iam"), "list_instance_profiles", "InstanceProfiles"):
        yield {"name": profile["InstanceProfileName"], "roles": [role["RoleName"] for role in profile["Roles"]]}


def _clusters(client: Any) -> Iterable[Any]:
    eks = client("eks")
    for name in _pages(eks, "list_clusters", "clusters"):
        yield eks.describe_cluster(name=name)["cluster"]


def _has_entries(eks: Any, cluster: str) -> bool:
    """In the oldest mode EKS does not speak of access entries."""
    access = eks.describe_cluster(name=cluster)["cluster"]["accessConfig"]
    return bool(access["authenticationMode"] != "CONFIG_MAP")


def _of_clusters(listing: str, key: str, describe: str, param: str, result: str) -> Read:
    def read(client: Any) -> Iterable[Any]:
        eks = client("eks")
        for cluster in _pages(eks, "list_clusters", "clusters"):
            if result == "accessEntry" and not _has_entries(eks, cluster):
                continue
            for item in _pages(eks, listing, key, clusterName=cluster):
                ask = {param: item if isinstance(item, str) else item[param]}
                found = getattr(eks, describe)(clusterName=cluster, **ask)[result]
                policies = (
                    _pages(
                        eks, "list_associated_access_policies", "associatedAccessPolicies", clusterName=cluster, **ask
                    )
                    if result == "accessEntry"
                    else []
                )
                yield {**found, "policies": policies}

    return read


def _log_groups(client: Any) -> Iterable[Any]:
    logs = client("logs")
    for group in _pages(logs, "describe_log_groups", "logGroups"):
        tags = logs.list_tags_for_resource(resourceArn=group["arn"].removesuffix(":*"))["tags"]
        yield {**group, "tags": tags}


def _buckets(client: Any) -> Iterable[Any]:
    s3 = client("s3")
    asked = {
        "tags": ("get_bucket_tagging", "TagSet"),
        "versioning": ("get_bucket_versioning", "Status"),
        "public": ("get_public_access_block", "PublicAccessBlockConfiguration"),
        "encryption": ("get_bucket_encryption", "ServerSideEncryptionConfiguration"),
        "lifecycle": ("get_bucket_lifecycle_configuration", "Rules"),
        "policy": ("get_bucket_policy", "Policy"),
        "ownership": ("get_bucket_ownership_controls", "OwnershipControls"),
    }
    for bucket in s3.list_buckets()["Buckets"]:
        found = {key: _or_none(s3, *how, Bucket=bucket["Name"]) for key, how in asked.items()}
        objects = [o["Key"] for o in s3.list_objects_v2(Bucket=bucket["Name"]).get("Contents", [])]
        yield {"Name": bucket["Name"], **found, "objects": objects}


def _repositories(client: Any) -> Iterable[Any]:
    ecr = client("ecr")
    for repository in _pages(ecr, "describe_repositories", "repositories"):
        yield {
            **repository,
            "tags": ecr.list_tags_for_resource(resourceArn=repository["repositoryArn"])["tags"],
            "lifecycle": _or_none(
                ecr, "get_lifecycle_policy", "lifecyclePolicyText", repositoryName=repository["repositoryName"]
            ),
        }


def _or_none(client: Any, operation: str, key: str, **params: Any) -> Any:
    try:
        return getattr(client, operation)(**params).get(key)
    except client.exceptions.ClientError as error:
        return error.response["Error"]["Code"]


READS: dict[str, Read] = {
    "vpc": _vpcs,
    "subnet": _ec2("describe_subnets", "Subnets", "SubnetId"),
    "internet-gateway": _ec2("describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    "nat-gateway": _nat_gateways,
    "address": _addresses,
    "route-table": _ec2("describe_route_tables", "RouteTables", "RouteTableId"),
    "security-group": _ec2("describe_security_groups", "SecurityGroups", "GroupId"),
    "interface": _interfaces,
    "instance": _instances,
    "role": _roles,
    "instance-profile": _instance_profiles,
    "cluster": _clusters,
    "node-group": _of_clusters("list_nodegroups", "nodegroups", "describe_nodegroup", "nodegroupName", "nodegroup"),
    "addon": _of_clusters("list_addons", "addons", "describe_addon", "addonName", "addon"),
    "access-entry": _of_clusters(
        "list_access_entries", "accessEntries", "describe_access_entry", "principalArn", "accessEntry"
    ),
    "association": _of_clusters(
        "list_pod_identity_associations",
        "associations",
        "describe_pod_identity_association",
        "associationId",
        "association",
    ),
    "log-group": _log_groups,
    "bucket": _buckets,
    "repository": _repositories,
}
READS |= reads_security.READS
READS |= reads_messaging.READS
READS |= reads_monitoring.READS
READS |= reads_network.READS
READS |= reads_nodes.READS
READS |= reads_autoscaling.READS
