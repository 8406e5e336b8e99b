"""What an autoscaler needs of AWS; what it is in the cluster comes from `eksprov.controllers`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from eksprov.core.names import InCluster, ServiceAccount
from eksprov.core.step import AnyStep
from eksprov.steps.catalog.given import role_step
from eksprov.steps.catalog.karpenter import KARPENTER, karpenter
from eksprov.steps.catalog.names import CLUSTER, cluster_name
from eksprov.steps.catalog.nodes import shape_of
from eksprov.steps.identity import roles
from eksprov.steps.identity.pod_identity_association import PodIdentityAssociation
from eksprov.steps.node_groups.asg_tags import AsgTags
from eksprov.steps.settled import Settled

if TYPE_CHECKING:
    from eksprov.config.schema import Config

CLUSTER_AUTOSCALER = "cluster-autoscaler"
SYSTEM = "kube-system"


def identity_name(controller: str) -> str:
    """The step that gives a controller's service account its role."""
    return f"pod-identity/{controller}"


def autoscaling(config: Config, settled: Settled) -> Iterator[AnyStep]:
    """What the config's autoscaler needs; nothing without one."""
    if config.autoscaler == CLUSTER_AUTOSCALER:
        yield from _cluster_autoscaler(config, settled)
    elif config.autoscaler == KARPENTER:
        yield from karpenter(config, settled)


def _cluster_autoscaler(config: Config, settled: Settled) -> Iterator[AnyStep]:
    """The autoscaler's role, its association to the service account, and what it reads of the node groups."""
    role = role_step(config, roles.CLUSTER_AUTOSCALER)
    yield roles.cluster_autoscaler_role(config.name, settled, cluster_name(config))
    yield PodIdentityAssociation(
        name=identity_name(CLUSTER_AUTOSCALER),
        slug=str(ServiceAccount(cluster_name(config), SYSTEM, CLUSTER_AUTOSCALER)),
        role=role,
        needs=(role, CLUSTER),
    )
    for group in config.node_groups:
        shape = shape_of(group, settled)
        yield AsgTags(
            name=f"asg-tags/{group.name}",
            slug=str(InCluster(cluster_name(config), group.name)),
            labels=tuple(sorted(group.labels.items())),
            taints=shape.taints,
            disk_gib=shape.disk_gib,
            needs=(f"node-group/{group.name}",),
        )
