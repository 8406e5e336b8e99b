"""Rules of node pools and of Karpenter, which serves them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from eksprov.config.document import Path
from eksprov.config.rules.base import Finding, finding, qualified, twice
from eksprov.config.schema import Config, NodeGroup, NodePool

KEEPS_AWAY: Final = frozenset({"NO_SCHEDULE", "NO_EXECUTE"})
TAINT_HINT: Final = "groups with GPUs or Neuron devices have one unless accelerator_taint is false"
HOST_HINT: Final = f"it needs a node group with min_size of 1 or more and no taint that keeps pods away; {TAINT_HINT}"
# Tags that Karpenter sets itself and refuses in a node class
# (https://karpenter.sh/docs/concepts/nodeclasses/#spectags), and labels that are its own.
OWN_TAGS: Final = ("kubernetes.io/cluster", "karpenter.sh/", "karpenter.k8s.aws/", "eks:eks-cluster-name")
OWN_LABELS: Final = ("karpenter.sh/", "karpenter.k8s.aws/")


# Families whose instances have NVIDIA GPUs or Neuron devices, as far as names tell
# (https://docs.aws.amazon.com/ec2/latest/instancetypes/ac.html); g4ad has AMD's. What EC2 says of a type counts later.
_ACCELERATED: Final = re.compile(r"(p\d|gr?\d|inf\d|trn\d)(?!ad\b)")


def keeps_away(group: NodeGroup | NodePool) -> bool:
    """Whether pods that tolerate nothing are kept off its nodes: by taints of the config, or by the accelerator's."""
    if any(taint.effect in KEEPS_AWAY for taint in group.taints):
        return True
    types = (*group.instance_types, *(group.instance_families if isinstance(group, NodePool) else ()))
    return group.accelerator_taint and bool(types) and all(_ACCELERATED.match(name) for name in types)


def hosts(group: NodeGroup) -> bool:
    """Whether a controller always finds a node in the group."""
    return group.min_size > 0 and not keeps_away(group)


def places(config: Config) -> bool:
    """Whether pods that tolerate nothing find a node, now or when an autoscaler makes one; or there are none at all."""
    if config.autoscaler == "auto-mode" or not (config.node_groups or config.node_pools):
        return True
    pools = (config.node_pools or (NodePool(name="default"),)) if config.autoscaler == "karpenter" else ()
    return not (all(map(keeps_away, config.node_groups)) and all(map(keeps_away, pools)))


def node_pools(config: Config) -> Iterator[Finding]:
    at: Path = ("autoscaler",)
    if config.autoscaler != "karpenter":
        if config.node_pools:
            message = "has no effect unless autoscaler is karpenter"
            yield finding(message, ("node_pools",), at, level="warning")
        return
    if not any(hosts(group) for group in config.node_groups):
        yield finding("karpenter has no node to run on, and does not launch its own", at, hint=HOST_HINT)
    if not config.network.vpc_id and config.network.nat_gateways == "none":
        message = "karpenter makes instance profiles, and IAM has no endpoint inside a VPC"
        yield finding(message, at, ("network", "nat_gateways"), hint="set network.nat_gateways: single")
    for key in config.tags:
        if key.startswith(OWN_TAGS):
            yield finding(f"the tag {key!r} is set by karpenter itself", ("tags", key), at, hint="use another key")
    yield from twice(("node_pools",), "name", [pool.name for pool in config.node_pools])
    for index, pool in enumerate(config.node_pools):
        yield from _pool(pool, ("node_pools", index))


def _pool(pool: NodePool, at: Path) -> Iterator[Finding]:
    if pool.instance_types and pool.instance_families:
        paths = (*at, "instance_families"), (*at, "instance_types")
        yield finding("families and types exclude each other", *paths, hint="name types, or families")
    for key in ("instance_types", "instance_families", "capacity_types", "zone_ids"):
        yield from twice((*at, key), None, getattr(pool, key))
    for name, value in pool.labels.items():
        where: Path = (*at, "labels", name)
        yield from qualified(name, value, where, where)
        if name.startswith(OWN_LABELS):
            yield finding(f"the label {name!r} is karpenter's own", where, hint="use a prefix of your own")
    for index, taint in enumerate(pool.taints):
        yield from qualified(taint.key, taint.value, (*at, "taints", index, "key"), (*at, "taints", index, "value"))
    yield from twice((*at, "taints"), None, [f"{taint.key}:{taint.effect}" for taint in pool.taints])
    if pool.ami_version != "latest" and ("." in pool.ami_version) != (pool.ami_family == "bottlerocket"):
        paths = (*at, "ami_version"), (*at, "ami_family")
        yield finding(
            f"{pool.ami_version} is no release of {pool.ami_family}",
            *paths,
            hint="like v20260801 for al2023, v1.30.0 for bottlerocket, or latest",
        )
