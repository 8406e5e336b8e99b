"""The objects of Karpenter's API in a cluster with EKS Auto Mode, and the NodeClaims of both. Pure.

Auto Mode's two built-in pools are as EKS documents them
(https://docs.aws.amazon.com/eks/latest/userguide/set-builtin-node-pools.html): on demand only, families C, M and R from
generation 5 on. The default NodeClass takes the subnets that the cluster has when it comes
(https://github.com/aws/containers-roadmap/issues/2793). The definitions check nothing but the kinds' names.
"""

from __future__ import annotations

from collections.abc import Mapping

from eksprov.local.contract import AutoMode, Json, NodeSpec
from eksprov.local.node.ondemand.choice import Choice, node_labels

KARPENTER, EKS = "karpenter.sh", "eks.amazonaws.com"
API = f"{KARPENTER}/v1"
FINALIZER = f"{KARPENTER}/termination"
POOLS_PATH, CLAIMS_PATH = f"/apis/{API}/nodepools", f"/apis/{API}/nodeclaims"
SYSTEM = "system"
DEFAULT_CLASS = "default"


def definitions() -> list[Json]:
    """The kinds that Auto Mode brings."""
    return [
        _definition(KARPENTER, "NodePool", "nodepools"),
        _definition(KARPENTER, "NodeClaim", "nodeclaims"),
        _definition(EKS, "NodeClass", "nodeclasses"),
    ]


def built_in(wish: AutoMode) -> list[Json]:
    """The default NodeClass and the built-in pools that are on; without pools there is no NodeClass."""
    if not wish.pools:
        return []
    node_class = {
        "apiVersion": f"{EKS}/v1",
        "kind": "NodeClass",
        "metadata": {"name": DEFAULT_CLASS, "labels": {"app.kubernetes.io/managed-by": "eks"}},
        "spec": {
            "role": wish.role,
            "subnetSelectorTerms": [{"id": subnet} for subnet in wish.subnet_ids],
            "securityGroupSelectorTerms": [{"id": wish.security_group}],
            "snatPolicy": "Random",
            "networkPolicy": "DefaultAllow",
            "ephemeralStorage": {"size": "80Gi", "iops": 3000, "throughput": 125},
        },
    }
    return [node_class, *(_pool(name) for name in wish.pools)]


def claim(name: str, choice: Choice) -> Json:
    """A NodeClaim: which node is wanted, and whose it is."""
    pool = choice.pool
    kinds = {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": [one.name for one in choice.kinds]}
    owner = {"apiVersion": API, "kind": "NodePool", "name": pool.name, "uid": pool.uid, "blockOwnerDeletion": True}
    return {
        "apiVersion": API,
        "kind": "NodeClaim",
        "metadata": {
            "name": name,
            "labels": node_labels(pool, choice.capacity),
            "finalizers": [FINALIZER],
            "ownerReferences": [owner],
        },
        "spec": {
            "nodeClassRef": {"group": pool.group, "kind": pool.kind, "name": pool.node_class},
            "requirements": [*pool.requirements, kinds],
            "taints": [dict(taint) for taint in pool.taints],
        },
    }


def claim_status(spec: NodeSpec, kind: Mapping[str, str], at: str) -> Json:
    """The claim of a node that has been launched."""
    conditions = [
        {"type": name, "status": "True", "reason": name, "message": "", "lastTransitionTime": at}
        for name in ("Launched", "Registered", "Initialized", "Ready")
    ]
    return {"nodeName": spec.name, "providerID": spec.provider_id, "conditions": conditions, "capacity": dict(kind)}


def _pool(name: str) -> Json:
    architectures = ["amd64", "arm64"] if name == SYSTEM else ["amd64"]
    taints = [{"key": "CriticalAddonsOnly", "effect": "NoSchedule"}] if name == SYSTEM else []
    requirements = [
        {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
        {"key": f"{EKS}/instance-category", "operator": "In", "values": ["c", "m", "r"]},
        {"key": f"{EKS}/instance-generation", "operator": "Gt", "values": ["4"]},
        {"key": "kubernetes.io/arch", "operator": "In", "values": architectures},
        {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]},
    ]
    spec = {
        "nodeClassRef": {"group": EKS, "kind": "NodeClass", "name": DEFAULT_CLASS},
        "requirements": requirements,
        "expireAfter": "336h",
        **({"taints": taints} if taints else {}),
    }
    disruption = {
        "consolidationPolicy": "WhenEmptyOrUnderutilized",
        "consolidateAfter": "30s",
        "budgets": [{"nodes": "10%"}],
    }
    return {
        "apiVersion": API,
        "kind": "NodePool",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "eks"}},
        "spec": {"template": {"metadata": {}, "spec": spec}, "disruption": disruption},
    }


def _definition(group: str, kind: str, plural: str) -> Json:
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": anything, "status": anything}}},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()},
            "scope": "Cluster",
            "versions": [version],
        },
    }
