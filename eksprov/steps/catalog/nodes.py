"""The node groups, each with the launch template that its nodes are made from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from eksprov.core.names import InCluster
from eksprov.core.step import AnyStep
from eksprov.steps.catalog.fallbacks import fallback_problem, fallbacks
from eksprov.steps.catalog.given import role_step
from eksprov.steps.catalog.names import CLUSTER, NODE_ENTRY, cluster_name, subnets
from eksprov.steps.catalog.network import ways_out
from eksprov.steps.identity import roles
from eksprov.steps.node_groups import reservations
from eksprov.steps.node_groups.facts import NO_POOL, UpdateRule, WarmPoolRule
from eksprov.steps.node_groups.launch_template import LaunchTemplate
from eksprov.steps.node_groups.launch_template_data import BOTTLEROCKET_DATA, ROOT_DEVICE, efa_interfaces
from eksprov.steps.node_groups.node_group import NodeGroup
from eksprov.steps.node_groups.placement_group import PlacementGroup
from eksprov.steps.node_groups.shape import CAPACITY_BLOCK, NodeShape, derive
from eksprov.steps.node_groups.user_data import user_data
from eksprov.steps.settled import Settled

if TYPE_CHECKING:
    from eksprov.config import schema
    from eksprov.config.schema import Config


def node_groups(config: Config, settled: Settled) -> Iterator[NodeGroup]:
    """One step a group, in the private subnets."""
    where, role = subnets(config, settled, "private"), role_step(config, roles.NODE)
    for group in config.node_groups:
        shape, template = shape_of(group, settled), _template_name(group)
        yield NodeGroup(
            name=f"node-group/{group.name}",
            slug=str(InCluster(cluster_name(config), group.name)),
            role=role,
            template=template,
            subnets=where,
            zone_ids=reservations.zones_of(group, settled.reservations),
            instance_types=() if group.capacity_type == "CAPACITY_BLOCK" else group.instance_types,
            capacity_type=group.capacity_type,
            ami_type=shape.ami_type,
            release_version=group.release_version or "",
            min_size=group.min_size,
            desired_size=group.desired_size,
            max_size=group.max_size,
            fixed_size=config.autoscaler != "cluster-autoscaler",  # nobody else changes the size of a group
            labels=tuple(sorted(group.labels.items())),
            taints=shape.taints,
            update_rule=_update_rule(group, shape),
            node_repair=group.node_repair,
            warm_pool=_warm_pool(group),
            fallbacks=tuple(fallbacks(group)),
            needs=(CLUSTER, role, NODE_ENTRY, template, *where, *ways_out(config, settled)),
        )


def node_templates(config: Config, settled: Settled) -> Iterator[AnyStep]:
    """What the groups stand on: a launch template each, and a placement group where one is asked for."""
    for group in config.node_groups:
        placement = _placement_name(group) if group.placement_group else ""
        if placement:
            yield PlacementGroup(name=placement, slug=f"{cluster_name(config)}-{group.name}")
        yield _template(config, settled, group, placement)


def shape_of(group: schema.NodeGroup, settled: Settled) -> NodeShape:
    """How the group's nodes are set up, by what EC2 said of its types."""
    return derive(group, {one.name: one for one in settled.instances})


def _template(config: Config, settled: Settled, group: schema.NodeGroup, placement: str) -> LaunchTemplate:
    shape, name = shape_of(group, settled), f"{cluster_name(config)}-{group.name}"
    block = group.capacity_type == "CAPACITY_BLOCK"
    problems = (
        shape.problem,
        _zone_problem(settled, group),
        fallback_problem(group, settled),
        *reservations.problems(group, settled.reservations, name if placement else ""),
        _ipv6_problem(config, settled, group),
    )
    cards = efa_interfaces(shape.efa_interfaces, first=shape.efa_first) if shape.efa_interfaces else ()
    return LaunchTemplate(
        name=_template_name(group),
        slug=name,
        hop_limit=group.metadata_hop_limit,
        disk_device=BOTTLEROCKET_DATA if shape.family == "bottlerocket" else ROOT_DEVICE,
        disk_gib=shape.disk_gib,
        disk_iops=group.disk_iops,
        disk_throughput_mib=shape.throughput_mib,
        kms_key_arn=group.disk_kms_key_arn or "",
        user_data=user_data(shape.family, max_pods=group.max_pods, local_storage=group.local_storage),
        interfaces=cards,
        security_group_of=CLUSTER if cards else "",
        placement_group=placement,
        reservation=group.capacity_reservation_id or "",
        market=CAPACITY_BLOCK if block else "",
        instance_type=group.instance_types[0] if block else "",
        problem="; ".join(filter(None, problems)),
        needs=(*((CLUSTER,) if cards else ()), *((placement,) if placement else ())),
    )


def _template_name(group: schema.NodeGroup) -> str:
    return f"launch-template/{group.name}"


def _placement_name(group: schema.NodeGroup) -> str:
    return f"placement-group/{group.name}"


def _zone_problem(settled: Settled, group: schema.NodeGroup) -> str:
    """Zones that the stack has no subnets in, as far as it knows its zones by now."""
    known = {zone.id for zone in settled.zones}
    strange = [zone for zone in reservations.zones_of(group, settled.reservations) if zone not in known]
    if not strange or "" in known or any("known after" in zone for zone in known):
        return ""
    return f"the stack has no subnets in {', '.join(strange)}, only in {', '.join(sorted(known))}"


def _ipv6_problem(config: Config, settled: Settled, group: schema.NodeGroup) -> str:
    """Types, of a fallback too, whose nodes could give pods no IPv6 addresses."""
    if not config.network.ipv6:
        return ""
    named = {*group.instance_types, *(name for one in group.fallbacks for name in one.instance_types or ())}
    unfit = sorted(one.name for one in settled.instances if one.name in named and not one.ipv6)
    return f"{', '.join(unfit)} cannot be a node of an ipv6 cluster, only Nitro instances can" if unfit else ""


def _update_rule(group: schema.NodeGroup, shape: NodeShape) -> UpdateRule:
    if group.max_unavailable_percentage:
        return UpdateRule(0, group.max_unavailable_percentage, shape.update_strategy)
    return UpdateRule(group.max_unavailable or 1, 0, shape.update_strategy)


def _warm_pool(group: schema.NodeGroup) -> WarmPoolRule:
    pool = group.warm_pool
    if not pool.enabled:
        return NO_POOL
    return WarmPoolRule(True, pool.min_size, pool.max_prepared or group.max_size, pool.state, pool.reuse_on_scale_in)
