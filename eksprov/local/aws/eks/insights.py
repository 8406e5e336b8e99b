"""Insights: what stands in the way of the next Kubernetes version, and of going back to the last one.

https://docs.aws.amazon.com/eks/latest/userguide/cluster-insights.html: EKS looks once a day, and when asked to. An
upgrade that an insight's ERROR stands against is refused, unless it is forced
(https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateClusterVersion.html). Of EKS's checks there are here:
the nodes' lag, the add-ons' versions, the cluster's health. Deprecated APIs are not looked for, and say so as UNKNOWN.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from eksprov.local.aws.eks import refusals
from eksprov.local.aws.eks.addons.catalog import CATALOG, versions_for
from eksprov.local.aws.eks.model import Cluster, Insights, Shape
from eksprov.local.aws.eks.region import EksRegion
from eksprov.local.aws.eks.versions import NAMES, minor

NODES_MAY_LAG = 3
DAILY_S = 24 * 3600.0
UPGRADE, ROLLBACK = "UPGRADE_READINESS", "ROLLBACK_READINESS"
NAMESPACE = uuid.UUID("7b0a3f0e-3d0b-4f57-8d9e-6f3a1c2b5d4e")  # of the insights' ids, the same each time


def list_insights(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """ListInsights, filtered by category, version and status."""
    cluster, wanted = region.live_cluster(ask["clusterName"]), ask.get("filter") or {}
    found = [
        {key: value for key, value in each.items() if key in LISTED}
        for each in cluster.insights.found.values()
        if each["category"] in (wanted.get("categories") or [each["category"]])
        and each["kubernetesVersion"] in (wanted.get("kubernetesVersions") or [each["kubernetesVersion"]])
        and each["insightStatus"]["status"] in (wanted.get("statuses") or [each["insightStatus"]["status"]])
    ]
    return region.page("insights", found, ask)


def describe_insight(region: EksRegion, ask: Shape) -> dict[str, Any]:
    cluster = region.live_cluster(ask["clusterName"])
    if ask["id"] not in cluster.insights.found:
        raise refusals.not_found(f"No insight found for ID: {ask['id']}", clusterName=cluster.name)
    return {"insight": cluster.insights.found[ask["id"]]}


def start_refresh(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """StartInsightsRefresh; one at a time."""
    insights = region.live_cluster(ask["clusterName"]).insights
    if insights.refresh.get("status") == "IN_PROGRESS":
        raise refusals.not_now("An insights refresh is already in progress", clusterName=ask["clusterName"])
    insights.refresh = {"status": "IN_PROGRESS", "message": "Refreshing", "startedAt": region.stamp()}
    insights.refresh_due = region.account.now() + region.account.latency("insights-refresh")
    return {"status": "IN_PROGRESS", "message": "Refreshing"}


def describe_refresh(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """DescribeInsightsRefresh: the last one that was asked for."""
    refresh = region.live_cluster(ask["clusterName"]).insights.refresh
    if not refresh:
        raise refusals.not_found("No insights refresh was started", clusterName=ask["clusterName"])
    return dict(refresh)


def advance(region: EksRegion, cluster: Cluster) -> None:
    """Look when a refresh is due, and once a day."""
    insights, now = cluster.insights, region.account.now()
    asked = insights.refresh.get("status") == "IN_PROGRESS" and now >= insights.refresh_due
    if asked or not insights.looked_at or now >= insights.looked_at + DAILY_S:
        _look(region, cluster, insights)
    if asked:
        insights.refresh |= {"status": "COMPLETED", "message": "Completed", "endedAt": region.stamp()}


def blocking(cluster: Cluster, version: str) -> list[str]:
    """The names of the insights whose ERROR stands against an upgrade to `version`, as of the last look."""
    return [
        str(each["name"])
        for each in cluster.insights.found.values()
        if (each["category"], each["kubernetesVersion"]) == (UPGRADE, version)
        and each["insightStatus"]["status"] == "ERROR"
    ]


LISTED = frozenset(
    {
        "id",
        "name",
        "category",
        "kubernetesVersion",
        "lastRefreshTime",
        "lastTransitionTime",
        "description",
        "insightStatus",
    }
)


def _look(region: EksRegion, cluster: Cluster, insights: Insights) -> None:
    before, now = insights.found, region.stamp()
    insights.looked_at, insights.found = region.account.now(), {}
    for shape in (*_upgrade(region, cluster), *_rollback(region, cluster)):
        own_id = str(uuid.uuid5(NAMESPACE, "/".join((cluster.arn, *(str(shape[k]) for k in ("category", "name"))))))
        old = before.get(own_id, {})
        same = old.get("insightStatus", {}).get("status") == shape["insightStatus"]["status"]
        moved = old["lastTransitionTime"] if same else now
        insights.found[own_id] = {"id": own_id, **shape, "lastRefreshTime": now, "lastTransitionTime": moved}


def _upgrade(region: EksRegion, cluster: Cluster) -> Iterator[Shape]:
    target = next((name for name in NAMES if minor(name) == minor(cluster.version) + 1), "")
    if not target:
        return
    late = [g for g in cluster.nodegroups.values() if minor(g.shape["version"]) < minor(target) - NODES_MAY_LAG]
    yield _insight(
        UPGRADE,
        "Kubelet version skew",
        target,
        [(_node_group_arn(region, cluster, group.name), "ERROR") for group in late],
        "Update these nodes before the control plane; kubelets may lag three minor versions behind it",
    )
    yield _addons(cluster, UPGRADE, target, "WARNING")
    sick = [("cluster", "ERROR") for _ in cluster.shape["health"]["issues"]]
    yield _insight(UPGRADE, "Cluster health issues", target, sick, "Resolve the cluster's health issues")
    deprecated = _insight(UPGRADE, f"Deprecated APIs removed in Kubernetes v{target}", target, [], "")
    reason = "The local AWS does not look at the requests of Kubernetes' clients"
    yield {**deprecated, "insightStatus": {"status": "UNKNOWN", "reason": reason}}


def _rollback(region: EksRegion, cluster: Cluster) -> Iterator[Shape]:
    if cluster.upgraded is None:
        return
    target = cluster.upgraded[0]
    new = [group for group in cluster.nodegroups.values() if minor(group.shape["version"]) > minor(target)]
    yield _insight(
        ROLLBACK,
        "Kubelet version skew",
        target,
        [(_node_group_arn(region, cluster, group.name), "ERROR") for group in new],
        "Roll these nodes back first; kubelets must not be newer than the control plane",
    )
    yield _addons(cluster, ROLLBACK, target, "ERROR")


def _addons(cluster: Cluster, category: str, target: str, severity: str) -> Shape:
    wrong = [
        addon
        for addon in cluster.addons.values()
        if addon.name in CATALOG and addon.shape["addonVersion"] not in versions_for(addon.name, target)
    ]
    what = "Update these add-ons to a version that both Kubernetes versions take, or right after the control plane"
    named = [(str(addon.shape["addonArn"]), severity) for addon in wrong]
    shape = _insight(category, "EKS add-on version compatibility", target, named, what)
    details = [{"name": each.name, "compatibleVersions": list(versions_for(each.name, target))} for each in wrong]
    return {**shape, "categorySpecificSummary": {"addonCompatibilityDetails": details}}


def _insight(category: str, name: str, target: str, found: list[tuple[str, str]], recommendation: str) -> Shape:
    worst = "ERROR" if any(status == "ERROR" for _, status in found) else "WARNING" if found else "PASSING"
    reason = f"{len(found)} resources found" if found else "No issues found"
    resources = [
        {"insightStatus": {"status": status, "reason": recommendation}, **({"arn": what} if "arn:" in what else {})}
        for what, status in found
    ]
    return {
        "name": name,
        "category": category,
        "kubernetesVersion": target,
        "description": name,
        "insightStatus": {"status": worst, "reason": reason},
        "recommendation": recommendation,
        "additionalInfo": {},
        "resources": resources,
        "categorySpecificSummary": {},
    }


def _node_group_arn(region: EksRegion, cluster: Cluster, name: str) -> str:
    return str(cluster.nodegroups[name].shape.get("nodegroupArn") or region.arn("nodegroup", cluster.name, name))


OPERATIONS = {
    "ListInsights": list_insights,
    "DescribeInsight": describe_insight,
    "StartInsightsRefresh": start_refresh,
    "DescribeInsightsRefresh": describe_refresh,
}
