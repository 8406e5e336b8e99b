"""The add-ons and their roles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from eksprov.core.names import InCluster
from eksprov.steps.addons.addon import Addon
from eksprov.steps.addons.roles import NEEDS, addon_role, role_step
from eksprov.steps.addons.versions import CNI, METRICS, USUAL
from eksprov.steps.catalog import given
from eksprov.steps.catalog.names import CLUSTER, bucket_name, cluster_name, has_auto_mode
from eksprov.steps.catalog.tolerations import merged, tolerating, tolerations
from eksprov.steps.identity import roles
from eksprov.steps.identity.iam_role import IamRole
from eksprov.steps.settled import Settled

if TYPE_CHECKING:
    from eksprov.config.schema import Addon as Wanted
    from eksprov.config.schema import Config


CNI_ACCOUNT = "aws-node"
MONITOR = "eks-node-monitoring-agent"
ADDONS = USUAL
# A NetworkPolicy means nothing until the CNI enforces it
# (https://docs.aws.amazon.com/eks/latest/userguide/cni-network-policy-configure.html); the value is a string.
CONFIGURATION: dict[str, dict[str, Any]] = {CNI: {"enableNetworkPolicy": "true"}}


def usual_addons(config: Config) -> tuple[str, ...]:
    """The add-ons of every stack: five, but nodes of EKS Auto Mode alone have four of them built in
    (https://docs.aws.amazon.com/eks/latest/userguide/automode.html).

    And what an option needs: node repair hears of broken GPUs, disks and networks from the monitoring agent alone
    (https://docs.aws.amazon.com/eks/latest/userguide/node-health.html), which Auto Mode's nodes have built in, too.
    """
    usual = (METRICS,) if has_auto_mode(config) and not config.node_groups else ADDONS
    return (*usual, MONITOR) if any(group.node_repair for group in config.node_groups) else usual


def addons(config: Config, settled: Settled) -> Iterator[Addon]:
    """Those of every stack and those of the config."""
    wanted = {addon.name: addon for addon in config.addons}
    needed = tolerations(config, settled)
    nodes = has_auto_mode(config) or any(group.desired_size for group in config.node_groups)
    usual = (name for name in usual_addons(config) if name not in settled.lacking)
    for name in dict.fromkeys((*usual, *wanted)):
        asked = wanted.get(name)
        taken = _roles(config, name, asked)
        made = tuple(role for _, role in taken if not role.startswith("arn:"))
        ours = {**CONFIGURATION.get(name, {}), **tolerating(name, needed)}
        values = merged(ours, asked.configuration if asked else {})
        yield Addon(
            name=f"addon/{name}",
            slug=str(InCluster(cluster_name(config), name)),
            version=asked.version if asked else None,
            policy="newest_compatible" if asked and asked.version_policy == "newest_compatible" else "default",
            kubernetes_version=settled.kubernetes_version,
            configuration=json.dumps(values, sort_keys=True, separators=(",", ":")),
            roles=taken,
            service_account_role=(asked.service_account_role_arn or "") if asked else "",
            conflicts=asked.resolve_conflicts if asked else "overwrite",
            preserve=asked.preserve_on_delete if asked else False,
            nodes_expected=nodes,
            awaits=() if has_auto_mode(config) else _hosts(config),
            needs=(CLUSTER, *made),
        )


def _hosts(config: Config) -> tuple[str, ...]:
    """The node groups that it waits for; EKS Auto Mode makes nodes by itself."""
    return tuple(f"node-group/{group.name}" for group in config.node_groups if group.desired_size)


def addon_roles(config: Config, settled: Settled) -> Iterator[IamRole]:
    """The roles that eksprov makes for add-ons of the config; the CNI's is every stack's."""
    for addon in config.addons:
        taken = [role for _, role in _roles(config, addon.name, addon)]
        if addon.name in NEEDS and role_step(addon.name) in taken:
            own = bucket_name(config, settled)
            yield addon_role(config.name, settled, addon.name, addon.s3_buckets, own)


def _roles(config: Config, name: str, asked: Wanted | None) -> tuple[tuple[str, str], ...]:
    """Service accounts and their roles: the user's ARNs, else the step of the one that eksprov makes."""
    if asked is not None and asked.service_account_role_arn:
        return ()
    if asked is not None and asked.pod_identity_roles is not None:
        return tuple(sorted(asked.pod_identity_roles.items()))
    if name == CNI:
        return ((CNI_ACCOUNT, given.role_step(config, roles.VPC_CNI)),)
    return ((NEEDS[name].account, role_step(name)),) if name in NEEDS else ()
