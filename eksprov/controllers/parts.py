"""What controllers are written with: names, labels, rights, and the turning of manifests into steps. Pure.

A step is called `controller/<controller>/<part>`. Values that the API server would write differently inside lists it
replaces as a whole are written as it writes them, so that what is read back equals what was sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from eksprov.controllers.objects import RBAC, ControllerObject, ControllerWorkload, CustomObject
from eksprov.kube.api import Manifest, Ref
from eksprov.kube.objects import KubeObject, stack_labels, stamped

SYSTEM: Final = "kube-system"
Json = dict[str, Any]


@dataclass(frozen=True)
class ControllerFacts:
    """What manifests need to know of a stack; `gate` names the steps without which nobody gets into the cluster.

    `tolerations` are what pods of Deployments need where no node is without taints.
    """

    stack: str
    stack_id: str
    cluster: str
    region: str
    kubernetes_version: str
    gate: tuple[str, ...]
    tolerations: tuple[Mapping[str, str], ...] = ()


def step_name(controller: str, part: str) -> str:
    """What the step of a controller's object is called."""
    return f"controller/{controller}/{part}"


def meta(facts: ControllerFacts, controller: str, name: str = "", namespace: str = SYSTEM) -> Json:
    """An object's metadata; an empty namespace is that of cluster-wide kinds."""
    space = {"namespace": namespace} if namespace else {}
    return {"name": name or controller, **space, "labels": labels(facts, controller)}


def labels(facts: ControllerFacts, controller: str) -> dict[str, str]:
    """The recommended labels and ours."""
    return {**stack_labels(facts.stack), **selector(facts, controller)}


def selector(facts: ControllerFacts, controller: str) -> dict[str, str]:
    """What tells a controller's pods from all others; a selector can never change."""
    return {"app.kubernetes.io/name": controller, "app.kubernetes.io/instance": facts.stack}


def account(facts: ControllerFacts, controller: str) -> Json:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta(facts, controller)}


def cluster_rights(facts: ControllerFacts, controller: str, rules: list[Json]) -> dict[str, Json]:
    """A ClusterRole and its binding, by part. The names carry the controller's alone, as the upstream ones do."""
    return {
        "cluster-role": _role("ClusterRole", meta(facts, controller, namespace=""), rules),
        "cluster-role-binding": _binding("ClusterRole", meta(facts, controller, namespace=""), controller),
    }


def rights(facts: ControllerFacts, controller: str, rules: list[Json], namespace: str = SYSTEM) -> dict[str, Json]:
    """A Role in a namespace and its binding, by part."""
    suffix = "" if namespace == SYSTEM else f"-{namespace}"
    where = meta(facts, controller, namespace=namespace)
    return {
        f"role{suffix}": _role("Role", where, rules),
        f"role-binding{suffix}": _binding("Role", where, controller),
    }


def rule(groups: str, resources: str, verbs: str, names: str = "") -> Json:
    """One RBAC rule; words are separated by spaces, "core" is the group without a name."""
    only = {"resourceNames": names.split()} if names else {}
    return {
        "apiGroups": ["" if group == "core" else group for group in groups.split()],
        "resources": resources.split(),
        "verbs": verbs.split(),
        **only,
    }


def confined() -> Json:
    """A container that may do nothing beyond its process."""
    return {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


def run_as(uid: int) -> Json:
    """A pod whose processes are this user's, with the runtime's seccomp profile."""
    ids = {"runAsUser": uid, "runAsGroup": uid, "fsGroup": uid}
    return {"runAsNonRoot": True, **ids, "seccompProfile": {"type": "RuntimeDefault"}}


def deployment(facts: ControllerFacts, controller: str, pod: Json, replicas: int = 1, **spec: Any) -> Json:
    """The controller's Deployment; `spec` adds to its own."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": meta(facts, controller),
        "spec": {
            "replicas": replicas,
            "revisionHistoryLimit": 3,
            **spec,
            "selector": {"matchLabels": selector(facts, controller)},
            "template": {"metadata": {"labels": labels(facts, controller)}, "spec": pod},
        },
    }


def budget(facts: ControllerFacts, controller: str) -> Json:
    """One pod may be evicted at a time, a broken one always."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": meta(facts, controller),
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": selector(facts, controller)},
        },
    }


def as_steps(
    facts: ControllerFacts,
    controller: str,
    parts: Mapping[str, Manifest],
    needs: Mapping[str, Iterable[str]] | None = None,
    awaits: tuple[str, ...] = (),
) -> tuple[KubeObject, ...]:
    """One step an object. `needs` adds, part by part, to the gate; parts of the same controller by their short name."""
    steps = []
    for part, manifest in parts.items():
        name = step_name(controller, part)
        more = (step_name(controller, n) if n in parts else n for n in (needs or {}).get(part, ()))
        kind = _kind(manifest)
        steps.append(
            kind(
                name=name,
                slug=str(Ref.of(manifest)),
                needs=tuple(dict.fromkeys((*facts.gate, *more))),
                awaits=awaits if kind is ControllerWorkload else (),
                manifest=stamped(manifest, facts.stack_id, name),
            )
        )
    return tuple(steps)


def _kind(manifest: Manifest) -> type[ControllerObject]:
    if manifest["kind"] == "Deployment":
        return ControllerWorkload
    custom = {pair for pair in CustomObject.surveyed}
    return CustomObject if (manifest["apiVersion"], manifest["kind"]) in custom else ControllerObject


def _role(kind: str, metadata: Json, rules: list[Json]) -> Json:
    return {"apiVersion": RBAC, "kind": kind, "metadata": metadata, "rules": rules}


def _binding(kind: str, metadata: Json, service_account: str) -> Json:
    group, _, _ = RBAC.partition("/")
    return {
        "apiVersion": RBAC,
        "kind": f"{kind}Binding",
        "metadata": metadata,
        "roleRef": {"apiGroup": group, "kind": kind, "name": metadata["name"]},
        "subjects": [{"kind": "ServiceAccount", "name": service_account, "namespace": SYSTEM}],
    }
