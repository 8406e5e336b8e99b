"""Updates: changes that go on in the background, described and listed by id.

https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeUpdate.html
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from eksprov.local.aws.eks import refusals
from eksprov.local.aws.eks.model import Cluster, Shape, Update
from eksprov.local.aws.eks.region import EksRegion


def begin(
    region: EksRegion,
    cluster: Cluster,
    kind: str,
    params: Mapping[str, Any],
    latency: str,
    finish: Callable[[], None],
    *,
    nodegroup: str = "",
    addon: str = "",
    capability: str = "",
    is_ready: Callable[[], bool] = lambda: True,
    undo: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Start an update of `kind`; `finish` is called when it is through. Gives the API's answer."""
    shape = {
        "id": str(uuid.uuid4()),
        "status": "InProgress",
        "type": kind,
        "params": [{"type": name, "value": _text(value)} for name, value in params.items()],
        "createdAt": region.stamp(),
        "errors": [],
    }
    due = region.world.now() + region.world.latency(latency)
    cluster.updates[str(shape["id"])] = Update(shape, due, nodegroup, addon, capability, is_ready, finish, undo)
    return {"update": shape}


def refuse_second(cluster: Cluster, kind: str, nodegroup: str = "", addon: str = "", capability: str = "") -> None:
    """Raise ResourceInUseException while another update of the same resource goes on."""
    running = cluster.running_update(nodegroup, addon, capability)
    if running is not None:
        name = nodegroup or addon or capability or cluster.name
        raise refusals.in_use(
            f"Cannot {kind} because {name} currently has update {running.shape['id']} in progress",
            clusterName=cluster.name,
        )


def advance(region: EksRegion, cluster: Cluster) -> None:
    """Finish what is due and ready."""
    for update in list(cluster.updates.values()):
        if update.running and region.world.now() >= update.due and update.is_ready():
            update.shape["status"] = "Successful"
            update.finish()


def describe_update(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """DescribeUpdate."""
    cluster = region.cluster(ask["name"])
    update = cluster.updates.get(ask["updateId"])
    if update is None or _named(ask) != (update.nodegroup, update.addon, update.capability):
        raise refusals.not_found(f"No update found for ID: {ask['updateId']}", clusterName=cluster.name)
    return {"update": update.shape}


def list_updates(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """ListUpdates of a cluster, a node group, an add-on or a capability; the newest first."""
    cluster, wanted = region.cluster(ask["name"]), _named(ask)
    found = [key for key, u in cluster.updates.items() if (u.nodegroup, u.addon, u.capability) == wanted]
    return region.page("updateIds", found[::-1], ask)


def cancel_update(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """CancelUpdate: only of a version rollback, only while nodes of EKS Auto Mode roll back.

    https://docs.aws.amazon.com/eks/latest/APIReference/API_CancelUpdate.html
    """
    cluster = region.cluster(ask["name"])
    update = cluster.updates.get(ask["updateId"])
    if update is None:
        raise refusals.not_found(f"No update found for ID: {ask['updateId']}", clusterName=cluster.name)
    if update.shape["type"] != "VersionRollback" or not (cluster.shape.get("computeConfig") or {}).get("enabled"):
        raise refusals.not_now(
            "Only version rollbacks of EKS Auto Mode clusters can be cancelled", clusterName=cluster.name
        )
    if not update.running:
        raise refusals.bad_state(f"Update {ask['updateId']} is {update.shape['status']}", clusterName=cluster.name)
    update.shape |= {"status": "Cancelled", "cancellation": {"status": "Successful"}}
    if cluster.status == "UPDATING":
        cluster.shape["status"] = "ACTIVE"
    return {"update": update.shape}


def _named(ask: Shape) -> tuple[str, str, str]:
    return (ask.get("nodegroupName") or "", ask.get("addonName") or "", ask.get("capabilityName") or "")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


OPERATIONS = {"DescribeUpdate": describe_update, "ListUpdates": list_updates, "CancelUpdate": cancel_update}
