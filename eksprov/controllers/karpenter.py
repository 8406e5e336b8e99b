"""Karpenter: nodes that fit come when pods find no room, and go when they are not needed. Pure.

The objects follow those that the project's chart makes
(https://github.com/aws/karpenter-provider-aws/tree/v1.14.1/charts), less what its defaults leave off; this release
serves Kubernetes 1.30 to 1.36 (https://karpenter.sh/docs/upgrading/compatibility/). It has no webhooks. Its AWS rights
come by pod identity. It runs on nodes of node groups, never on those that it launches itself.

The order of going is that of the definitions: they, and with them every pool and claim in the cluster, whoever made it,
go while the controller lives, which ends the instances; only then does the controller go.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from eksprov.controllers.karpenter_definitions import definitions
from eksprov.controllers.karpenter_pools import NAME, KarpenterPool, PoolNetwork, pool_parts
from eksprov.controllers.objects import POOL
from eksprov.controllers.parts import (
    ControllerFacts,
    account,
    as_steps,
    budget,
    cluster_rights,
    confined,
    deployment,
    meta,
    rights,
    rule,
    run_as,
    selector,
    step_name,
)
from eksprov.kube.objects import KubeObject

# The chart of a release may name the digest of the release before it (that of 1.14.1 names 1.14.0's:
# https://github.com/aws/karpenter-provider-aws/commit/a3729dde6), so the digest is left to `eksprov lock`.
IMAGE: Final = "public.ecr.aws/karpenter/controller:1.14.1"
UID: Final = 65532
METRICS_PORT, HEALTH_PORT = 8080, 8081
CONTAINER: Final = "controller"
LEASE: Final = "karpenter-leader-election"


@dataclass(frozen=True)
class Around:
    """What stands round the controller, by the names of steps.

    `identity` gives its pods AWS rights and word of interruptions from `queue`, a name in SQS; `nodes` lets its nodes
    into the cluster; `hosts` bring the nodes that it runs on, `replicas` of it.
    """

    queue: str
    identity: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    replicas: int = 2


def karpenter(
    facts: ControllerFacts, around: Around, pools: Iterable[KarpenterPool], place: PoolNetwork
) -> tuple[KubeObject, ...]:
    """Its steps: kinds, rights, controller, pools."""
    kinds = {f"definition-{what}": _labelled(facts, kind) for what, kind in definitions().items()}
    parts: dict[str, dict[str, Any]] = {
        **kinds,
        "service-account": account(facts, NAME),
        **cluster_rights(facts, NAME, _cluster_rules()),
        **rights(facts, NAME, _rules()),
        "disruption-budget": budget(facts, NAME),
        "service": _service(facts),
        "deployment": _deployment(facts, around),
    }
    needs: dict[str, Iterable[str]] = {
        "deployment": (*(part for part in parts if part not in (*kinds, "deployment")), *around.identity)
    }
    for pool in pools:
        made = pool_parts(facts, pool, place)
        node_class, node_pool = made
        parts |= made
        needs[node_class] = (*kinds, "deployment", *around.nodes)
        needs[node_pool] = (node_class,)
    steps = as_steps(facts, NAME, parts, needs, around.hosts)
    outlived = tuple(step_name(NAME, kind) for kind in kinds)
    last = step_name(NAME, "deployment")
    return tuple(replace(step, outlives=outlived) if step.name == last else step for step in steps)


def _labelled(facts: ControllerFacts, kind: dict[str, Any]) -> dict[str, Any]:
    return {**kind, "metadata": meta(facts, NAME, kind["metadata"]["name"], namespace="")}


def _cluster_rules() -> list[dict[str, Any]]:
    look = "get list watch"
    return [
        rule("karpenter.sh", "nodepools nodepools/status nodeclaims nodeclaims/status", look),
        rule("karpenter.sh", "nodeclaims nodeclaims/status", "create delete update patch"),
        rule("karpenter.sh", "nodepools nodepools/status", "update patch"),
        rule("karpenter.k8s.aws", "ec2nodeclasses", look),
        rule("karpenter.k8s.aws", "ec2nodeclasses ec2nodeclasses/status", "patch update"),
        rule(
            "core",
            "pods nodes persistentvolumes persistentvolumeclaims replicationcontrollers namespaces podtemplates events",
            look,
        ),
        rule("storage.k8s.io", "storageclasses csinodes volumeattachments", look),
        rule("apps", "daemonsets deployments replicasets statefulsets", look),
        rule("policy", "poddisruptionbudgets", look),
        rule("core", "events", "create patch"),
        rule("core", "nodes", "patch delete update"),
        rule("core", "pods/eviction", "create"),
        rule("core", "pods", "delete"),
    ]


def _rules() -> list[dict[str, Any]]:
    """Its lease, and the cluster's DNS address, which its nodes are told."""
    return [
        rule("coordination.k8s.io", "leases", "get watch create"),
        rule("coordination.k8s.io", "leases", "patch update", LEASE),
        rule("core", "services", "get", "kube-dns"),
    ]


def _service(facts: ControllerFacts) -> dict[str, Any]:
    port = {"name": "http-metrics", "port": METRICS_PORT, "targetPort": "http-metrics", "protocol": "TCP"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": meta(facts, NAME),
        "spec": {"type": "ClusterIP", "ports": [port], "selector": selector(facts, NAME)},
    }


def _environment(facts: ControllerFacts, around: Around) -> list[dict[str, Any]]:
    plain = {
        "AWS_REGION": facts.region,
        "CLUSTER_NAME": facts.cluster,
        "INTERRUPTION_QUEUE": around.queue,
        "KARPENTER_SERVICE": NAME,
        "LOG_LEVEL": "info",
        "METRICS_PORT": str(METRICS_PORT),
        "HEALTH_PROBE_PORT": str(HEALTH_PORT),
    }

    def share(resource: str, divisor: str) -> dict[str, Any]:
        return {"resourceFieldRef": {"containerName": CONTAINER, "resource": resource, "divisor": divisor}}

    asked = {
        "SYSTEM_NAMESPACE": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}},
        "CPU_REQUESTS": share("requests.cpu", "1m"),
        "MEMORY_LIMIT": share("limits.memory", "0"),
    }
    return [
        *({"name": name, "value": value} for name, value in plain.items()),
        *({"name": name, "valueFrom": source} for name, source in asked.items()),
    ]


def _container(facts: ControllerFacts, around: Around) -> dict[str, Any]:
    live = {"httpGet": {"path": "/healthz", "port": "http"}, "initialDelaySeconds": 30, "timeoutSeconds": 30}
    ready = {"httpGet": {"path": "/readyz", "port": "http"}, "initialDelaySeconds": 5, "timeoutSeconds": 30}
    return {
        "name": CONTAINER,
        "image": IMAGE,
        "env": _environment(facts, around),
        "ports": [
            {"name": "http-metrics", "containerPort": METRICS_PORT, "protocol": "TCP"},
            {"name": "http", "containerPort": HEALTH_PORT, "protocol": "TCP"},
        ],
        "livenessProbe": live,
        "readinessProbe": ready,
        "resources": {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}},
        "securityContext": confined(),
    }


def _deployment(facts: ControllerFacts, around: Around) -> dict[str, Any]:
    own = {"labelSelector": {"matchLabels": selector(facts, NAME)}}
    not_its_own = {"matchExpressions": [{"key": POOL, "operator": "DoesNotExist"}]}
    pod = {
        "serviceAccountName": NAME,
        "priorityClassName": "system-cluster-critical",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "CriticalAddonsOnly", "operator": "Exists"}, *map(dict, facts.tolerations)],
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [not_its_own]},
            },
            "podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [{**own, "topologyKey": "kubernetes.io/hostname"}],
            },
        },
        "securityContext": run_as(UID),
        "containers": [_container(facts, around)],
    }
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}}
    return deployment(facts, NAME, pod, around.replicas, strategy=strategy)
