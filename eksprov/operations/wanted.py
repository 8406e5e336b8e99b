"""Everything a stack should be: the AWS half of the catalog, and what eksprov installs in the cluster. Pure.

The halves know one another by the names of steps alone. What is in the cluster waits for the cluster and for its access
entries, without which nobody gets in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from eksprov.config.rules.pools import hosts
from eksprov.config.schema import Config, NodePool
from eksprov.controllers.auto_mode import network_policies
from eksprov.controllers.cluster_autoscaler import cluster_autoscaler
from eksprov.controllers.device_plugins import Device, device_plugin
from eksprov.controllers.karpenter import Around, karpenter
from eksprov.controllers.karpenter_pools import KarpenterPool, PoolNetwork
from eksprov.controllers.parts import ControllerFacts
from eksprov.core.names import last_part
from eksprov.core.step import AnyStep
from eksprov.kube.objects import KubeObject
from eksprov.steps.addons.versions import CNI
from eksprov.steps.catalog import catalog, cluster_name
from eksprov.steps.catalog import karpenter as karpenter_steps
from eksprov.steps.catalog.addons import usual_addons
from eksprov.steps.catalog.autoscaling import CLUSTER_AUTOSCALER, identity_name
from eksprov.steps.catalog.control_plane import closing
from eksprov.steps.catalog.given import karpenter_node_arn
from eksprov.steps.catalog.names import CLUSTER, has_auto_mode
from eksprov.steps.catalog.nodes import shape_of
from eksprov.steps.catalog.tolerations import tolerations
from eksprov.steps.identity.access_entry import AccessEntry
from eksprov.steps.node_groups.instances import named_types
from eksprov.steps.node_groups.shape import NodeShape, derive_pool
from eksprov.steps.settled import Settled

MOST_REPLICAS = 2  # of Karpenter, each on a node of its own
DEVICES: tuple[Device, ...] = ("nvidia", "neuron", "efa")


def wanted(
    config: Config, settled: Settled, stack_id: str, recorded: Collection[str] = frozenset()
) -> tuple[AnyStep, ...]:
    """Every step of the stack but those of its models; `recorded` are the names of those that have been made."""
    config = settled.over(config)
    aws = catalog(config, settled)
    gate = (CLUSTER, *(step.name for step in aws if isinstance(step, AccessEntry)))
    version = settled.kubernetes_version
    needed = tolerations(config, settled)
    facts = ControllerFacts(config.name, stack_id, cluster_name(config), settled.region, version, gate, needed)
    steps = (*aws, *_installed(config, settled, facts), *_switched(config, facts, recorded))
    return (*steps, *closing(config, tuple(step.name for step in steps)))


def _switched(config: Config, facts: ControllerFacts, recorded: Collection[str]) -> tuple[KubeObject, ...]:
    cni = CNI in (*usual_addons(config), *(addon.name for addon in config.addons))
    return network_policies(facts, auto_mode=has_auto_mode(config), cni=cni, recorded=recorded)


def _installed(config: Config, settled: Settled, facts: ControllerFacts) -> Iterator[KubeObject]:
    pools = _pools(config, settled)
    for device in DEVICES if config.device_plugins == "auto" else ():
        groups = (group for group in config.node_groups if device in shape_of(group, settled).plugins)
        types = tuple(sorted({name for group in groups for name in named_types(group)}))
        pooled = tuple(pool.name for pool, shape in pools if device in shape.plugins)
        if types or pooled:
            yield from device_plugin(facts, device, types, pooled)
    if config.autoscaler == CLUSTER_AUTOSCALER:
        carriers = tuple(f"node-group/{group.name}" for group in config.node_groups if group.min_size)
        yield from cluster_autoscaler(facts, (identity_name(CLUSTER_AUTOSCALER),), carriers)
    elif config.autoscaler == karpenter_steps.KARPENTER:
        yield from _karpenter(config, settled, facts, pools)


def _pools(config: Config, settled: Settled) -> tuple[tuple[NodePool, NodeShape], ...]:
    """Karpenter's pools, and how their nodes are set up by what EC2 said of their types."""
    known = {one.name: one for one in settled.instances}
    asked = karpenter_steps.pools(config) if config.autoscaler == karpenter_steps.KARPENTER else ()
    return tuple((pool, derive_pool(pool, known)) for pool in asked)


def _karpenter(
    config: Config, settled: Settled, facts: ControllerFacts, pools: tuple[tuple[NodePool, NodeShape], ...]
) -> Iterator[KubeObject]:
    groups = [group for group in config.node_groups if hosts(group)]
    around = Around(
        queue=karpenter_steps.queue_name(config),
        identity=(karpenter_steps.IDENTITY, karpenter_steps.QUEUE),
        nodes=karpenter_steps.nodes_way_in(config),
        hosts=tuple(f"node-group/{group.name}" for group in groups),
        replicas=min(MOST_REPLICAS, sum(group.min_size for group in groups)),
    )
    network, tags = config.network, tuple(sorted(config.tags.items()))
    node_role = last_part(karpenter_node_arn(config, settled))
    place = PoolNetwork(node_role, network.subnet_ids, tags, ipv6=network.ipv6)
    launched = [KarpenterPool(pool, shape.taints, shape.disk_gib) for pool, shape in pools]
    yield from karpenter(facts, around, launched, place)
