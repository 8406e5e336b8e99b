"""A model's Kubernetes objects, from its spec: plain dicts, no client in sight. Pure.

Shared by all models of a namespace: the Namespace, which enforces Pod Security "restricted"
(https://kubernetes.io/docs/concepts/security/pod-security-standards/), and a NetworkPolicy that denies everything. Of
each model: NetworkPolicy (what it needs), ServiceAccount, Service, Deployment (`workload`), autoscaler and disruption
budget.

Values that the API server would write differently or add by itself inside lists it replaces as a whole are written as
it writes them ("protocol": "TCP"), so that what is read back equals what was sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from eksprov.core.names import model_step
from eksprov.kube.api import Manifest
from eksprov.kube.objects import STACK_LABEL, stack_labels
from eksprov.kube.objects import stamped as with_owner
from eksprov.serving.spec import ModelSpec, StackFacts, service_account
from eksprov.serving.workload import deployment

DEFAULT_DENY: Final = "eksprov-default-deny"
# Where the EKS Pod Identity agent answers on every node
# (https://docs.aws.amazon.com/eks/latest/userguide/pod-id-agent-setup.html).
# https://docs.aws.amazon.com/eks/latest/userguide/pod-id-agent-setup.html
POD_IDENTITY_AGENT: Final = ("169.254.170.23/32", "fd00:ec2::23/128")
EVERYWHERE: Final = ("0.0.0.0/0", "::/0")  # a pod with an IPv6 address still reaches IPv4 ones, through its node


def shared(namespace: str, stack: StackFacts) -> dict[str, Manifest]:
    """What all models of a namespace stand in, by step name."""
    levels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
    own = _stack_labels(stack)
    objects: dict[str, dict[str, Any]] = {
        model_step(f"@{namespace}", "namespace"): {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": namespace, "labels": {**own, **levels}},
        },
        model_step(f"@{namespace}", "default-deny"): {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": DEFAULT_DENY, "namespace": namespace, "labels": own},
            "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
        },
    }
    return {step: stamped(manifest, stack, step) for step, manifest in objects.items()}


def of_model(spec: ModelSpec) -> dict[str, Manifest]:
    """The model's own objects, by step name, in the order of application."""
    objects = {
        "network-policy": _network_policy(spec),
        "service-account": _service_account(spec),
        "service": _service(spec),
        "deployment": deployment(spec, labels(spec)),
        "autoscaler": _autoscaler(spec),
        "disruption-budget": _disruption_budget(spec),
    }
    named = {model_step(spec.name, part): manifest for part, manifest in objects.items()}
    return {step: stamped(manifest, spec.stack, step) for step, manifest in named.items()}


def stamped(manifest: Mapping[str, Any], stack: StackFacts, step: str) -> Manifest:
    """The manifest with its owner in its annotations, and a hash of itself."""
    return with_owner(manifest, stack.stack_id, step)


def labels(spec: ModelSpec) -> dict[str, str]:
    """The recommended labels (https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/) and
    ours; without anything that changes from one revision to the next."""
    return {
        **_stack_labels(spec.stack),
        "app.kubernetes.io/name": spec.name,
        "app.kubernetes.io/instance": f"{spec.stack.stack}-{spec.name}",
        "app.kubernetes.io/component": "model-server",
        "eksprov.dev/model": spec.name,
        "eksprov.dev/runtime": spec.runtime.name,
    }


def selector(spec: ModelSpec) -> dict[str, str]:
    """What tells the model's pods from all others; a Deployment's selector can never change."""
    return {"app.kubernetes.io/name": spec.name, STACK_LABEL: spec.stack.stack}


def _stack_labels(stack: StackFacts) -> dict[str, str]:
    return stack_labels(stack.stack)


def _meta(spec: ModelSpec) -> dict[str, Any]:
    return {"name": spec.name, "namespace": spec.namespace, "labels": labels(spec)}


def _service_account(spec: ModelSpec) -> dict[str, Any]:
    """The identity that the model's role is bound to by EKS Pod Identity, which brings a token of its own."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {**_meta(spec), "name": service_account(spec.name)},
        "automountServiceAccountToken": False,
    }


def _service(spec: ModelSpec) -> dict[str, Any]:
    port = {"name": "http", "port": 80, "protocol": "TCP", "targetPort": "http"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _meta(spec),
        "spec": {"type": "ClusterIP", "selector": selector(spec), "ports": [port]},
    }


def _autoscaler(spec: ModelSpec) -> dict[str, Any]:
    """Keep CPU use near the target: up at once, at most doubling a minute; down slowly, one pod in five minutes.

    It alone sets the number of replicas: a new Deployment begins with one, and the autoscaler lifts it to the minimum
    even while it has no metric.
    """
    target = {"type": "Utilization", "averageUtilization": spec.model.target_cpu_percent}
    up = {"type": "Percent", "value": 100, "periodSeconds": 60}
    down = {"type": "Pods", "value": 1, "periodSeconds": 300}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": _meta(spec),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": spec.name},
            "minReplicas": spec.model.replicas.min,
            "maxReplicas": spec.model.replicas.max,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
            "behavior": {
                "scaleUp": {"stabilizationWindowSeconds": 0, "selectPolicy": "Max", "policies": [up]},
                "scaleDown": {
                    "stabilizationWindowSeconds": max(300, spec.model.startup_timeout_s),
                    "selectPolicy": "Max",
                    "policies": [down],
                },
            },
        },
    }


def _disruption_budget(spec: ModelSpec) -> dict[str, Any]:
    """One replica at a time may be evicted, and a broken one always: it must not hold up a node's drain."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": _meta(spec),
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": selector(spec)},
        },
    }


def _network_policy(spec: ModelSpec) -> dict[str, Any]:
    """What a replica needs beyond "nothing": callers of its HTTP port, and what fetching the model takes.

    The API server's proxy comes from the cluster's subnets. S3 and STS have no fixed addresses, so HTTPS goes out to
    anywhere; the pod identity agent is link-local. The kubelet's probes come from the node, which is always allowed.

    A node of EKS Auto Mode answers DNS itself, so that no pod can be named, and an address must be
    (https://github.com/aws/containers-roadmap/issues/2546): which one a policy sees is not documented, so it is any.
    With IPv6, policies hold for the pod's own interface; the IPv4 addresses that pods reach through their node are out
    of their sight (https://github.com/aws/aws-network-policy-agent, README).
    """
    http = [{"port": spec.runtime.http_port, "protocol": "TCP"}]
    callers, families = [*_blocks(spec.stack.subnet_cidrs), {"podSelector": {}}], 2 if spec.stack.ipv6 else 1
    dns = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    }
    on_nodes = _blocks(EVERYWHERE[:families]) if spec.stack.dns_on_nodes else []
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": _meta(spec),
        "spec": {
            "podSelector": {"matchLabels": selector(spec)},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": callers, "ports": http}],
            "egress": [
                {"to": [dns, *on_nodes], "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]},
                {"to": _blocks(POD_IDENTITY_AGENT[:families]), "ports": [{"port": 80, "protocol": "TCP"}]},
                {"to": _blocks(EVERYWHERE[:families]), "ports": [{"port": 443, "protocol": "TCP"}]},
            ],
        },
    }


def _blocks(cidrs: Iterable[str]) -> list[dict[str, Any]]:
    return [{"ipBlock": {"cidr": cidr}} for cidr in cidrs]
