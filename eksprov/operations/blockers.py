"""What a wait for AWS waits for, as the cluster itself says it.

EKS calls an add-on "creating" for twenty minutes whatever keeps its pods from running, and a node group "updating"
while a disruption budget holds its nodes. The API server knows better, so once a wait has lasted longer than such
things take it is asked, where it answers; that it does not is no failure of the step that waits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from eksprov import errors
from eksprov.core.convergence.pace import Clock
from eksprov.core.names import InCluster
from eksprov.core.step import AnyStep
from eksprov.kube.api import KubeApi
from eksprov.kube.blockers import blocked, closed_budgets, unready_nodes
from eksprov.steps.addons.addon import Addon
from eksprov.steps.node_groups.node_group import NodeGroup

ASKS_AFTER_S: Final = 60.0  # a new node group's nodes join in less than two minutes, add-ons start in one
ASKS_EVERY_S: Final = 30.0
NAMESPACES: Final = ("kube-system", "amazon-cloudwatch")


class Blockers:
    """`api` opens the cluster's API server, or gives None while there is none."""

    def __init__(self, clock: Clock, api: Callable[[], KubeApi | None]) -> None:
        self._clock, self._api = clock, api
        self._lock = threading.Lock()
        self._since: dict[str, float] = {}
        self._known: dict[str, tuple[float, str]] = {}

    def said(self, step: AnyStep, text: str) -> str:
        """`text`, and what the step waits for, once it has waited for a while."""
        now = self._clock.now()
        with self._lock:
            waited = now - self._since.setdefault(step.name, now)
            at, why = self._known.get(step.name, (now - ASKS_EVERY_S, ""))
        if waited < ASKS_AFTER_S:
            return text
        if now - at >= ASKS_EVERY_S:
            why = self.now(step)
            with self._lock:
                self._known[step.name] = (now, why)
        return "; ".join(filter(None, (text, why)))

    def now(self, step: AnyStep) -> str:
        """What the cluster says of it at this moment; empty where it says nothing."""
        if not isinstance(step, Addon | NodeGroup):
            return ""
        try:
            api = self._api()
            if api is None:
                return ""
            return _addon(api, step) if isinstance(step, Addon) else _group(api, step)
        except errors.EksprovError:
            return ""  # whoever may not look, or cannot reach it, still waits for AWS


def _addon(api: KubeApi, step: AnyStep) -> str:
    stem = pod_stem(InCluster.parse(step.slug).name)
    pods = [pod for space in NAMESPACES for pod in api.list("v1", "Pod", space)]
    return blocked(pod for pod in pods if pod["metadata"]["name"].startswith(stem))


def _group(api: KubeApi, step: AnyStep) -> str:
    closed = closed_budgets(api)
    held = f"disruption budgets that let no pod go: {', '.join(closed)}" if closed else ""
    return "; ".join(filter(None, (unready_nodes(api, InCluster.parse(step.slug).name), held)))


def pod_stem(addon: str) -> str:
    """How the names of an add-on's pods begin: "ebs-csi" of aws-ebs-csi-driver, "aws-node" of vpc-cni."""
    if addon == "vpc-cni":
        return "aws-node"
    if addon == "aws-mountpoint-s3-csi-driver":
        return "s3-csi"
    return addon.removeprefix("aws-").removesuffix("-driver") if addon.endswith("-csi-driver") else addon
