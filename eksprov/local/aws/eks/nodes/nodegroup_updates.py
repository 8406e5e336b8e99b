"""UpdateNodegroupConfig and UpdateNodegroupVersion.

https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateNodegroupConfig.html. A version update here adds as
many nodes as are wanted and takes the old ones away when these are Ready; the real one goes in smaller steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eksprov.local.aws.eks import refusals, updates
from eksprov.local.aws.eks.model import Cluster, Nodegroup, Shape
from eksprov.local.aws.eks.nodes import fleet, templates
from eksprov.local.aws.eks.nodes.nodegroups import (
    check_labels,
    check_release,
    check_scaling,
    check_taints_and_updates,
    release_version,
)
from eksprov.local.aws.eks.region import EksRegion
from eksprov.local.aws.eks.versions import NAMES, minor

MOVED = ("version", "releaseVersion", "launchTemplate")


def update_nodegroup_config(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """UpdateNodegroupConfig: labels, taints, sizes, update and repair settings."""
    cluster, nodegroup = region.nodegroup(ask["clusterName"], ask["nodegroupName"])
    _ready_to_change(cluster, nodegroup)
    shape = nodegroup.shape
    scaling = {**shape["scalingConfig"], **(ask.get("scalingConfig") or {})}
    taints = _taints(shape["taints"], ask.get("taints") or {})
    check_scaling(scaling)
    check_labels((ask.get("labels") or {}).get("addOrUpdateLabels") or {})
    check_taints_and_updates(taints, ask.get("updateConfig") or {})
    params = _params(ask)
    if not params:
        raise refusals.invalid("No changes were given", clusterName=cluster.name, nodegroupName=nodegroup.name)
    labels = {**shape["labels"], **((ask.get("labels") or {}).get("addOrUpdateLabels") or {})}
    for key in (ask.get("labels") or {}).get("removeLabels") or []:
        labels.pop(key, None)
    shape |= {"scalingConfig": scaling, "taints": taints, "labels": labels}
    for key in ("updateConfig", "nodeRepairConfig", "warmPoolConfig"):
        if ask.get(key):
            shape[key] = ask[key]
        if shape.get(key, {}).get("enabled") is False:  # assumed: what is switched off is not shown
            del shape[key]
    fleet.resize(region, nodegroup)
    fleet.reconcile(region, cluster, nodegroup)
    return _begin(region, cluster, nodegroup, "ConfigUpdate", params)


def update_nodegroup_version(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """UpdateNodegroupVersion, to the cluster's version or below it, never back."""
    cluster, nodegroup = region.nodegroup(ask["clusterName"], ask["nodegroupName"])
    _ready_to_change(cluster, nodegroup)
    if ask.get("launchTemplate") and not nodegroup.shape.get("launchTemplate"):
        raise refusals.invalid("A node group made without a launch template cannot be given one")
    version = ask.get("version") or cluster.version
    have = nodegroup.shape["version"]
    if version not in NAMES or minor(version) > minor(cluster.version):
        raise refusals.invalid(f"Nodegroup Kubernetes version should be the cluster's, {cluster.version}, or lower")
    if minor(version) < minor(have):
        raise refusals.invalid(f"Nodegroup version cannot go back from {have} to {version}")
    check_release(ask.get("releaseVersion"), nodegroup.shape["amiType"], version)
    release = ask.get("releaseVersion") or release_version(version)
    before, data = {key: nodegroup.shape.get(key) for key in MOVED}, nodegroup.template_data
    params = {"Version": version, "ReleaseVersion": release, **_move_template(region, nodegroup, ask)}
    nodegroup.shape |= {"version": version, "releaseVersion": release}

    def undo() -> None:
        nodegroup.shape |= {key: value for key, value in before.items() if value is not None}
        if nodegroup.template_data != data:
            nodegroup.template_data = data
            fleet.retemplate(region, nodegroup)

    return _begin(region, cluster, nodegroup, "VersionUpdate", params, undo)


def _move_template(region: EksRegion, nodegroup: Nodegroup, ask: Shape) -> Shape:
    """Take another version of the same template; a custom image's group is told neither version nor release."""
    given = ask.get("launchTemplate")
    if not given:
        return {}
    have = nodegroup.shape["launchTemplate"]
    wanted = templates.shape(region, given)
    if wanted["id"] != have["id"]:
        raise refusals.invalid("You must specify the same launch template that was used to create the node group")
    data = templates.find(region, given)[1]
    templates.check(data, nodegroup.shape)
    nodegroup.shape["launchTemplate"], nodegroup.template_data = wanted, data
    fleet.retemplate(region, nodegroup)
    return {"LaunchTemplateName": wanted["name"], "LaunchTemplateVersion": wanted["version"]}


def _ready_to_change(cluster: Cluster, nodegroup: Nodegroup) -> None:
    updates.refuse_second(cluster, "update the node group", nodegroup=nodegroup.name)
    if nodegroup.status not in ("ACTIVE", "DEGRADED"):
        raise refusals.in_use(
            f"Nodegroup cannot be updated as it is currently not in Active State ({nodegroup.status})",
            clusterName=cluster.name,
            nodegroupName=nodegroup.name,
        )


def _begin(
    region: EksRegion,
    cluster: Cluster,
    nodegroup: Nodegroup,
    kind: str,
    params: Shape,
    undo: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    def finish() -> None:
        if nodegroup.status == "UPDATING":
            nodegroup.shape["status"] = "ACTIVE"

    nodegroup.shape |= {"status": "UPDATING", "modifiedAt": region.stamp()}
    return updates.begin(
        region,
        cluster,
        kind,
        params,
        "nodegroup-update",
        finish,
        nodegroup=nodegroup.name,
        is_ready=lambda: fleet.is_ready(region, cluster, nodegroup),
        undo=undo,
    )


def _taints(have: list[Shape], asked: Shape) -> list[Shape]:
    def place(taint: Shape) -> tuple[Any, Any]:
        return taint["key"], taint.get("effect")

    added = asked.get("addOrUpdateTaints") or []
    dropped = {place(taint) for taint in (*added, *(asked.get("removeTaints") or []))}
    return [taint for taint in have if place(taint) not in dropped] + list(added)


def _params(ask: Shape) -> Shape:
    labels, taints, scaling = ask.get("labels") or {}, ask.get("taints") or {}, ask.get("scalingConfig") or {}
    found = {
        "LabelsToAdd": labels.get("addOrUpdateLabels"),
        "LabelsToRemove": labels.get("removeLabels"),
        "TaintsToAdd": taints.get("addOrUpdateTaints"),
        "TaintsToRemove": taints.get("removeTaints"),
        "MinSize": scaling.get("minSize"),
        "MaxSize": scaling.get("maxSize"),
        "DesiredSize": scaling.get("desiredSize"),
        "MaxUnavailable": (ask.get("updateConfig") or {}).get("maxUnavailable"),
        "MaxUnavailablePercentage": (ask.get("updateConfig") or {}).get("maxUnavailablePercentage"),
        "UpdateStrategy": (ask.get("updateConfig") or {}).get("updateStrategy"),
        "NodeRepairConfig": ask.get("nodeRepairConfig"),
        "WarmPoolEnabled": (ask.get("warmPoolConfig") or {}).get("enabled"),
    }
    return {key: value for key, value in found.items() if value is not None}


OPERATIONS = {
    "UpdateNodegroupConfig": update_nodegroup_config,
    "UpdateNodegroupVersion": update_nodegroup_version,
}
