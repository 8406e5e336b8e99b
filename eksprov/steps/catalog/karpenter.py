"""What Karpenter needs of AWS: its roles, its nodes' way into the cluster, and word of interruptions.

EC2 and AWS Health tell EventBridge what will happen to instances; five rules put it into a queue that Karpenter reads
(https://karpenter.sh/docs/concepts/disruption/#interruption). The queue takes messages from these rules alone
(https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sqs-permissions), and over TLS.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from eksprov.core.names import InCluster, ServiceAccount
from eksprov.core.step import AnyStep
from eksprov.steps.catalog.given import karpenter_node_arn, role_arn, role_step
from eksprov.steps.catalog.names import CLUSTER, cluster_name
from eksprov.steps.identity import karpenter_roles
from eksprov.steps.identity.access_entry import AccessEntry
from eksprov.steps.identity.pod_identity_association import PodIdentityAssociation
from eksprov.steps.identity.policy_json import policy
from eksprov.steps.identity.service_linked_role import SPOT, ServiceLinkedRole
from eksprov.steps.monitoring.event_rule import EventRule
from eksprov.steps.monitoring.queue import Queue
from eksprov.steps.settled import Settled

if TYPE_CHECKING:
    from eksprov.config.schema import Config, NodePool

KARPENTER, SYSTEM = "karpenter", "kube-system"
IDENTITY, QUEUE, NODE_ENTRY = "pod-identity/karpenter", "queue/karpenter", "access-entry/karpenter-node"
# Older than this an event says nothing about what will be
# (the same in the CloudFormation that karpenter_roles names).
KEPT_S = 300
EVENTS = (
    ("health", "aws.health", "AWS Health Event"),
    ("spot-interruption", "aws.ec2", "EC2 Spot Instance Interruption Warning"),
    ("rebalance", "aws.ec2", "EC2 Instance Rebalance Recommendation"),
    ("instance-state", "aws.ec2", "EC2 Instance State-change Notification"),
    ("reservation-interruption", "aws.ec2", "EC2 Capacity Reservation Instance Interruption Warning"),
)


def queue_name(config: Config) -> str:
    """Where Karpenter hears of interruptions."""
    return f"{config.name}-karpenter"


def shares_node_role(config: Config) -> bool:
    """Whether Karpenter's nodes have the role of the node groups' nodes, for which EKS has an access entry already."""
    return bool(role_arn(config, karpenter_roles.NODE))


def nodes_way_in(config: Config) -> tuple[str, ...]:
    """The steps without which no node of Karpenter's gets into the cluster, beside the node groups'."""
    role = role_step(config, karpenter_roles.NODE)
    return (role,) if shares_node_role(config) else (role, NODE_ENTRY)


def pools(config: Config) -> tuple[NodePool, ...]:
    """What Karpenter may launch: the config's pools, else one of everyday nodes."""
    from eksprov.config.schema import NodePool

    return config.node_pools or (NodePool(name="default"),)


def karpenter(config: Config, settled: Settled) -> Iterator[AnyStep]:
    stack, cluster, queue = config.name, cluster_name(config), queue_name(config)
    here = f"{settled.region}:{settled.account}"
    queue_arn = f"arn:{settled.partition}:sqs:{here}:{queue}"
    nodes, controller = karpenter_node_arn(config, settled), role_step(config, karpenter_roles.CONTROLLER)
    yield from karpenter_roles.karpenter_roles(stack, settled, cluster, queue_arn, nodes)
    if any("SPOT" in pool.capacity_types for pool in pools(config)):
        yield ServiceLinkedRole(name="service-linked-role/spot", slug=SPOT)
    if not shares_node_role(config):
        yield AccessEntry(
            name=NODE_ENTRY,
            slug=str(InCluster(cluster, nodes)),
            partition=settled.partition,
            type="EC2_LINUX",
            compare_age=True,
            needs=(CLUSTER, karpenter_roles.NODE),
        )
    yield PodIdentityAssociation(
        name=IDENTITY,
        slug=str(ServiceAccount(cluster, SYSTEM, KARPENTER)),
        role=controller,
        needs=(controller, CLUSTER),
    )
    rules = {what: f"{stack}-karpenter-{what}" for what, _, _ in EVENTS}
    senders = [f"arn:{settled.partition}:events:{here}:rule/{name}" for name in rules.values()]
    yield Queue(name=QUEUE, slug=queue, retention_s=KEPT_S, policy=_senders(queue_arn, senders))
    for what, source, detail in EVENTS:
        yield EventRule(
            name=f"event-rule/karpenter-{what}",
            slug=rules[what],
            pattern=json.dumps({"source": [source], "detail-type": [detail]}),
            target=queue_arn,
            description=f"{detail}, for Karpenter of the stack {stack}",
            needs=(QUEUE,),
        )


def _senders(queue_arn: str, rules: list[str]) -> str:
    send = {
        "Sid": "Rules",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": rules}},
    }
    plain = {
        "Sid": "NoPlainHttp",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": queue_arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return policy([send, plain])
