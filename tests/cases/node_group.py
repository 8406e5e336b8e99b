"""Managed node groups of EKS."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from support.kind_case import Change, Iam, Item, KindCase, Made, Thing
from support.memory import Memory, shape
from support.plain import of_clusters, untag_in_eks

from eksprov.core.step import AnyStep
from eksprov.steps.node_groups.node_group import NodeGroup

TAINT = {"key": "gpu", "value": "yes", "effect": "NO_SCHEDULE"}


def updated(**change: Any) -> Change:
    def update(made: Made, step: AnyStep) -> None:
        cluster, group = step.slug.split("/")
        made.client("eks").update_nodegroup_config(clusterName=cluster, nodegroupName=group, **change)

    return update


def peek(memory: Memory) -> Iterable[Item]:
    for one in (one for cluster in memory.clusters() for one in cluster.nodegroups.values()):
        said = shape("node-group", one)
        yield {**said, **(launched(memory, said) if "launchTemplate" in said else {})}


def launched(memory: Memory, group: Item) -> Item:
    """What a node group's template launches, whatever its version's number: versions may differ in tags alone, and how
    many there are depends on when the tags were changed."""
    named = group["launchTemplate"]
    if "version" not in named:
        return {}
    found = memory.of("ec2", group["nodegroupArn"].split(":")[3]).launch_templates.get(named["id"])
    data = found.get_version(int(named["version"])).data if found is not None else {}
    launches = {key: value for key, value in data.items() if not key.startswith("TagSpecification")}
    return {"launchTemplate": {**named, "version": "<version>"}, "launches": launches}


CASE = KindCase(
    kind=NodeGroup,
    read=of_clusters("list_nodegroups", "nodegroups", "describe_nodegroup", "nodegroupName", "nodegroup"),
    peek=peek,
    drifts={
        "min_size": updated(scalingConfig={"minSize": 2}),
        "desired_size": updated(scalingConfig={"desiredSize": 1}),
        "max_size": updated(scalingConfig={"maxSize": 9}),
        "labels": updated(labels={"addOrUpdateLabels": {"team": "ml"}}),
        "taints": updated(taints={"addOrUpdateTaints": [TAINT]}),
        "update_rule": updated(updateConfig={"maxUnavailable": 3}),
        "node_repair": updated(nodeRepairConfig={"enabled": True}),
        "warm_pool": updated(warmPoolConfig={"enabled": True, "minSize": 1}),
        "release_version": "compared only where the config names one; tests of the kind cover it",
        "template_version": "moves all nodes, whose tags count its versions; tests of the kind cover it",
    },
    untag=untag_in_eks,
    asks=Iam(
        service="eks",
        creates=("eks:CreateNodegroup",),
        tag_action="eks:TagResource",
        thing=Thing(resource="nodegroup", made_by="CreateNodegroup", told_by="nodegroupName"),
        unseen={
            "autoscaling:DescribeScalingActivities": "read while a node group does not come up",
            "eks:DeleteNodegroup": "in provision: a failed one, or one that cannot change in place, is made again",
            "eks:UpdateNodegroupVersion": "nodes of an older version",
        },
    ),
    held=True,
    in_cluster=True,
)
