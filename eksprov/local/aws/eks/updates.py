"""Updates: changes that go on in the background, described by id.

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
    due = region.account.now() + region.account.latency(latency)
    cluster.updates[str(shape["id"])] = Update(shape, due, nodegroup, addon, is_ready, finish, undo)
    return {"update": shape}


def refuse_second(cluster: Cluster, kind: str, nodegroup: str = "", addon: str = "") -> None:
    """Raise ResourceInUseException while another update of the same resource goes on."""
    running = cluster.running_update(nodegroup, addon)
    if running is not None:
        name = nodegroup or addon or cluster.name
        raise refusals.in_use(
            f"Cannot {kind} because {name} currently has update {running.shape['id']} in progress",
            clusterName=cluster.name,
        )


def advance(region: EksRegion, cluster: Cluster) -> None:
    """Finish what is due and ready."""
    for update in list(cluster.updates.values()):
        if update.running and region.account.now() >= update.due and update.is_ready():
            update.shape["status"] = "Successful"
            update.finish()


def describe_update(region: EksRegion, ask: Shape) -> dict[str, Any]:
    cluster = region.cluster(ask["name"])
    update = cluster.updates.get(ask["updateId"])
    wanted = (ask.get("nodegroupName") or "", ask.get("addonName") or "")
    if update is None or wanted != (update.nodegroup, update.addon):
        raise refusals.not_found(f"No update found for ID: {ask['updateId']}", clusterName=cluster.name)
    return {"update": update.shape}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


OPERATIONS = {"DescribeUpdate": describe_update}
