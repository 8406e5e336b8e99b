"""EKS Auto Mode: three blocks that are on or off together, at creation or by one update of its own kind.

https://docs.aws.amazon.com/eks/latest/userguide/auto-enable-existing.html and auto-disable.html; the words of the
refusals named here are AWS's (https://github.com/kubernetes-sigs/cluster-api-provider-aws/issues/5278,
https://github.com/terraform-aws-modules/terraform-aws-eks/issues/3366, https://github.com/aws/aws-cdk/pull/33894), of
the others only the sense is known. While it is on with built-in pools, EKS keeps an access entry of type EC2 for the
node role (https://docs.aws.amazon.com/eks/latest/userguide/create-node-class.html#auto-node-access-entry). Switched
off, its instances go and volumes stay.
"""

from __future__ import annotations

import zlib
from typing import Any

from eksprov.local.aws.eks import access, checks, refusals
from eksprov.local.aws.eks.model import Cluster, Shape
from eksprov.local.aws.eks.nodes import on_demand
from eksprov.local.aws.eks.region import EksRegion
from eksprov.local.contract import AutoMode

POOLS = ("general-purpose", "system")
# https://docs.aws.amazon.com/eks/latest/userguide/auto-cluster-iam-role.html
CLUSTER_POLICIES = (
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingPolicy",
)
NODE_POLICY = "AmazonEKSAutoNodePolicy"
TOGETHER = (
    "For EKS Auto Mode, please ensure that all required configs, including computeConfig, kubernetesNetworkConfig, and "
    "blockStorage are all either fully enabled or fully disabled."
)

# Reported, and closed without a cure: the entry is looked for by the role's name alone, and not found
# (https://github.com/aws/containers-roadmap/issues/2486). Nobody has seen it here since; it is the careful reading.
PATHED = "no access entry was found for the node role {role}, which has a path"

POOLS_ALONE = "When Compute Config nodeRoleArn is null or empty, nodePool list cannot be populated."
ROLE_ALONE = "When Compute Config nodeRoleArn is not null or empty, nodePool value(s) must be provided."


def is_on(cluster: Cluster) -> bool:
    """Whether Auto Mode is on in the cluster."""
    return bool((cluster.shape.get("computeConfig") or {}).get("enabled"))


def check(region: EksRegion, ask: Shape, cluster_role: str, have: Shape | None = None) -> None:
    """Refuse what EKS refuses; `have` is the present computeConfig of a cluster that is changed."""
    name, compute = ask["name"], ask.get("computeConfig") or {}
    switches = {
        bool(compute.get("enabled")),
        bool(((ask.get("storageConfig") or {}).get("blockStorage") or {}).get("enabled")),
        bool(((ask.get("kubernetesNetworkConfig") or {}).get("elasticLoadBalancing") or {}).get("enabled")),
    }
    if len(switches) > 1:
        raise refusals.invalid(TOGETHER, clusterName=name)
    if not compute.get("enabled"):
        return
    pools, role = compute.get("nodePools") or [], compute.get("nodeRoleArn") or (have or {}).get("nodeRoleArn")
    if strange := sorted(set(pools) - set(POOLS)):
        raise refusals.invalid(f"Unknown node pools: {', '.join(strange)}", clusterName=name)
    if pools and not role:
        raise refusals.invalid(POOLS_ALONE, clusterName=name)
    if compute.get("nodeRoleArn") and not pools:
        raise refusals.invalid(ROLE_ALONE, clusterName=name)
    if (have or {}).get("nodeRoleArn") not in (None, role):
        raise refusals.invalid("nodeRoleArn cannot be changed once EKS Auto Mode is enabled", clusterName=name)
    checks.auto_mode_role(region, cluster_role, CLUSTER_POLICIES)
    if role:
        checks.node_role(region, role, cluster_role)


def check_creation(region: EksRegion, ask: Shape) -> None:
    """What CreateCluster asks beyond: https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html."""
    check(region, ask, ask["roleArn"])
    if not (ask.get("computeConfig") or {}).get("enabled"):
        return
    if ask.get("bootstrapSelfManagedAddons", True):
        raise refusals.invalid("EKS Auto Mode needs bootstrapSelfManagedAddons to be false", clusterName=ask["name"])
    if (ask.get("accessConfig") or {}).get("authenticationMode", "CONFIG_MAP") == "CONFIG_MAP":
        raise refusals.invalid("EKS Auto Mode needs an authentication mode with API", clusterName=ask["name"])


def compute_shape(asked: Shape | None) -> Shape:
    """computeConfig as Describe shows it."""
    asked = asked or {}
    on = bool(asked.get("enabled"))
    role = {"nodeRoleArn": asked["nodeRoleArn"]} if on and asked.get("nodeRoleArn") else {}
    return {"enabled": on, "nodePools": list(asked.get("nodePools") or []) if on else [], **role}


def apply(region: EksRegion, cluster: Cluster) -> None:
    """Make the cluster what its shape says: pools and their entry, or neither and no instance."""
    compute = cluster.shape["computeConfig"]
    role, entry = compute.get("nodeRoleArn", ""), None
    if not compute["enabled"]:
        on_demand.end_auto(region, cluster)
        _drop_profile(region, cluster)
        region.account.kubernetes.set_auto_mode(cluster.arn, None)
        return
    if role and role not in cluster.entries:
        entry = access.make_entry(region, cluster, role, "EC2")
        arn = f"arn:{region.partition}:eks::aws:cluster-access-policy/{NODE_POLICY}"
        entry.policies[arn] = {"type": "cluster", "namespaces": []}
        entry.associated[arn] = region.stamp()
    if role:
        _keep_profile(region, cluster, role.rsplit("/", 1)[-1])
    vpc = cluster.shape["resourcesVpcConfig"]
    pools = tuple(compute["nodePools"])
    name = role.rsplit("/", 1)[-1]
    trouble = PATHED.format(role=role) if role.count("/") > 1 else ""
    wish = AutoMode(pools, name, tuple(vpc["subnetIds"]), vpc["clusterSecurityGroupId"], trouble)
    region.account.kubernetes.set_auto_mode(cluster.arn, wish)


def _keep_profile(region: EksRegion, cluster: Cluster, role: str) -> None:
    """The instance profile of its nodes, which stays with the role in it when the cluster is deleted
    (https://github.com/aws/containers-roadmap/issues/2531, https://github.com/aws/aws-k8s-tester/pull/527)."""
    name = _profile(cluster)
    if name not in region.iam.instance_profiles:
        region.iam.create_instance_profile(name, f"/eks/{cluster.region}/{cluster.name}/", [role], [])


def _drop_profile(region: EksRegion, cluster: Cluster) -> None:
    region.iam.instance_profiles.pop(_profile(cluster), None)


def _profile(cluster: Cluster) -> str:
    return f"eks-{cluster.region}-{cluster.name}-{zlib.crc32(cluster.arn.encode())}"


def updated(region: EksRegion, cluster: Cluster, ask: Shape) -> tuple[Shape, dict[str, Any]]:
    """The blocks as they will be, and the update's parameters; refuses what changes nothing."""
    have = cluster.shape["computeConfig"]
    check(region, ask, cluster.shape["roleArn"], have if have["enabled"] else None)
    kept = {"nodeRoleArn": have.get("nodeRoleArn"), "nodePools": have["nodePools"]} if have["enabled"] else {}
    after = compute_shape({**kept, **ask["computeConfig"]})
    if after == have:
        raise refusals.invalid("The cluster is already at the desired configuration", clusterName=cluster.name)
    on = {"enabled": after["enabled"]}
    network = {**cluster.shape["kubernetesNetworkConfig"], "elasticLoadBalancing": on}
    shape = {"computeConfig": after, "storageConfig": {"blockStorage": on}, "kubernetesNetworkConfig": network}
    params = {"ComputeConfig": ask["computeConfig"], "StorageConfig": ask["storageConfig"]}
    return shape, {**params, "KubernetesNetworkConfig": ask["kubernetesNetworkConfig"]}
