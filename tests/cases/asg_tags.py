"""What tells the Cluster Autoscaler of nodes that are not there yet: tags of EC2's groups."""

from __future__ import annotations

from collections.abc import Iterable

from support.kind_case import Client, Iam, Item, KindCase
from support.plain import pages

from eksprov.steps.node_groups.asg_tags import AsgTags

MARKS = ("k8s.io/cluster-autoscaler/node-template/", "eksprov:")


def read(client: Client) -> Iterable[Item]:
    for group in pages(client("autoscaling"), "describe_auto_scaling_groups", "AutoScalingGroups"):
        tags = {tag["Key"]: tag["Value"] for tag in group["Tags"]}
        ours = {key: value for key, value in tags.items() if key.startswith(MARKS)}
        if ours:
            yield {"group": tags.get("eks:nodegroup-name", ""), **ours}


CASE = KindCase(
    kind=AsgTags,
    read=read,
    drifts="tests/controllers/test_controllers_in_a_stack.py",
    untag="tags themselves: without them there is nothing",
    asks=Iam(
        service="autoscaling",
        creates=("autoscaling:CreateOrUpdateTags",),
        unseen={"autoscaling:DeleteTags": "a label or taint that has left the config"},
    ),
    in_cluster=True,
)
