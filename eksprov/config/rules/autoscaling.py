"""Rules of autoscalers and device plugins.

The Cluster Autoscaler reckons with the first instance type of a mixed group for all of its nodes, so types have to have
the same CPU and memory (https://github.com/kubernetes/autoscaler/issues/3856,
https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/aws/README.md#using-mixed-instances-policies-and-spot-instances).
Sizes are compared by name; families of one size may still differ in memory, which is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from eksprov.config.document import Path
from eksprov.config.rules.base import Finding, finding, twice
from eksprov.config.rules.pools import HOST_HINT, hosts, node_pools
from eksprov.config.schema import Config

# An Auto Scaling group has at most 50 tags of at most 128 characters a key, which hold the prefix and a label's 63
# (https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-tagging.html). EKS sets five of its own, and
# eksprov its owner's, the config's tags and three that describe a node.
MOST_TAGS: Final = 50
OTHER_TAGS: Final = 11
CONTAINED: Final = frozenset({"aws-ebs-csi-driver", "coredns", "eks-pod-identity-agent", "kube-proxy", "vpc-cni"})


def autoscaling(config: Config) -> Iterator[Finding]:
    if config.autoscaler == "cluster-autoscaler":
        yield from _cluster_autoscaler(config)
    yield from node_pools(config)
    yield from _auto_mode(config)


def _auto_mode(config: Config) -> Iterator[Finding]:
    at: Path = ("auto_mode",)
    if config.autoscaler != "auto-mode":
        if "auto_mode" in config.model_fields_set:
            yield finding("has no effect unless autoscaler is auto-mode", at, ("autoscaler",), level="warning")
        return
    pools = config.auto_mode.node_pools
    yield from twice((*at, "node_pools"), None, pools)
    if set(pools) == {"system"} and not config.node_groups:
        message = "has only system, whose nodes are for cluster add-ons: models would find none"
        yield finding(message, (*at, "node_pools"), hint="add general-purpose, or a node group")
    for index, addon in enumerate(config.addons):
        if addon.name in CONTAINED and not config.node_groups:
            where: Path = ("addons", index, "name")
            message = f"EKS Auto Mode has {addon.name} built in; the add-on's pods would run nowhere"
            yield finding(message, where, level="warning")


def _and(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _cluster_autoscaler(config: Config) -> Iterator[Finding]:
    at: Path = ("autoscaler",)
    groups = config.node_groups
    if not any(hosts(group) for group in groups):
        yield finding("cluster-autoscaler has no node to run on", at, hint=HOST_HINT)
    elif all(group.min_size == group.max_size for group in groups):
        message = "cluster-autoscaler has nothing to do: min_size is max_size in every node group"
        yield finding(message, at, hint="raise a max_size", level="warning")
    for index, group in enumerate(groups):
        where: Path = ("node_groups", index)
        if len(sizes := {name.partition(".")[2] for name in group.instance_types}) > 1 and group.max_size > 1:
            message = f"cluster-autoscaler takes every node for one of the first type, but sizes differ: {_and(sizes)}"
            hint = "name types of one size, a node group for each, or use karpenter, which reckons with each type"
            yield finding(message, (*where, "instance_types"), at, hint=hint, level="warning")
        if len(group.labels) + len(group.taints) + len(config.tags) + OTHER_TAGS > MOST_TAGS:
            message = f"too many labels and taints: with the stack's tags they do not fit into {MOST_TAGS} tags"
            yield finding(message, (*where, "labels"), at, hint="cluster-autoscaler reads them from the group's tags")
