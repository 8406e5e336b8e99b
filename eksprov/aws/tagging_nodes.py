"""New tags for a node group and for what its nodes are launched from, without replacing a node.

A launch template's version never changes, so the template gets a new one that differs in its tags alone, and says of
which version its nodes are (`ALIKE`): the group need not move to it, but whatever is launched anew does. EKS passes a
node group's own tags on to nothing (https://docs.aws.amazon.com/eks/latest/userguide/eks-using-tags.html). So the nodes
that run are tagged themselves, with the disks and interfaces that the template tagged; and those that the group
launches later get the tags from its Auto Scaling group, which reaches instances and overrides the template there, but
not their disks and interfaces (https://docs.aws.amazon.com/autoscaling/ec2/userguide/autoscaling-tagging.html). What
says that all is done, the tags by which plans go, is written last.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from eksprov.aws.tags import STACK, as_dict, as_list

if TYPE_CHECKING:
    from eksprov.aws.clients import Clients

ALIKE = re.compile(r"tags only: nodes as of version (\d+)")
LIVING = ("pending", "running", "stopping", "stopped")
TAGS_AT_ONCE = 500  # resources, well below EC2's 1,000


def alike(version: Mapping[str, Any]) -> str:
    """The number of the version whose nodes are like those of `version`, as EC2 describes it: its own, or an older."""
    found = ALIKE.fullmatch(str(version.get("VersionDescription") or ""))
    return found[1] if found else str(version["VersionNumber"])


def retag_template(clients: Clients, template: str, put: Mapping[str, str], drop: tuple[str, ...]) -> None:
    """A version with these tags, then the template's own."""
    key: Any = {"LaunchTemplateId": template}
    newest = clients.ec2.describe_launch_template_versions(**key, Versions=["$Latest"])["LaunchTemplateVersions"][0]
    said: Any = newest["LaunchTemplateData"]
    data: Any = {**said, "TagSpecifications": [_renewed(each, put, drop) for each in said.get("TagSpecifications", ())]}
    if data != said:
        base = alike(newest)
        told = hashlib.sha256(f"{template}|{newest['VersionNumber']}|{data}".encode()).hexdigest()
        clients.ec2.create_launch_template_version(
            **key,
            LaunchTemplateData=data,
            VersionDescription=f"tags only: nodes as of version {base}",
            ClientToken=told,
        )
    _set(clients, [template], put, drop)


def retag_group(clients: Clients, arn: str, put: Mapping[str, str], drop: tuple[str, ...]) -> None:
    """The group's Auto Scaling group, its nodes with their disks and interfaces, and last the group."""
    cluster, name = arn.split("/")[1:3]
    group = clients.eks.describe_nodegroup(clusterName=cluster, nodegroupName=name)["nodegroup"]
    for each in group.get("resources", {}).get("autoScalingGroups", ()):
        retag_launched(clients, each["name"], put, drop)
    found = list(_of_nodes(clients, cluster, name, group.get("tags", {}).get(STACK, "")))
    for start in range(0, len(found), TAGS_AT_ONCE):
        _set(clients, found[start : start + TAGS_AT_ONCE], put, drop)
    if drop:
        clients.eks.untag_resource(resourceArn=arn, tagKeys=list(drop))
    if put:
        clients.eks.tag_resource(resourceArn=arn, tags=dict(put))


def retag_launched(clients: Clients, group: str, put: Mapping[str, str], drop: tuple[str, ...]) -> None:
    """The tags of an Auto Scaling group, which it hands on to the instances that it launches."""
    tag: Any = {"ResourceId": group, "ResourceType": "auto-scaling-group"}
    if drop:
        doomed: Any = [{**tag, "Key": key} for key in drop]
        clients.autoscaling.delete_tags(Tags=doomed)
    if put:
        tags: Any = [{**tag, "Key": key, "Value": value, "PropagateAtLaunch": True} for key, value in put.items()]
        clients.autoscaling.create_or_update_tags(Tags=tags)


def _of_nodes(clients: Clients, cluster: str, group: str, stack: str) -> Iterator[str]:
    """Ids of the group's instances, and of the disks and interfaces that bear the stack's tag: claims' disks do not."""
    own = {"Name": f"tag:{STACK}", "Values": [stack]}
    named = [
        {"Name": "tag:eks:cluster-name", "Values": [cluster]},
        {"Name": "tag:eks:nodegroup-name", "Values": [group]},
    ]
    filters: Any = [own, *named, {"Name": "instance-state-name", "Values": list(LIVING)}]
    pages = clients.ec2.get_paginator("describe_instances").paginate(Filters=filters)
    nodes = [i["InstanceId"] for page in pages for each in page["Reservations"] for i in each["Instances"]]
    if not nodes:
        return
    yield from nodes
    attached: Any = [own, {"Name": "attachment.instance-id", "Values": nodes}]
    disks = clients.ec2.get_paginator("describe_volumes").paginate(Filters=attached)
    yield from [disk["VolumeId"] for page in disks for disk in page["Volumes"]]
    cards = clients.ec2.get_paginator("describe_network_interfaces").paginate(Filters=attached)
    yield from [card["NetworkInterfaceId"] for page in cards for card in page["NetworkInterfaces"]]


def _renewed(specification: Any, put: Mapping[str, str], drop: tuple[str, ...]) -> Any:
    kept = {key: value for key, value in as_dict(specification["Tags"]).items() if key not in drop}
    return {**specification, "Tags": as_list({**kept, **put})}


def _set(clients: Clients, ids: list[str], put: Mapping[str, str], drop: tuple[str, ...]) -> None:
    if drop:
        clients.ec2.delete_tags(Resources=ids, Tags=[{"Key": key} for key in drop])
    if put:
        clients.ec2.create_tags(Resources=ids, Tags=as_list(put))
