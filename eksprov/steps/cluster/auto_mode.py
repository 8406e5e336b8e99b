"""EKS Auto Mode as settings of a cluster: three blocks of its API that are on or off together, in one update.

https://docs.aws.amazon.com/eks/latest/userguide/auto-enable-existing.html. EKS makes the built-in pools, their default
NodeClass, and an access entry for the node role by itself
(https://docs.aws.amazon.com/eks/latest/userguide/create-node-class.html#auto-node-access-entry). The default NodeClass
takes the cluster's subnets as they are when it is made, and never follows them
(https://github.com/aws/containers-roadmap/issues/2793); so a cluster with Auto Mode has the private ones alone, and one
that gets it later first gives up the others. Switched off, its instances and load balancers go and volumes stay
(https://docs.aws.amazon.com/eks/latest/userguide/auto-disable.html).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

FIELDS = frozenset({"auto_mode", "node_pools", "node_role_arn"})


class Wanted(Protocol):
    """What a cluster's facts say of it."""

    @property
    def auto_mode(self) -> bool: ...

    @property
    def node_pools(self) -> frozenset[str]: ...

    @property
    def node_role_arn(self) -> str: ...

    @property
    def subnet_ids(self) -> tuple[str, ...]: ...


def read(cluster: Mapping[str, Any]) -> dict[str, Any]:
    """The facts, from DescribeCluster; pools and role mean nothing while it is off."""
    compute = cluster.get("computeConfig") or {}
    on = bool(compute.get("enabled"))
    return {
        "auto_mode": on,
        "node_pools": frozenset(compute.get("nodePools") or ()) if on else frozenset(),
        "node_role_arn": str(compute.get("nodeRoleArn") or "") if on else "",
    }


def blocks(want: Wanted) -> dict[str, Any]:
    """The three blocks, as CreateCluster and UpdateClusterConfig take them."""
    on = {"enabled": want.auto_mode}
    pools = {"nodePools": sorted(want.node_pools), "nodeRoleArn": want.node_role_arn} if want.node_pools else {}
    return {
        "computeConfig": {**on, **(pools if want.auto_mode else {})},
        "kubernetesNetworkConfig": {"elasticLoadBalancing": on},
        "storageConfig": {"blockStorage": on},
    }


def updates(want: Wanted, have: Wanted) -> tuple[dict[str, Any], ...]:
    """What UpdateClusterConfig is sent, one after another: subnets before it is switched on, then all of it at once."""
    moves = want.auto_mode and not have.auto_mode and set(want.subnet_ids) != set(have.subnet_ids)
    subnets = ({"resourcesVpcConfig": {"subnetIds": list(want.subnet_ids)}},) if moves else ()
    return (*subnets, blocks(want))


def refusal(cluster: str, want: Wanted, have: Wanted) -> str:
    """The node role stays as it was when Auto Mode was switched on
    (https://docs.aws.amazon.com/eks/latest/APIReference/API_ComputeConfigRequest.html)."""
    if not (want.auto_mode and have.node_role_arn) or want.node_role_arn == have.node_role_arn:
        return ""
    return (
        f"cluster {cluster!r} runs EKS Auto Mode with the node role {have.node_role_arn}, and EKS does not change that "
        "while it is on; set autoscaler to none, provision, and switch it on again"
    )


def consequence(want: Wanted, have: Wanted) -> str:
    """What switching it off takes away."""
    if want.auto_mode or not have.auto_mode:
        return ""
    return "EKS ends every instance that Auto Mode made and deletes its load balancers; its volumes stay"
