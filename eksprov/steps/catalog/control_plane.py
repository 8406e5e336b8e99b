"""The control plane, its log group and who may use it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from eksprov.steps import roles
from eksprov.steps.access_entry import AccessEntry
from eksprov.steps.catalog.names import CLUSTER, LOGS, access_name, cluster_name, subnets
from eksprov.steps.choices import Choices
from eksprov.steps.cluster import Cluster

if TYPE_CHECKING:
    from eksprov.config.schema import Config


ADMIN_POLICY = "AmazonEKSClusterAdminPolicy"


def cluster(config: Config, choices: Choices) -> Cluster:
    """The cluster itself, in all subnets."""
    where = (*subnets(config, choices, "private"), *subnets(config, choices, "public"))
    return Cluster(
        name=CLUSTER,
        slug=cluster_name(config),
        version=choices.kubernetes_version,
        role=roles.CLUSTER,
        subnets=where,
        service_cidr=config.cluster.service_ipv4_cidr,
        public_access=config.cluster.endpoint_public_access,
        private_access=config.cluster.endpoint_private_access,
        public_cidrs=config.cluster.public_access_cidrs,
        log_types=config.cluster.log_types,
        support_type=config.cluster.support_type,
        deletion_protection=config.cluster.deletion_protection,
        needs=(roles.CLUSTER, LOGS, *where),
    )


def access(config: Config, choices: Choices, outlives: tuple[str, ...]) -> Iterator[AccessEntry]:
    """One entry a principal; without `access:` the recorded admin has the only one."""
    granted: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for entry in config.access:
        granted.setdefault(entry.principal_arn, []).append((entry.policy, entry.namespaces))
    for principal, policies in (granted or {choices.admin_principal_arn: [(ADMIN_POLICY, ())]}).items():
        yield AccessEntry(
            name=access_name(principal),
            slug=f"{cluster_name(config)}/{principal}",
            partition=choices.partition,
            policies=tuple(policies),
            needs=(CLUSTER,),
            outlives=outlives,
        )
