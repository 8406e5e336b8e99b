"""What EKS Auto Mode changes in a stack's roles: more for the cluster's, and one of its own for its nodes.

https://docs.aws.amazon.com/eks/latest/userguide/auto-cluster-iam-role.html and auto-create-node-role.html. Without node
groups there is nobody for the node role and the CNI's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from eksprov.steps.catalog.names import has_auto_mode
from eksprov.steps.identity import roles
from eksprov.steps.identity.iam_role import IamRole, role_name
from eksprov.steps.settled import Settled

if TYPE_CHECKING:
    from eksprov.config.schema import Config

CLUSTER_POLICIES = (
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingPolicy",
)
NODE_POLICIES = ("AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly")


def with_auto_mode(config: Config, settled: Settled, made: tuple[IamRole, ...]) -> tuple[IamRole, ...]:
    """The stack's roles as Auto Mode needs them."""
    if not has_auto_mode(config):
        return made
    known = {role.name: role for role in made}
    cluster, node = known[roles.CLUSTER], known[roles.NODE]
    auto = replace(
        node,
        name=roles.AUTO_NODE,
        slug=role_name(config.name, settled.region, "auto-node"),
        policies=roles.managed(settled.partition, *NODE_POLICIES),
        description=f"Nodes that EKS Auto Mode makes in the cluster {config.name}",
    )
    more = replace(cluster, policies=(*cluster.policies, *roles.managed(settled.partition, *CLUSTER_POLICIES)))
    others = [role for name, role in known.items() if name != roles.CLUSTER and config.node_groups]
    return (more, auto, *others)
