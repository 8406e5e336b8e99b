"""What keeps workloads from running just now, in the words of the scheduler, of kubelets and of disruption budgets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from eksprov.kube.api import KubeApi, Manifest

SHOWN = 3
STUCK = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CrashLoopBackOff", "CreateContainerConfigError"}
)


def blocked(pods: Iterable[Manifest]) -> str:
    """Why pods do not run: no node takes them, or a container does not start; empty where nothing says so."""
    said = Counter(text for pod in pods if (text := _unscheduled(pod) or _stuck(pod)))
    return "; ".join(f"{many} pod{'s' if many > 1 else ''}: {text}" for text, many in said.most_common(SHOWN))


def pods_of(client: KubeApi, deployment: Manifest) -> list[dict[str, Any]]:
    """A Deployment's pods, of whatever revision, without those that are leaving."""
    wanted = deployment["spec"]["selector"]["matchLabels"]
    selector = ",".join(f"{key}={value}" for key, value in sorted(wanted.items()))
    found = client.list("v1", "Pod", deployment["metadata"].get("namespace", ""), selector)
    return [pod for pod in found if not pod["metadata"].get("deletionTimestamp")]


def closed_budgets(client: KubeApi) -> tuple[str, ...]:
    """The disruption budgets that let no pod go, by namespace and name: they hold the drain of a node."""
    return tuple(
        f"{one['metadata']['namespace']}/{one['metadata']['name']}"
        for one in client.list("policy/v1", "PodDisruptionBudget")
        if (one.get("status") or {}).get("expectedPods") and not one["status"].get("disruptionsAllowed")
    )


def unready_nodes(client: KubeApi, group: str) -> str:
    """What the nodes of a node group that are not ready say of it."""
    nodes = client.list("v1", "Node", selector=f"eks.amazonaws.com/nodegroup={group}")
    said = Counter(text for node in nodes for text in _not_ready(node))
    return "; ".join(f"{many} node{'s' if many > 1 else ''}: {text}" for text, many in said.most_common(SHOWN))


def _not_ready(node: Manifest) -> Iterator[str]:
    for condition in _conditions(node):
        if condition.get("type") == "Ready" and condition.get("status") != "True":
            yield str(condition.get("message") or condition.get("reason") or "not ready")


def _unscheduled(pod: Manifest) -> str:
    for condition in _conditions(pod):
        if condition.get("type") == "PodScheduled" and condition.get("reason") == "Unschedulable":
            return str(condition.get("message") or "no node takes it")
    return ""


def _stuck(pod: Manifest) -> str:
    status = pod.get("status") or {}
    for one in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        waiting = (one.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in STUCK:
            return ": ".join(filter(None, (str(waiting["reason"]), str(waiting.get("message", "")))))
    return ""


def _conditions(live: Manifest) -> Iterable[Mapping[str, Any]]:
    return (live.get("status") or {}).get("conditions") or ()
