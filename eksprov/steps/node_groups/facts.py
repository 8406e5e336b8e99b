"""What EKS says of a node group and is told of it: one description, in our words and in EKS's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from eksprov.aws.tags import owner_of
from eksprov.core.billing import BilledItem, Terms
from eksprov.core.change import UNKNOWN
from eksprov.core.describing import known
from eksprov.core.step import Owner
from eksprov.core.words import plural
from eksprov.steps.cluster.reading import pairs
from eksprov.steps.node_groups.trouble import health_of

Taints = frozenset[tuple[str, str, str]]  # key, value, effect (NO_SCHEDULE, NO_EXECUTE, PREFER_NO_SCHEDULE)
SIZES = frozenset({"min_size", "desired_size", "max_size"})
ROLLING = frozenset({"template_version", "release_version"})  # what changes by new nodes


@dataclass(frozen=True)
class UpdateRule:
    """How nodes are replaced: a number of them or a percentage at a time, and whether new ones come first."""

    max_unavailable: int = 1
    percentage: int = 0
    strategy: str = "DEFAULT"

    def __str__(self) -> str:
        many = f"{self.percentage} %" if self.percentage else str(self.max_unavailable)
        return f"{many} at a time, {self.strategy}"


@dataclass(frozen=True)
class WarmPoolRule:
    """Instances that have booted and wait; without one the other values say nothing."""

    enabled: bool = False
    min_size: int = 0
    max_prepared: int = 0
    state: str = "STOPPED"
    reuse: bool = False

    def __str__(self) -> str:
        return f"{self.min_size} to {self.max_prepared}, {self.state}" if self.enabled else "none"


# EKS waits up to 15 minutes for the pods of a node, and gives up then
# (https://docs.aws.amazon.com/eks/latest/userguide/managed-node-update-behavior.html); starting one takes a few more.
# Less than an hour (the usual deadline of Terraform's provider) is never meant.
BATCH_LIMIT_S, SHORTEST_LIMIT_S = 900.0 + 300.0, 3600.0


def rolling_limit_s(nodes: int, rule: UpdateRule) -> float:
    """How long EKS may take to replace so many nodes, by the rule's number or percentage at a time."""
    at_a_time = max(1, nodes * rule.percentage // 100) if rule.percentage else max(1, rule.max_unavailable)
    return max(SHORTEST_LIMIT_S, -(-nodes // at_a_time) * BATCH_LIMIT_S)


NO_POOL = WarmPoolRule()
ONE_BY_ONE = UpdateRule()


@dataclass(frozen=True)
class NodeGroupFacts:
    """Sizes in nodes; `status` and `health` are EKS's own words.

    `unmanaged`: types that the launch template names, the subnets where the config names no zones, the release where it
    names none, the size where it is an autoscaler's.
    """

    role_arn: str = field(metadata={"replace": True})
    instance_types: tuple[str, ...] = field(metadata={"replace": True})
    capacity_type: str = field(metadata={"replace": True})
    ami_type: str = field(metadata={"replace": True})
    template_id: str = field(metadata={"replace": True})
    pinned_subnets: frozenset[str] = field(metadata={"replace": True})
    template_version: str
    release_version: str
    min_size: int
    desired_size: int
    max_size: int
    labels: frozenset[tuple[str, str]]
    taints: Taints
    update_rule: UpdateRule = ONE_BY_ONE
    node_repair: bool = False
    warm_pool: WarmPoolRule = NO_POOL
    template_newest: str = field(default="", compare=False)  # differs from `template_version` in tags alone
    subnet_ids: tuple[str, ...] = field(default=(), compare=False)
    current_size: int = field(default=0, compare=False)
    version: str = field(default="", compare=False)
    release: str = field(default="", compare=False)
    status: str = field(default="", compare=False)
    health: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    shortage: str = field(default="", compare=False)  # why no instance can be had, as AWS says it
    failed_launch: str = field(default="", compare=False)  # why the newest launch failed, while it is in motion
    arn: str = field(default=UNKNOWN, compare=False)
    autoscaling_group: str = field(default="", compare=False)
    owner: Owner | None = field(default=None, compare=False)
    unmanaged: frozenset[str] = field(default=frozenset(), compare=False, repr=False)


def from_description(group: Mapping[str, Any]) -> NodeGroupFacts:
    """The facts of a group as EKS describes it."""
    scaling, template = group.get("scalingConfig", {}), group.get("launchTemplate") or {}
    groups = group.get("resources", {}).get("autoScalingGroups") or [{}]
    return NodeGroupFacts(
        role_arn=group.get("nodeRole", ""),
        instance_types=tuple(group.get("instanceTypes") or ()),
        capacity_type=group.get("capacityType", ""),
        ami_type=group.get("amiType", ""),
        template_id=template.get("id", ""),
        pinned_subnets=frozenset(group.get("subnets") or ()),
        template_version=template.get("version", ""),
        release_version=group.get("releaseVersion", ""),
        min_size=scaling.get("minSize", 0),
        desired_size=scaling.get("desiredSize", 0),
        max_size=scaling.get("maxSize", 0),
        labels=pairs(group.get("labels")),
        taints=frozenset((t["key"], t.get("value", ""), t["effect"]) for t in group.get("taints") or ()),
        update_rule=_update_rule(group.get("updateConfig") or {}),
        node_repair=bool((group.get("nodeRepairConfig") or {}).get("enabled")),
        warm_pool=_warm_pool(group.get("warmPoolConfig") or {}, scaling.get("maxSize", 0)),
        subnet_ids=tuple(group.get("subnets") or ()),
        current_size=scaling.get("desiredSize", 0),
        version=group.get("version", ""),
        release=group.get("releaseVersion", ""),
        status=group.get("status", ""),
        health=health_of(group),
        arn=group["nodegroupArn"],
        autoscaling_group=groups[0].get("name", ""),
        owner=owner_of(group.get("tags")),
    )


def described(want: NodeGroupFacts, zone_ids: tuple[str, ...], subnets: tuple[str, ...]) -> str:
    """ "2 x m7i.large ON_DEMAND in 2 zones, 1 to 4 nodes"; the stack's own subnets lie in a zone each."""
    types = "/".join(want.instance_types) or "nodes of the launch template's type,"
    if zone_ids:
        where = f"in {', '.join(zone_ids)}"
    else:
        own = all(name.startswith("subnet/") for name in subnets)
        where = f"in {plural(len(subnets), 'zone' if own else 'subnet')}"
    bounds = f"{want.min_size} to {want.max_size} nodes" if want.max_size > want.min_size else ""
    return known(f"{want.desired_size} x {types} {want.capacity_type} {where}", bounds)


def scaling_config(want: NodeGroupFacts) -> dict[str, int]:
    return {"minSize": want.min_size, "maxSize": want.max_size, "desiredSize": want.desired_size}


def update_config(rule: UpdateRule) -> dict[str, Any]:
    """updateConfig; one of the two numbers is required."""
    many = (
        {"maxUnavailablePercentage": rule.percentage} if rule.percentage else {"maxUnavailable": rule.max_unavailable}
    )
    return {**many, "updateStrategy": rule.strategy}


def warm_pool_config(pool: WarmPoolRule) -> dict[str, Any]:
    if not pool.enabled:
        return {"enabled": False}
    return {
        "enabled": True,
        "minSize": pool.min_size,
        "maxGroupPreparedCapacity": pool.max_prepared,
        "poolState": pool.state,
        "reuseOnScaleIn": pool.reuse,
    }


def taints_config(taints: Taints) -> list[dict[str, str]]:
    named = [{"key": key, "value": value, "effect": effect} for key, value, effect in sorted(taints)]
    return [{key: text for key, text in taint.items() if text} for taint in named]


def changed(want: NodeGroupFacts, have: NodeGroupFacts, names: frozenset[str]) -> dict[str, Any]:
    """What UpdateNodegroupConfig has to be told so that these fields become as wanted; empty for nothing of it."""
    change: dict[str, Any] = {}
    if SIZES & names:
        change["scalingConfig"] = scaling_config(want)
    if "labels" in names:
        gone = sorted({key for key, _ in have.labels} - {key for key, _ in want.labels})
        change["labels"] = {"addOrUpdateLabels": dict(want.labels - have.labels), "removeLabels": gone}
    if "taints" in names:
        stale, kept = have.taints - want.taints, {(key, effect) for key, _, effect in want.taints}
        gone_taints = frozenset(taint for taint in stale if (taint[0], taint[2]) not in kept)
        new = taints_config(want.taints - have.taints)
        change["taints"] = {"addOrUpdateTaints": new, "removeTaints": taints_config(gone_taints)}
    if "update_rule" in names:
        change["updateConfig"] = update_config(want.update_rule)
    if "node_repair" in names:
        change["nodeRepairConfig"] = {"enabled": want.node_repair}
    if "warm_pool" in names:
        change["warmPoolConfig"] = warm_pool_config(want.warm_pool)
    return change


def _update_rule(said: Mapping[str, Any]) -> UpdateRule:
    """EKS leaves out what it was not told; the defaults are its own."""
    percentage, strategy = said.get("maxUnavailablePercentage") or 0, said.get("updateStrategy") or "DEFAULT"
    return UpdateRule(0 if percentage else said.get("maxUnavailable") or 1, percentage, strategy)


def _warm_pool(said: Mapping[str, Any], most: int) -> WarmPoolRule:
    if not said.get("enabled"):
        return NO_POOL
    return WarmPoolRule(
        True,
        said.get("minSize") or 0,
        said.get("maxGroupPreparedCapacity") or most,
        said.get("poolState") or "STOPPED",
        bool(said.get("reuseOnScaleIn")),
    )


FREE_IOPS, FREE_THROUGHPUT_MIB = 3000, 125


def billed_nodes(step: str, facts: NodeGroupFacts, terms: Terms) -> Iterator[BilledItem]:
    """Nodes of the first instance type: on-demand groups begin with it, of spot groups it is as good a guess as any."""
    wanted = facts.max_size if terms.most else facts.desired_size
    nodes = Decimal(terms.live_sizes.get(step, facts.current_size if facts.status else wanted))
    if facts.capacity_type == "CAPACITY_BLOCK":
        yield BilledItem(
            "unknown.capacity-block", nodes, f"{nodes} nodes of a capacity block, paid with its reservation"
        )
    elif not facts.instance_types:  # a group that has left the config is revived without them
        yield BilledItem("unknown.instances", nodes, f"{nodes} nodes of an unknown type")
    else:
        market, words = ("spot", "spot") if facts.capacity_type == "SPOT" else ("ec2", "on demand")
        name = facts.instance_types[0]
        more = ", the first of its types" if len(facts.instance_types) > 1 else ""
        yield BilledItem(f"{market}.{name}", nodes, f"{nodes} x {name} {words}{more}")
    yield from _volumes(terms.templates.get(step.replace("node-group/", "launch-template/", 1)), nodes)
    if facts.warm_pool.enabled:
        yield BilledItem("unknown.warm-pool", Decimal(1), "the warm pool's volumes, and its instances if they run")


def _volumes(template: Any, nodes: Decimal) -> Iterator[BilledItem]:
    """The nodes' root volumes: gp3, of which 3,000 IOPS and 125 MiB/s are in the price of the GiB."""
    if template is None:
        yield BilledItem("unknown.root-volume", nodes, f"{nodes} root volumes")
        return
    size = Decimal(template.disk_gib)
    yield BilledItem("ebs.gp3", nodes * size, f"{nodes} x {size} GiB root volume")
    if template.disk_iops > FREE_IOPS:
        more = Decimal(template.disk_iops - FREE_IOPS)
        yield BilledItem("ebs.gp3-iops", nodes * more, f"{nodes} x {more} IOPS more")
    if template.disk_throughput_mib > FREE_THROUGHPUT_MIB:
        faster = Decimal(template.disk_throughput_mib - FREE_THROUGHPUT_MIB)
        yield BilledItem("ebs.gp3-throughput", nodes * faster / 1024, f"{nodes} x {faster} MiB/s more")
