"""Where kinds live in the API: the path of a kind, an object, a proxied service. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from eksprov.kube.api import Ref


@dataclass(frozen=True)
class Resource:
    """Where a kind stands in the API."""

    plural: str  # in paths, like "deployments"
    namespaced: bool = True  # its objects live in a namespace


# What eksprov makes and reads itself; every other kind is looked up once with the API server's own discovery.
KNOWN: Mapping[tuple[str, str], Resource] = {
    ("v1", "Namespace"): Resource("namespaces", namespaced=False),
    ("v1", "Node"): Resource("nodes", namespaced=False),
    ("v1", "Pod"): Resource("pods"),
    ("v1", "Event"): Resource("events"),
    ("v1", "Service"): Resource("services"),
    ("v1", "ServiceAccount"): Resource("serviceaccounts"),
    ("v1", "ConfigMap"): Resource("configmaps"),
    ("v1", "Secret"): Resource("secrets"),
    ("v1", "PersistentVolume"): Resource("persistentvolumes", namespaced=False),
    ("v1", "PersistentVolumeClaim"): Resource("persistentvolumeclaims"),
    ("v1", "ResourceQuota"): Resource("resourcequotas"),
    ("apps/v1", "Deployment"): Resource("deployments"),
    ("apps/v1", "ReplicaSet"): Resource("replicasets"),
    ("apps/v1", "DaemonSet"): Resource("daemonsets"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"): Resource("horizontalpodautoscalers"),
    ("policy/v1", "PodDisruptionBudget"): Resource("poddisruptionbudgets"),
    ("networking.k8s.io/v1", "Ingress"): Resource("ingresses"),
    ("networking.k8s.io/v1", "NetworkPolicy"): Resource("networkpolicies"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"): Resource("clusterroles", namespaced=False),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): Resource("clusterrolebindings", namespaced=False),
    ("rbac.authorization.k8s.io/v1", "Role"): Resource("roles"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): Resource("rolebindings"),
    ("scheduling.k8s.io/v1", "PriorityClass"): Resource("priorityclasses", namespaced=False),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"): Resource("customresourcedefinitions", namespaced=False),
}


def group_path(api_version: str) -> str:
    """The root of an API group and version: /api/v1, /apis/apps/v1."""
    return f"/api/{api_version}" if "/" not in api_version else f"/apis/{api_version}"


def collection_path(api_version: str, resource: Resource, namespace: str) -> str:
    """The path that lists a kind."""
    space = f"/namespaces/{quote(namespace, safe='')}" if resource.namespaced and namespace else ""
    return f"{group_path(api_version)}{space}/{resource.plural}"


def object_path(ref: Ref, resource: Resource) -> str:
    """The path of one object."""
    return f"{collection_path(ref.api_version, resource, ref.namespace)}/{quote(ref.name, safe='')}"


def proxy_path(namespace: str, service: str, port: str, path: str) -> str:
    """The path under which the API server hands a request on to a service
    (https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/).
    """
    target = quote(f"{service}:{port}", safe=":")
    return f"/api/v1/namespaces/{quote(namespace, safe='')}/services/{target}/proxy/{path.lstrip('/')}"


def discovered(listing: Mapping[str, Any], kind: str) -> Resource | None:
    """A kind in the API server's list of a group's resources; subresources ("pods/log") are passed over."""
    for entry in listing.get("resources", ()):
        if entry.get("kind") == kind and "/" not in entry.get("name", ""):
            return Resource(entry["name"], bool(entry.get("namespaced")))
    return None
