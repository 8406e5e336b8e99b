"""From the config to the steps: which resources a stack has, what they are called, and what each waits for.

Pure. The order is nobody's decision but the graph's: a step needs what it cannot be made without, and nothing more.
So roles, network, logs, bucket and repository begin at once; the cluster waits for its role, its subnets and its log
group but not for the NAT gateway, which comes up beside it; node groups wait for the cluster and for a way out to the
internet but not for add-ons, which wait for them instead, in their own time (a node without its CNI is merely not
ready yet). Taking down is the same graph the other way round, and access entries outlive node groups and add-ons.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eksprov.core.step import AnyStep
from eksprov.steps.catalog.addons import ADDONS, addon_roles, addons
from eksprov.steps.catalog.auto_mode import with_auto_mode
from eksprov.steps.catalog.autoscaling import autoscaling
from eksprov.steps.catalog.control_plane import access, cluster, key, node_entries, with_key
from eksprov.steps.catalog.given import given
from eksprov.steps.catalog.models import model_association, model_role
from eksprov.steps.catalog.monitoring import model_dashboard, monitoring
from eksprov.steps.catalog.names import LOGS, access_name, bucket_name, cluster_name
from eksprov.steps.catalog.network import network
from eksprov.steps.catalog.nodes import node_groups, node_templates
from eksprov.steps.identity import roles
from eksprov.steps.identity.access_entry import ADMIN_POLICY
from eksprov.steps.identity.iam_role import IamRole
from eksprov.steps.monitoring.log_group import LogGroup, log_group_name
from eksprov.steps.settled import Settled
from eksprov.steps.storage.bucket import Bucket
from eksprov.steps.storage.repository import Repository

if TYPE_CHECKING:
    from eksprov.config.schema import Config

__all__ = [
    "ADDONS",
    "ADMIN_POLICY",
    "access_name",
    "bucket_name",
    "catalog",
    "cluster_name",
    "model_association",
    "model_dashboard",
    "model_role",
]


def catalog(config: Config, settled: Settled) -> tuple[AnyStep, ...]:
    """Every step of the stack but those of its models."""
    groups, extras = tuple(node_groups(config, settled)), tuple(addons(config, settled))
    steps: tuple[AnyStep, ...] = (
        *network(config, settled),
        *_roles(config, settled),
        *key(config, settled),
        Bucket(name="bucket/models", slug=bucket_name(config, settled), partition=settled.partition),
        Repository(name="repository/models", slug=f"{config.name}/models"),
        LogGroup(
            name=LOGS, slug=log_group_name(cluster_name(config)), retention_days=config.cluster.log_retention_days
        ),
        cluster(config, settled),
        *access(config, settled, (*(step.name for step in groups), *(step.name for step in extras))),
        *node_entries(config, settled),
        *addon_roles(config, settled),
        *extras,
        *node_templates(config, settled),
        *groups,
        *autoscaling(config, settled),
    )
    return tuple(given(config, (*steps, *monitoring(config, settled, steps))))


def _roles(config: Config, settled: Settled) -> tuple[IamRole, ...]:
    made = roles.stack_roles(config.name, settled, ipv6=config.network.ipv6)
    return with_key(config, with_auto_mode(config, settled, made))
