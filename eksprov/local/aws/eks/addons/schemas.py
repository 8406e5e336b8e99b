"""What each add-on's configuration may hold: JSON schemas as DescribeAddonConfiguration answers them.

kube-proxy's and coredns' follow real answers that people have published, without their defaults
(https://github.com/aws/containers-roadmap/issues/2420, https://github.com/hashicorp/terraform-provider-aws/issues/29215,
https://docs.aws.amazon.com/eks/latest/userguide/coredns-autoscaling.html). Of the others only the keys that public
threads show are known, so nested objects are left open where no thread shows their inside: vpc-cni
(https://github.com/aws/amazon-vpc-cni-k8s/issues/3059), the pod identity agent
(https://github.com/aws/eks-pod-identity-agent/issues/31), EBS (https://github.com/aws/amazon-vpc-cni-k8s/issues/2272,
https://github.com/kubernetes-sigs/aws-ebs-csi-driver/issues/2371), EFS (https://github.com/aws/containers-roadmap/issues/2582),
Mountpoint (https://github.com/awslabs/mountpoint-s3-csi-driver/issues/784), CloudWatch
(https://github.com/aws-observability/helm-charts/issues/173). The real schema of a version is the one AWS answers.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

DRAFT_6 = "http://json-schema.org/draft-06/schema#"
DRAFT_2019 = "https://json-schema.org/draft/2019-09/schema"

TEXT: Schema = {"type": "string"}
BOOLEAN: Schema = {"type": "boolean"}
OPEN: Schema = {"type": ["object", "null"]}
OBJECTS: Schema = {"type": ["array", "null"], "items": {"type": "object"}}
TEXTS: Schema = {"type": "array", "items": TEXT}
LIMITS: Schema = {"additionalProperties": False, "properties": {"cpu": TEXT, "memory": TEXT}, "type": "object"}
RESOURCES: Schema = {
    "additionalProperties": False,
    "properties": {"limits": LIMITS, "requests": LIMITS},
    "type": "object",
}
PERCENT_OR_COUNT: Schema = {"anyOf": [{"pattern": ".*%$", "type": "string"}, {"type": "integer"}]}
REPLICAS: Schema = {"type": "integer", "minimum": 2, "maximum": 1000}
FORMATTED = {
    "ANNOTATE_POD_IP": "boolean",
    "AWS_MANAGE_ENIS_NON_SCHEDULABLE": "boolean",
    "AWS_VPC_CNI_NODE_PORT_SUPPORT": "boolean",
    "AWS_VPC_ENI_MTU": "integer",
    "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG": "boolean",
    "AWS_VPC_K8S_CNI_EXTERNALSNAT": "boolean",
    "ENABLE_POD_ENI": "boolean",
    "ENABLE_PREFIX_DELEGATION": "boolean",
    "ENABLE_SUBNET_DISCOVERY": "boolean",
    "ENABLE_V4_EGRESS": "boolean",
    "ENABLE_V6_EGRESS": "boolean",
    "IP_COOLDOWN_PERIOD": "integer",
    "MAX_ENI": "integer",
    "WARM_ENI_TARGET": "integer",
    "WARM_PREFIX_TARGET": "integer",
}


def _closed(**properties: Schema) -> Schema:
    """An object that takes these keys and no other."""
    return {"type": "object", "additionalProperties": False, "properties": properties}


# Every variable is a string; the list of known names is not complete, so others pass here and not on AWS.
ENV: Schema = {
    "type": "object",
    "properties": {name: {"type": "string", "format": kind} for name, kind in FORMATTED.items()},
    "additionalProperties": TEXT,
}
ENI_CONFIG: Schema = {
    **_closed(create=BOOLEAN, region=TEXT, subnets={"type": "object", "minProperties": 1}),
    "required": ["create", "region", "subnets"],
}
AUTOSCALING: Schema = {**_closed(enabled=BOOLEAN, minReplicas=REPLICAS, maxReplicas=REPLICAS), "required": ["enabled"]}
BUDGET: Schema = {
    "type": "object",
    "properties": {"enabled": BOOLEAN, "maxUnavailable": PERCENT_OR_COUNT, "minAvailable": PERCENT_OR_COUNT},
}
SIDECAR: Schema = {"type": "object", "properties": {"additionalArgs": TEXTS}}
CSI_NODE: Schema = {
    "type": "object",
    "properties": {
        "tolerateAllTaints": BOOLEAN,
        "tolerations": OBJECTS,
        "volumeAttachLimit": {"type": ["integer", "null"]},
    },
}
EBS_CONTROLLER: Schema = {
    "type": "object",
    "properties": {
        "extraVolumeTags": {
            "type": "object",
            "patternProperties": {"^.*$": {"type": "string", "maxLength": 256}},
            "propertyNames": {"type": "string", "minLength": 1, "maxLength": 128},
        },
        "replicaCount": {"type": "integer"},
        "tolerations": OBJECTS,
    },
}
EFS_CONTROLLER: Schema = {
    "type": "object",
    "properties": {
        "deleteAccessPointRootDir": BOOLEAN,
        "logFormat": {"type": "string", "enum": ["text", "json"]},
        "nodeSelector": OPEN,
        "podAnnotations": OPEN,
    },
}
# No tolerations: https://github.com/aws/containers-roadmap/issues/2676
MOUNTPOINT_CONTROLLER: Schema = _closed(serviceAccount=OPEN)
MOUNTPOINT_NODE: Schema = _closed(tolerateAllTaints=BOOLEAN, tolerations=OBJECTS, resources=OPEN)


def _draft_6(title: str, root: Schema) -> Schema:
    return {"$schema": DRAFT_6, "$ref": f"#/definitions/{title}", "definitions": {title: {**root, "title": title}}}


def _draft_2019(root: Schema) -> Schema:
    return {"$schema": DRAFT_2019, **root}


SCHEMAS: dict[str, Schema] = {
    "vpc-cni": _draft_6(
        "VpcCni",
        _closed(
            affinity=OPEN,
            enableNetworkPolicy={"type": "string", "format": "boolean"},
            enableWindowsIpam={"type": "string", "format": "boolean"},
            eniConfig=ENI_CONFIG,
            env=ENV,
            init={"type": "object"},
            nodeAgent={"type": "object"},
            podAnnotations=OPEN,
            podLabels=OPEN,
            resources=RESOURCES,
            tolerations=OBJECTS,
        ),
    ),
    "kube-proxy": _draft_6(
        "KubeProxy",
        _closed(
            ipvs=_closed(scheduler=TEXT),
            mode={"enum": ["iptables", "ipvs"], "type": "string"},
            podAnnotations={"type": "object"},
            podLabels={"type": "object"},
            resources=RESOURCES,
        ),
    ),
    "coredns": _draft_6(
        "Coredns",
        _closed(
            affinity=OPEN,
            autoScaling=AUTOSCALING,
            computeType=TEXT,
            corefile=TEXT,
            nodeSelector={"type": "object", "additionalProperties": TEXT},
            podAnnotations={"type": "object"},
            podDisruptionBudget=BUDGET,
            podLabels={"type": "object"},
            replicaCount={"type": "integer"},
            resources=RESOURCES,
            tolerations={"type": "array", "items": {"type": "object"}},
            topologySpreadConstraints={"type": "array"},
        ),
    ),
    "eks-pod-identity-agent": _draft_6(
        "EksPodIdentityAgent",
        _closed(
            affinity=OPEN,
            agent=_closed(additionalArgs=OPEN),
            daemonsets={"type": "object"},
            fullnameOverride={"type": ["string", "null"]},
            podLabels=OPEN,
            resources=RESOURCES,
            tolerations=OBJECTS,
        ),
    ),
    "metrics-server": _draft_2019(
        _closed(
            affinity=OPEN,
            args=TEXTS,
            nodeSelector=OPEN,
            podAnnotations=OPEN,
            podDisruptionBudget=OPEN,
            podLabels=OPEN,
            replicas={"type": "integer"},
            resources=OPEN,
            tolerations=OBJECTS,
            topologySpreadConstraints=OBJECTS,
        )
    ),
    "aws-ebs-csi-driver": _draft_2019(
        _closed(
            controller=EBS_CONTROLLER,
            defaultStorageClass=_closed(enabled=BOOLEAN),
            node=CSI_NODE,
            sidecars={"type": "object", "additionalProperties": SIDECAR},
        )
    ),
    "aws-efs-csi-driver": _draft_2019(_closed(controller=EFS_CONTROLLER, node=CSI_NODE, sidecars={"type": "object"})),
    "aws-fsx-csi-driver": _draft_2019(_closed(controller={"type": "object"}, node={"type": "object"})),
    "aws-mountpoint-s3-csi-driver": _draft_2019(_closed(controller=MOUNTPOINT_CONTROLLER, node=MOUNTPOINT_NODE)),
    "snapshot-controller": _draft_2019(_closed(affinity=OPEN, nodeSelector=OPEN, resources=OPEN, tolerations=OBJECTS)),
    "amazon-cloudwatch-observability": _draft_2019(
        _closed(
            admissionWebhooks={"type": "object"},
            agent={"type": "object"},
            containerLogs={"type": "object"},
            tolerations=OBJECTS,
        )
    ),
    "eks-node-monitoring-agent": _draft_2019(_closed(monitoringAgent={"type": "object"}, dcgmAgent={"type": "object"})),
}
