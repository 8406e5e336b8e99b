"""The kinds that Karpenter brings into a cluster: NodePool, NodeClaim and EC2NodeClass of its v1 API. Pure.

Written down from the API's reference (https://karpenter.sh/docs/concepts/nodepools/, nodeclaims/ and nodeclasses/
there): a schema of what eksprov and most users set, with the defaults that the controller counts on; what is not named
is kept as it is sent, and judged by the controller. Kinds behind feature gates that are off (NodeOverlay,
CapacityBuffer) are left out.
"""

from __future__ import annotations

from typing import Final

from eksprov.controllers.objects import DEFINITIONS
from eksprov.controllers.parts import Json

Columns = tuple[tuple[str, str, str], ...]  # what kubectl shows: heading, path, type
CORE_GROUP, AWS_GROUP, VERSION = "karpenter.sh", "karpenter.k8s.aws", "v1"
CORE_API, AWS_API = f"{CORE_GROUP}/{VERSION}", f"{AWS_GROUP}/{VERSION}"
KEEP: Final[Json] = {"x-kubernetes-preserve-unknown-fields": True}
TEXT: Final[Json] = {"type": "string"}
NUMBER: Final[Json] = {"type": "integer", "format": "int64"}
TEXTS: Final[Json] = {"type": "object", "additionalProperties": TEXT}
AMOUNTS: Final[Json] = {"type": "object", "additionalProperties": {"x-kubernetes-int-or-string": True}}
DURATION: Final = r"^([0-9]+(s|m|h))+$"
DURATION_OR_NEVER: Final = r"^(([0-9]+(s|m|h))+|Never)$"
OPERATORS: Final = ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "Gte", "Lte"]
EFFECTS: Final = ["NoSchedule", "PreferNoSchedule", "NoExecute"]
READY: Final = ("Ready", '.status.conditions[?(@.type=="Ready")].status', "string")
AGE: Final = ("Age", ".metadata.creationTimestamp", "date")


def definitions() -> dict[str, Json]:
    """The definitions by short name, without metadata of ours."""
    return {
        "node-pools": _definition(CORE_GROUP, "NodePool", "nodepools", _node_pool(), _POOL_COLUMNS),
        "node-claims": _definition(CORE_GROUP, "NodeClaim", "nodeclaims", _node_claim(), _CLAIM_COLUMNS),
        "node-classes": _definition(
            AWS_GROUP, "EC2NodeClass", "ec2nodeclasses", _node_class(), (READY, AGE), ("ec2nc", "ec2ncs")
        ),
    }


_POOL_COLUMNS: Final = (
    ("NodeClass", ".spec.template.spec.nodeClassRef.name", "string"),
    ("Nodes", ".status.nodes", "string"),
    READY,
    AGE,
)
_CLAIM_COLUMNS: Final = (
    ("Type", r".metadata.labels.node\.kubernetes\.io/instance-type", "string"),
    ("Capacity", r".metadata.labels.karpenter\.sh/capacity-type", "string"),
    ("Zone", r".metadata.labels.topology\.kubernetes\.io/zone", "string"),
    ("Node", ".status.nodeName", "string"),
    READY,
    AGE,
)


def _node_pool() -> Json:
    template = _object(
        {
            "metadata": _object({"labels": TEXTS, "annotations": TEXTS}),
            "spec": _object(_of_nodes(), ("nodeClassRef", "requirements")),
        },
        ("spec",),
    )
    budget = _object(
        {
            "nodes": {**_like(r"^((100|[0-9]{1,2})%|[0-9]+)$"), "default": "10%"},
            "schedule": TEXT,
            "duration": TEXT,
            "reasons": _list({"type": "string", "enum": ["Underutilized", "Empty", "Drifted"]}),
        },
        ("nodes",),
    )
    policies = ["WhenEmpty", "WhenEmptyOrUnderutilized", "Balanced"]
    disruption = _object(
        {
            "consolidateAfter": _like(DURATION_OR_NEVER),
            "consolidationPolicy": {"type": "string", "enum": policies, "default": policies[1]},
            "budgets": {**_list(budget), "maxItems": 50, "default": [{"nodes": "10%"}]},
        },
        ("consolidateAfter",),
    )
    return _object(
        {
            "template": template,
            "disruption": {**disruption, "default": {"consolidateAfter": "0s"}},
            "limits": AMOUNTS,
            "replicas": {**NUMBER, "minimum": 0},
            "weight": {"type": "integer", "format": "int32", "minimum": 1, "maximum": 100},
        },
        ("template",),
    )


def _node_claim() -> Json:
    """What a claim asks for never changes."""
    spec = _object({**_of_nodes(), "resources": _object({"requests": AMOUNTS})}, ("nodeClassRef", "requirements"))
    return {**spec, "x-kubernetes-validations": [{"message": "spec is immutable", "rule": "self == oldSelf"}]}


def _of_nodes() -> Json:
    """What pools and claims say alike."""
    reference = _object({"group": TEXT, "kind": TEXT, "name": TEXT}, ("group", "kind", "name"))
    requirement = _object(
        {
            "key": {"type": "string", "maxLength": 316},
            "operator": {"type": "string", "enum": OPERATORS},
            "values": _list(TEXT),
            "minValues": {"type": "integer", "minimum": 1, "maximum": 50},
        },
        ("key", "operator"),
    )
    taint = _object(
        {
            "key": {"type": "string", "minLength": 1},
            "value": TEXT,
            "effect": {"type": "string", "enum": EFFECTS},
        },
        ("key", "effect"),
    )
    return {
        "nodeClassRef": reference,
        "requirements": {**_list(requirement), "maxItems": 100},
        "taints": _list(taint),
        "startupTaints": _list(taint),
        "expireAfter": {**_like(DURATION_OR_NEVER), "default": "720h"},
        "terminationGracePeriod": _like(DURATION),
    }


def _node_class() -> Json:
    hops = {"type": "integer", "format": "int64", "minimum": 1, "maximum": 64, "default": 1}
    metadata = {
        "httpEndpoint": {**_one_of("enabled", "disabled"), "default": "enabled"},
        "httpProtocolIPv6": {**_one_of("enabled", "disabled"), "default": "disabled"},
        "httpPutResponseHopLimit": hops,
        "httpTokens": {**_one_of("required", "optional"), "default": "required"},
    }
    defaults = {key: value["default"] for key, value in metadata.items()}
    families = ("AL2", "AL2023", "Bottlerocket", "Custom", "Windows2019", "Windows2022", "Windows2025")
    place = {"tags": TEXTS, "id": TEXT}
    image = {**place, "name": TEXT, "owner": TEXT, "alias": TEXT, "ssmParameter": TEXT}
    return _object(
        {
            "amiFamily": _one_of(*families),
            "amiSelectorTerms": {**_list(_object(image)), "minItems": 1, "maxItems": 30},
            "subnetSelectorTerms": {**_list(_object(place)), "minItems": 1, "maxItems": 30},
            "securityGroupSelectorTerms": {**_list(_object({**place, "name": TEXT})), "minItems": 1, "maxItems": 30},
            "capacityReservationSelectorTerms": _list(_object({**place, "ownerID": TEXT})),
            "role": TEXT,
            "instanceProfile": TEXT,
            "userData": TEXT,
            "tags": TEXTS,
            "kubelet": {"type": "object", **KEEP},
            "blockDeviceMappings": {**_list({"type": "object", **KEEP}), "maxItems": 50},
            "instanceStorePolicy": _one_of("RAID0"),
            "detailedMonitoring": {"type": "boolean"},
            "associatePublicIPAddress": {"type": "boolean"},
            "metadataOptions": {**_object(metadata), "default": defaults},
        },
        ("amiSelectorTerms", "subnetSelectorTerms", "securityGroupSelectorTerms"),
    )


def _definition(
    group: str,
    kind: str,
    plural: str,
    spec: Json,
    columns: tuple[tuple[str, str, str], ...],
    short: tuple[str, ...] = (),
) -> Json:
    names: Json = {
        "categories": ["karpenter"],
        "kind": kind,
        "listKind": f"{kind}List",
        "plural": plural,
        "singular": kind.lower(),
        **({"shortNames": list(short)} if short else {}),
    }
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": _kind(spec)},
        "subresources": {"status": {}},
        "additionalPrinterColumns": [{"name": name, "jsonPath": path, "type": how} for name, path, how in columns],
    }
    api_version, what = DEFINITIONS
    return {
        "apiVersion": api_version,
        "kind": what,
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "scope": "Cluster", "names": names, "versions": [version]},
    }


def _kind(spec: Json) -> Json:
    return {
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": TEXT,
            "kind": TEXT,
            "metadata": {"type": "object"},
            "spec": spec,
            "status": {"type": "object", **KEEP},
        },
    }


def _object(properties: Json, required: tuple[str, ...] = ()) -> Json:
    """Named fields are checked, others kept."""
    must = {"required": list(required)} if required else {}
    return {"type": "object", "properties": properties, **KEEP, **must}


def _list(items: Json) -> Json:
    return {"type": "array", "items": items, "x-kubernetes-list-type": "atomic"}


def _like(pattern: str) -> Json:
    return {"type": "string", "pattern": pattern}


def _one_of(*words: str) -> Json:
    return {"type": "string", "enum": list(words)}
