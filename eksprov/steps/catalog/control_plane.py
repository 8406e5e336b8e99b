"""The control plane, its log group and who may use it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from eksprov.core.names import InCluster
from eksprov.steps.catalog.given import ROOT, role_arn, role_step
from eksprov.steps.catalog.names import (
    CLUSTER,
    KEY,
    LOGS,
    NODE_ENTRY,
    access_name,
    cluster_name,
    has_auto_mode,
    subnets,
    vpc,
)
from eksprov.steps.cluster.cluster import Cluster
from eksprov.steps.cluster.endpoint import ClusterEndpoint
from eksprov.steps.identity import roles
from eksprov.steps.identity.access_entry import ADMIN_POLICY, AccessEntry
from eksprov.steps.identity.iam_role import IamRole, role_name
from eksprov.steps.identity.node_access_entry import AUTO, NodeAccessEntry
from eksprov.steps.settled import Settled
from eksprov.steps.storage.kms_key import KmsKey, cluster_rights

if TYPE_CHECKING:
    from eksprov.config.schema import Config


def cluster(config: Config, settled: Settled) -> Cluster:
    """The cluster itself, in all subnets; with EKS Auto Mode in the private ones."""
    wanted = config.cluster.kms_key
    own = wanted == "own"
    auto = has_auto_mode(config)
    role, node_role = (role_step(config, one) for one in (roles.CLUSTER, roles.AUTO_NODE))
    made = (role, node_role, LOGS) if auto else (role, LOGS)
    # EKS Auto Mode makes its nodes wherever the cluster is (`steps.cluster.auto_mode`).
    where = (*subnets(config, settled, "private"), *(() if auto else subnets(config, settled, "public")))
    later = closes_last(config)
    return Cluster(
        name=CLUSTER,
        slug=cluster_name(config),
        version=settled.kubernetes_version,
        role=role,
        vpc=vpc(config),
        subnets=where,
        ip_family=config.network.ip_family,
        service_cidr="" if config.network.ipv6 else config.cluster.service_ipv4_cidr,
        public_access=config.cluster.endpoint_public_access or later,
        private_access=config.cluster.endpoint_private_access,
        public_cidrs=_public_cidrs(config),
        closed_later=later,
        log_types=config.cluster.log_types,
        support_type=config.cluster.support_type,
        deletion_protection=config.cluster.deletion_protection,
        key=KEY if own else "",
        key_arn="" if own or wanted == "none" else wanted,
        node_pools=config.auto_mode.node_pools if auto else (),
        node_role=node_role if auto else "",
        needs=(*made, *((KEY,) if own else ()), vpc(config), *where),
    )


def _public_cidrs(config: Config) -> tuple[str, ...]:
    """Where nothing is said, everyone of either family of addresses that the endpoint has."""
    said = "public_access_cidrs" in config.cluster.model_fields_set
    return (*config.cluster.public_access_cidrs, *(("::/0",) if config.network.ipv6 and not said else ()))


def closes_last(config: Config) -> bool:
    """Whether the endpoint is open until all else is done."""
    return config.cluster.close_endpoint_last and not config.cluster.endpoint_public_access


def closing(config: Config, after: tuple[str, ...]) -> Iterator[ClusterEndpoint]:
    """The last step of all, where the config wants one."""
    if closes_last(config):
        yield ClusterEndpoint(name="cluster-endpoint", slug=cluster_name(config), needs=after)


def key(config: Config, settled: Settled) -> Iterator[KmsKey]:
    """The stack's own key, where the config wants one."""
    if config.cluster.kms_key == "own":
        yield KmsKey(
            name=KEY,
            slug=f"alias/{config.name}",
            partition=settled.partition,
            account=settled.account,
            role=role_step(config, roles.CLUSTER),
            deletion_days=config.cluster.kms_key_deletion_days,
            needs=(role_step(config, roles.CLUSTER),),
        )


def with_key(config: Config, made: tuple[IamRole, ...]) -> tuple[IamRole, ...]:
    """The roles, the cluster's with the right to use a key that is not the stack's (whose own policy says nothing)."""
    arn = config.cluster.kms_key
    if arn in ("none", "own"):
        return made
    return tuple(replace(role, inline=cluster_rights(arn)) if role.name == roles.CLUSTER else role for role in made)


def access(config: Config, settled: Settled, outlives: tuple[str, ...]) -> Iterator[AccessEntry]:
    """One entry a principal; without `access:` the recorded admin has the only one.

    Who is no admin of the whole cluster waits for those who are: no entry loses its rights before the others have
    theirs, and the admins' entries go last.
    """
    if not config.access:
        admin = ((ADMIN_POLICY, ()),)
        yield _entry(config, settled, settled.admin_principal_arn, policies=admin, needs=(CLUSTER,), outlives=outlives)
    admins = tuple(access_name(entry.principal_arn) for entry in config.access if entry.is_admin)
    for entry in config.access:
        yield _entry(
            config,
            settled,
            entry.principal_arn,
            type=entry.type,
            policies=entry.grants,
            groups=entry.kubernetes_groups,
            user_name=entry.user_name or "",
            compare_age=True,
            needs=(CLUSTER,) if entry.is_admin else (CLUSTER, *admins),
            outlives=outlives,
        )


def node_entries(config: Config, settled: Settled) -> Iterator[NodeAccessEntry]:
    """EKS's own entries for the roles of node groups and of Auto Mode, looked at before nodes need them."""
    wanted = ((NODE_ENTRY, roles.NODE, "node", "EC2_LINUX"),) if config.node_groups else ()
    auto = (("node-access-entry/auto-node", roles.AUTO_NODE, "auto-node", AUTO),) if has_auto_mode(config) else ()
    for name, role, purpose, kind in (*wanted, *auto):
        path = ROOT if role == roles.AUTO_NODE else config.iam.role_path
        own = f"role{path}{role_name(config.name, settled.region, purpose)}"
        arn = role_arn(config, role) or f"arn:{settled.partition}:iam::{settled.account}:{own}"
        needs = (CLUSTER, role_step(config, role))
        yield NodeAccessEntry(name=name, slug=str(InCluster(cluster_name(config), arn)), type=kind, needs=needs)


def _entry(config: Config, settled: Settled, principal: str, **more: Any) -> AccessEntry:
    slug = str(InCluster(cluster_name(config), principal))
    return AccessEntry(name=access_name(principal), slug=slug, partition=settled.partition, **more)
