"""What time does to a cluster and what belongs to it: the transitions.

    cluster     CREATING -> ACTIVE once its latency has passed and Kubernetes is ready; FAILED where that failed
                DELETING -> gone once its latency has passed and Kubernetes has stopped
    node group  CREATING -> ACTIVE once its latency has passed and all wanted nodes are Ready; CREATE_FAILED late
                DELETING -> gone
    insights are looked for in `insights.py`
    nodes on demand go with their instances, those of EKS Auto Mode with the cluster
    add-on      CREATING -> ACTIVE once its latency has passed and its workloads are available; DEGRADED late, and
                ACTIVE again when they are; DELETING -> gone

Deadlines ("late") are not divided by the speed of the world, because Kubernetes does not run faster for it.
"""

from __future__ import annotations

from moto.logs.models import logs_backends

from eksprov.local.aws.conditions import AILING
from eksprov.local.aws.eks import auto_mode, insights, updates, wiring
from eksprov.local.aws.eks.access import bindings
from eksprov.local.aws.eks.model import Addon, Cluster, Nodegroup
from eksprov.local.aws.eks.nodes import fleet, launches, on_demand
from eksprov.local.aws.eks.region import EksRegion
from eksprov.local.aws.keys import ACCOUNT
from eksprov.local.aws.latency import ADDON_DEGRADED_AFTER_S, NODES_MISSING_AFTER_S
from eksprov.local.contract import AddonSpec, ClusterStatus

SELF_MANAGED = ("vpc-cni", "kube-proxy", "coredns")


def advance(region: EksRegion, cluster: Cluster) -> None:
    """Let everything happen to `cluster` that is due by now."""
    if cluster.status == "CREATING":
        _create(region, cluster, region.account.kubernetes.cluster_status(cluster.arn))
    if cluster.status == "DELETING":
        _delete(region, cluster)
        return
    if cluster.status == "FAILED":
        return
    if cluster.status != "CREATING":
        _keep_log_group(region, cluster)
    updates.advance(region, cluster)
    for nodegroup in list(cluster.nodegroups.values()):
        _nodegroup(region, cluster, nodegroup)
    for addon in list(cluster.addons.values()):
        _addon(region, cluster, addon)
    on_demand.reconcile(region, cluster)
    if cluster.status != "CREATING":
        insights.advance(region, cluster)


def _create(region: EksRegion, cluster: Cluster, status: ClusterStatus) -> None:
    shape = cluster.shape
    if status.state == "failed":
        shape["status"] = "FAILED"
        shape["health"] = {
            "issues": [{"code": "InternalFailure", "message": status.message, "resourceIds": [cluster.name]}]
        }
        return
    if status.state != "ready" or not region.passed(cluster.changed_at, "cluster-create"):
        return
    shape["endpoint"] = status.endpoint
    shape["certificateAuthority"] = {"data": status.ca_data}
    shape["status"] = "ACTIVE"
    cluster.changed_at = region.account.now()
    region.account.kubernetes.sync_access(cluster.arn, bindings(cluster))
    if auto_mode.is_on(cluster):
        auto_mode.apply(region, cluster)
    if cluster.bootstrap_addons:
        for name in SELF_MANAGED:
            region.account.kubernetes.install_addon(cluster.arn, AddonSpec(name, "self-managed"))


def _delete(region: EksRegion, cluster: Cluster) -> None:
    stopped = region.account.kubernetes.cluster_status(cluster.arn).state == "absent"
    if auto_mode.is_on(cluster):
        on_demand.end_auto(region, cluster)
    if stopped and region.passed(cluster.changed_at, "cluster-delete"):
        wiring.remove(region, cluster)
        del region.clusters[cluster.name]


def _keep_log_group(region: EksRegion, cluster: Cluster) -> None:
    # EKS makes the group when it writes to it, again too when somebody has deleted it meanwhile:
    # https://github.com/terraform-aws-modules/terraform-aws-eks/issues/920
    logs = logs_backends[ACCOUNT][region.name]
    name = f"/aws/eks/{cluster.name}/cluster"
    if cluster.shape["logging"]["clusterLogging"][0]["enabled"] and name not in logs.groups:
        logs.create_log_group(name, {})


def _nodegroup(region: EksRegion, cluster: Cluster, nodegroup: Nodegroup) -> None:
    shape = nodegroup.shape
    if shape["status"] == "DELETING":
        if region.passed(nodegroup.changed_at, "nodegroup-delete"):
            fleet.remove(region, cluster, nodegroup)
            _remove_node_entry(cluster, nodegroup)
            del cluster.nodegroups[nodegroup.name]
        return
    fleet.reconcile(region, cluster, nodegroup)
    _ail(region, nodegroup)
    if shape["status"] not in ("CREATING", "CREATE_FAILED"):
        return
    ready = fleet.is_ready(region, cluster, nodegroup)
    if ready and region.passed(nodegroup.changed_at, fleet.latency_of(region, nodegroup)):
        shape["status"] = "ACTIVE"
        shape["health"] = {"issues": []}
        nodegroup.changed_at = region.account.now()
    elif shape["status"] == "CREATING" and region.account.now() >= nodegroup.changed_at + _patience(region):
        shape["status"] = "CREATE_FAILED"
        shape["health"] = {"issues": [launches.failure(region, nodegroup)]}


def _patience(region: EksRegion) -> float:
    """How long nodes are waited for. Where none will come, nothing runs at the speed of this machine."""
    return NODES_MISSING_AFTER_S / (1 if region.account.conditions.nodes_join else region.account.speed)


def _ail(region: EksRegion, nodegroup: Nodegroup) -> None:
    """Have the health issue that is switched on, or get well again once it is not."""
    shape, code = nodegroup.shape, region.account.conditions.ailing
    ails = any(issue["message"] == AILING for issue in shape["health"]["issues"])
    if code and shape["status"] == "ACTIVE":
        shape["status"] = "DEGRADED"
        shape["health"] = {"issues": [{"code": code, "message": AILING, "resourceIds": [nodegroup.group_name]}]}
    elif ails and not code and shape["status"] == "DEGRADED":
        shape["status"] = "ACTIVE"
        shape["health"] = {"issues": []}


def _remove_node_entry(cluster: Cluster, nodegroup: Nodegroup) -> None:
    role = nodegroup.shape["nodeRole"]
    others = [g for g in cluster.nodegroups.values() if g is not nodegroup and g.shape["nodeRole"] == role]
    if not others and role in cluster.entries and cluster.entries[role].type == "EC2_LINUX":
        del cluster.entries[role]


def _addon(region: EksRegion, cluster: Cluster, addon: Addon) -> None:
    shape = addon.shape
    if shape["status"] == "DELETING":
        if region.passed(addon.changed_at, "addon-delete"):
            del cluster.addons[addon.name]
        return
    if shape["status"] not in ("CREATING", "DEGRADED"):
        return
    health = region.account.kubernetes.addon_health(cluster.arn, addon.name)
    latency = "addon-create-csi" if addon.name.endswith("-csi-driver") else "addon-create"
    if health.ready and region.passed(addon.changed_at, latency):
        shape["status"] = "ACTIVE"
        shape["health"] = {"issues": []}
        shape["modifiedAt"] = region.stamp()
    elif shape["status"] == "CREATING" and region.account.now() >= addon.changed_at + ADDON_DEGRADED_AFTER_S:
        shape["status"] = "DEGRADED"
        message = health.message or "The add-on is unhealthy because it doesn't have the desired number of replicas."
        shape["health"] = {"issues": [{"code": "InsufficientNumberOfReplicas", "message": message}]}
