"""The Cluster Autoscaler: nodes come when pods find no room, and go when they are not needed. Pure.

It finds the node groups by the tags that EKS puts on their Auto Scaling groups
(https://docs.aws.amazon.com/eks/latest/userguide/autoscaling.html) and gets its AWS rights by pod identity. Rights and
arguments follow the project's own example
(https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/aws/examples/cluster-autoscaler-autodiscover.yaml),
less what only other settings need. The project asks to run the version of the cluster's own minor
(https://github.com/kubernetes/autoscaler/tree/master/cluster-autoscaler#releases); those below are its release tags
(https://github.com/kubernetes/autoscaler/releases). `eksprov lock` pins its digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from eksprov.controllers.parts import (
    ControllerFacts,
    account,
    as_steps,
    budget,
    cluster_rights,
    confined,
    deployment,
    rights,
    rule,
    run_as,
)
from eksprov.core.change import UNKNOWN
from eksprov.kube.objects import KubeObject

NAME: Final = "cluster-autoscaler"
RELEASES: Final[Mapping[str, str]] = {"1.33": "1.33.6", "1.34": "1.34.5", "1.35": "1.35.2", "1.36": "1.36.1"}
UID: Final = 65534
METRICS_PORT: Final = 8085


def image(kubernetes_version: str) -> str:
    """The image for a cluster of this version; for one newer than this list, the newest that is known.

    Of a version that EKS has yet to choose (`plan --offline`), the tag is not known either.
    """
    if kubernetes_version == UNKNOWN:
        return f"registry.k8s.io/autoscaling/cluster-autoscaler:v{UNKNOWN}"
    newest = max(RELEASES, key=_number)
    oldest = min(RELEASES, key=_number)
    minor = kubernetes_version if kubernetes_version in RELEASES else newest
    if _number(kubernetes_version) < _number(oldest):
        minor = oldest
    return f"registry.k8s.io/autoscaling/cluster-autoscaler:v{RELEASES[minor]}"


def cluster_autoscaler(
    facts: ControllerFacts, identity: tuple[str, ...], awaits: tuple[str, ...]
) -> tuple[KubeObject, ...]:
    """Its steps. `identity` names the steps that give its pods AWS rights; `awaits` those that bring nodes."""
    parts: dict[str, dict[str, Any]] = {
        "service-account": account(facts, NAME),
        **cluster_rights(facts, NAME, _cluster_rules()),
        **rights(facts, NAME, _rules()),
        "disruption-budget": budget(facts, NAME),
        "deployment": _deployment(facts),
    }
    before = [part for part in parts if part != "deployment"]
    return as_steps(facts, NAME, parts, {"deployment": (*before, *identity)}, awaits)


def _cluster_rules() -> list[dict[str, Any]]:
    look = "get list watch"
    return [
        rule("core", "events endpoints", "create patch"),
        rule("core", "pods/eviction", "create"),
        rule("core", "pods/status", "update"),
        rule("core", "endpoints", "get update", NAME),
        rule("core", "nodes", f"{look} update"),
        rule(
            "core",
            "namespaces pods services replicationcontrollers persistentvolumeclaims persistentvolumes",
            look,
        ),
        rule("policy", "poddisruptionbudgets", look),
        rule("apps", "statefulsets replicasets daemonsets", look),
        rule("resource.k8s.io", "deviceclasses resourceslices resourceclaims", look),
        rule("storage.k8s.io", "storageclasses csinodes csidrivers csistoragecapacities volumeattachments", look),
        rule("batch", "jobs cronjobs", f"{look} patch"),
        rule("coordination.k8s.io", "leases", "create"),
        rule("coordination.k8s.io", "leases", "get update", NAME),
    ]


def _rules() -> list[dict[str, Any]]:
    kept = f"{NAME}-status {NAME}-priority-expander"
    return [
        rule("core", "configmaps", "create list watch"),
        rule("core", "configmaps", "delete get update watch", kept),
    ]


def _container(facts: ControllerFacts) -> dict[str, Any]:
    arguments = [
        "--cloud-provider=aws",
        f"--node-group-auto-discovery=asg:tag=k8s.io/cluster-autoscaler/enabled,k8s.io/cluster-autoscaler/{facts.cluster}",
        "--expander=least-waste",
        "--balance-similar-node-groups=true",
        "--skip-nodes-with-local-storage=false",
        "--skip-nodes-with-system-pods=false",
        "--stderrthreshold=info",
        "--v=4",
    ]
    check = {"httpGet": {"path": "/health-check", "port": METRICS_PORT}, "periodSeconds": 10, "timeoutSeconds": 5}
    return {
        "name": NAME,
        "image": image(facts.kubernetes_version),
        "command": ["./cluster-autoscaler", *arguments],
        "env": [{"name": "AWS_REGION", "value": facts.region}],
        "ports": [{"name": "metrics", "containerPort": METRICS_PORT, "protocol": "TCP"}],
        "livenessProbe": {**check, "failureThreshold": 6},
        "resources": {"requests": {"cpu": "100m", "memory": "300Mi"}, "limits": {"memory": "600Mi"}},
        "securityContext": confined(),
    }


def _deployment(facts: ControllerFacts) -> dict[str, Any]:
    pod = {
        "serviceAccountName": NAME,
        "priorityClassName": "system-cluster-critical",
        **({"tolerations": [dict(one) for one in facts.tolerations]} if facts.tolerations else {}),
        "securityContext": run_as(UID),
        "containers": [_container(facts)],
    }
    return deployment(facts, NAME, pod)


def _number(version: str) -> int:
    return int(version.split(".")[1])
