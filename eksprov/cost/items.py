"""From the facts of a step to what is billed for it. Pure; facts are those wanted or those found, of one shape.

A kind is here under ITEMS, under FREE or under BY_USE; of any other kind the price is unknown, and that is said. What
is billed and what is not: the pricing pages of EKS (https://aws.amazon.com/eks/pricing/), VPC
(https://aws.amazon.com/vpc/pricing/), EC2 and EBS (https://aws.amazon.com/ebs/pricing/).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from eksprov.core.change import Unknown


@dataclass(frozen=True)
class Item:
    """`quantity` of the priced thing `item` ("ec2.m7i.large"); `what` says it in words."""

    item: str
    quantity: Decimal
    what: str


@dataclass(frozen=True)
class Terms:
    """What a price depends on beside the facts.

    `extended` are the Kubernetes versions in extended support, None where nobody could be asked; `size` is the field of
    a node group that says how many nodes are counted; `templates` are the facts of launch templates by their steps;
    `zones` is the number of private subnets, for endpoints whose subnets are not known yet. `autoscaled`: sizes of node
    groups are an autoscaler's; `live_sizes` has those that a run leaves as they are, by step.
    """

    extended: frozenset[str] | None = None
    size: str = "desired_size"
    templates: Mapping[str, Any] = field(default_factory=dict)
    zones: int = 0
    autoscaled: bool = False
    live_sizes: Mapping[str, int] = field(default_factory=dict)


FREE = frozenset(
    {
        "access-entry",
        "addon",  # an add-on's own pods run on the nodes; EKS charges nothing for it
        "asg-tags",
        "cluster-endpoint",
        "controller-object",
        "controller-workload",
        "egress-only-internet-gateway",  # https://docs.aws.amazon.com/vpc/latest/userguide/egress-only-internet-gateway.html
        "event-rule",  # of the default bus and with AWS's own events, https://aws.amazon.com/eventbridge/pricing/
        "existing-role",  # what is only used here is not this stack's cost
        "existing-subnet",
        "existing-vpc",
        "iam-role",
        "internet-gateway",
        "kube-object",
        "launch-template",  # its volumes are counted with the nodes
        "leftovers",
        "node-access-entry",
        "placement-group",
        "pod-identity-association",
        "route-table",
        "security-group",
        "service-linked-role",
        "subnet",
        "vpc",
    }
)
# Billed by what is stored, sent or called, which nobody knows beforehand.
BY_USE = {
    "bucket": "S3 storage and requests",
    "dashboard": "CloudWatch dashboards beyond the free ones",
    "model-files": "S3 storage and requests",
    "log-group": "CloudWatch Logs ingestion and storage",
    "queue": "SQS requests",
    "repository": "ECR storage",
    "topic": "SNS messages",
}
# https://aws.amazon.com/eks/pricing/: by instance type and second, on top of EC2's price.
AUTO_MODE = "instances that EKS Auto Mode makes as pods need them, and its charge on top of each"
POOL = "/node-pool-"  # in the name of the step of a Karpenter NodePool
FREE_IOPS, FREE_THROUGHPUT_MIB = 3000, 125
TRAFFIC = ("data processed by NAT gateways", "data transfer", "taxes")


def items_of(step: str, kind: str, facts: Any, terms: Terms) -> tuple[Item, ...]:
    """Everything that is billed for a step's resource; an item that has no price for a kind unknown here."""
    if kind in FREE or kind in BY_USE:
        return ()
    if kind not in ITEMS:
        return (Item(f"unknown.{kind}", Decimal(1), kind),)
    return tuple(ITEMS[kind](step, facts, terms))


def _cluster(_step: str, facts: Any, terms: Terms) -> Iterator[Item]:
    """Extended support costs more, unless the cluster is of those that EKS upgrades instead (support type STANDARD)."""
    yield Item("eks.cluster", Decimal(1), "EKS control plane")
    if facts.auto_mode:
        yield Item("unknown.auto-mode", Decimal(1), AUTO_MODE)
    if facts.support_type != "EXTENDED":
        return
    if terms.extended is None:
        yield Item("unknown.extended-support", Decimal(1), f"extended support, if {facts.version} is in it")
    elif facts.version in terms.extended:
        yield Item("eks.extended-support", Decimal(1), f"extended support of Kubernetes {facts.version}")


def _node_group(step: str, facts: Any, terms: Terms) -> Iterator[Item]:
    """Nodes of the first instance type: on-demand groups begin with it, of spot groups it is as good a guess as any."""
    nodes = Decimal(terms.live_sizes.get(step, facts.current_size if is_live(facts) else getattr(facts, terms.size)))
    if facts.capacity_type == "CAPACITY_BLOCK":
        yield Item("unknown.capacity-block", nodes, f"{nodes} nodes of a capacity block, paid with its reservation")
    elif not facts.instance_types:  # a group that has left the config is revived without them
        yield Item("unknown.instances", nodes, f"{nodes} nodes of an unknown type")
    else:
        market, words = ("spot", "spot") if facts.capacity_type == "SPOT" else ("ec2", "on demand")
        name = facts.instance_types[0]
        more = ", the first of its types" if len(facts.instance_types) > 1 else ""
        yield Item(f"{market}.{name}", nodes, f"{nodes} x {name} {words}{more}")
    yield from _volumes(terms.templates.get(step.replace("node-group/", "launch-template/", 1)), nodes)
    if facts.warm_pool.enabled:
        yield Item("unknown.warm-pool", Decimal(1), "the warm pool's volumes, and its instances if they run")


def is_live(facts: Any) -> bool:
    """Whether a node group's facts were read from EKS: then the size of the moment is among them."""
    return bool(getattr(facts, "status", ""))


def _custom_object(step: str, _facts: Any, _terms: Terms) -> Iterator[Item]:
    """Karpenter's pools; its node classes cost nothing. How many nodes a pool has, pods decide."""
    if POOL in step:
        yield Item("unknown.node-pool", Decimal(1), f"nodes that Karpenter launches for {step.split(POOL)[1]}")


def _volumes(template: Any, nodes: Decimal) -> Iterator[Item]:
    """The nodes' root volumes: gp3, of which 3,000 IOPS and 125 MiB/s are in the price of the GiB."""
    if template is None:
        yield Item("unknown.root-volume", nodes, f"{nodes} root volumes")
        return
    size = Decimal(template.disk_gib)
    yield Item("ebs.gp3", nodes * size, f"{nodes} x {size} GiB root volume")
    if template.disk_iops > FREE_IOPS:
        more = Decimal(template.disk_iops - FREE_IOPS)
        yield Item("ebs.gp3-iops", nodes * more, f"{nodes} x {more} IOPS more")
    if template.disk_throughput_mib > FREE_THROUGHPUT_MIB:
        faster = Decimal(template.disk_throughput_mib - FREE_THROUGHPUT_MIB)
        yield Item("ebs.gp3-throughput", nodes * faster / 1024, f"{nodes} x {faster} MiB/s more")


def _vpc_endpoint(_step: str, facts: Any, terms: Terms) -> Iterator[Item]:
    """An interface endpoint is paid in each zone; gateway endpoints are free."""
    if not facts.gateway:
        not_yet = any(isinstance(subnet, Unknown) for subnet in facts.subnet_ids)  # and all such are alike in a set
        zones = Decimal(terms.zones if not_yet else len(facts.subnet_ids))
        yield Item("vpc-endpoint", zones, f"interface endpoint {facts.service}, {zones} x")


def _one(item: str, what: str) -> Callable[[str, Any, Terms], Iterator[Item]]:
    """A kind of which each resource is one of the thing."""

    def items(_step: str, _facts: Any, _terms: Terms) -> Iterator[Item]:
        yield Item(item, Decimal(1), what)

    return items


ITEMS: dict[str, Callable[[str, Any, Terms], Iterator[Item]]] = {
    "alarm": _one("cloudwatch.alarm", "CloudWatch alarm"),
    "cluster": _cluster,
    "custom-object": _custom_object,
    "elastic-ip": _one("public-ipv4", "public IPv4 address"),
    "kms-key": _one("kms.key", "KMS key"),
    "nat-gateway": _one("nat-gateway", "NAT gateway"),
    "node-group": _node_group,
    "vpc-endpoint": _vpc_endpoint,
}
