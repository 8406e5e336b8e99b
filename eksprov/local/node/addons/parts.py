"""The parts that all add-ons are made of: accounts, rights, workloads, images."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any

from eksprov.local.contract import AddonSpec, ClusterSpec, Json
from eksprov.local.partitions import registry

NAMESPACE = "kube-system"
RBAC = "rbac.authorization.k8s.io"
ANYWHERE: list[Json] = [{"operator": "Exists"}]
NO_DAEMONS: Json = {
    "key": "eks.amazonaws.com/compute-type",
    "operator": "NotIn",
    "values": ["fargate", "hybrid", "auto"],
}
CRITICAL: list[Json] = [
    {"key": "CriticalAddonsOnly", "operator": "Exists"},
    {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"},
]


@dataclass(frozen=True)
class Place:
    """Where the cluster is: its region, and its DNS service's address (the tenth of the service range)."""

    region: str
    dns_address: str

    @staticmethod
    def of(spec: ClusterSpec) -> Place:
        services = ipaddress.ip_network(spec.service_cidr)
        return Place(spec.arn.split(":")[3], str(services.network_address + 10))

    def image(self, repository: str, version: str) -> str:
        """An image in EKS's own registry of the region."""
        return f"{registry(self.region)}/{repository}:{version}"


def metadata(name: str, addon: AddonSpec, **labels: str) -> Json:
    """Metadata of a namespaced object with the labels that AWS's charts set."""
    own = {"app.kubernetes.io/name": addon.name, "app.kubernetes.io/managed-by": "eks"}
    return {"name": name, "namespace": NAMESPACE, "labels": {**own, **labels}}


def account(name: str, addon: AddonSpec) -> Json:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(name, addon)}


def config_map(name: str, addon: AddonSpec, data: dict[str, str]) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(name, addon), "data": data}


def rights(name: str, service_account: str, rules: list[Json]) -> list[Json]:
    """A ClusterRole and its binding to a service account of kube-system."""
    role = {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules}
    return [role, bound(name, name, service_account)]


def bound(name: str, role: str, service_account: str) -> Json:
    """A ClusterRoleBinding for a service account of kube-system."""
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": service_account, "namespace": NAMESPACE}],
    }


def rule(groups: str, resources: str, verbs: str) -> Json:
    """One RBAC rule; words are separated by spaces, "core" is the group without a name."""
    return {
        "apiGroups": ["" if group == "core" else group for group in groups.split()],
        "resources": resources.split(),
        "verbs": verbs.split(),
    }


def container(name: str, image: str, cpu: str, **more: Any) -> Json:
    """A container that asks for `cpu`, unless `resources` is given."""
    return {"name": name, "image": image, "resources": {"requests": {"cpu": cpu}}, **more}


def daemon_set(addon: AddonSpec, name: str, labels: dict[str, str], pod: Json) -> Json:
    """A DaemonSet on every node but Fargate's and those of EKS Auto Mode, which bring its like with them."""
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": metadata(name, addon, **labels),
        "spec": {
            "selector": {"matchLabels": labels},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}},
            "template": {
                "metadata": {"labels": {**labels, "app.kubernetes.io/name": addon.name}},
                "spec": {"priorityClassName": "system-node-critical", "affinity": _affinity(NO_DAEMONS), **pod},
            },
        },
    }


def deployment(addon: AddonSpec, name: str, labels: dict[str, str], pod: Json) -> Json:
    """A Deployment; `configuration["replicaCount"]` or 2 replicas, as EKS's add-ons have."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(name, addon, **labels),
        "spec": {
            "replicas": int(addon.configuration.get("replicaCount", 2)),
            "selector": {"matchLabels": labels},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}},
            "template": {
                "metadata": {"labels": {**labels, "app.kubernetes.io/name": addon.name}},
                "spec": {
                    "priorityClassName": "system-cluster-critical",
                    "affinity": _affinity(),
                    "tolerations": _tolerations(addon),
                    **pod,
                },
            },
        },
    }


def budget(addon: AddonSpec, name: str, labels: dict[str, str]) -> Json:
    """A PodDisruptionBudget that lets one pod be unavailable."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(name, addon, **labels),
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": labels}},
    }


def service(addon: AddonSpec, name: str, labels: dict[str, str], spec: Json) -> Json:
    """A Service in front of the pods with these labels."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(name, addon, **labels),
        "spec": {"selector": labels, **spec},
    }


def _tolerations(addon: AddonSpec) -> list[Json]:
    """Those of its configuration, which the CSI drivers have under `controller`, or EKS's own."""
    inner = addon.configuration.get("controller") or {}
    return list(addon.configuration.get("tolerations") or inner.get("tolerations") or CRITICAL)


def _affinity(*more: Json) -> Json:
    wanted = [
        {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]},
        {"key": "kubernetes.io/arch", "operator": "In", "values": ["amd64", "arm64"]},
        *more,
    ]
    required = {"nodeSelectorTerms": [{"matchExpressions": wanted}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
