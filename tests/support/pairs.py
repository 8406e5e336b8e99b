"""Values of the keys that shape a stack, and which pairs of them have to agree: for tests/config/test_pairs.py."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from eksprov.config.schema.control_plane import Cluster
from eksprov.config.schema.iam import Iam
from eksprov.config.schema.models import Model
from eksprov.config.schema.monitoring import Monitoring
from eksprov.config.schema.network import NEEDED_ENDPOINTS, Network
from eksprov.config.schema.nodes import NodeGroup
from eksprov.config.schema.pools import NodePool

KEY = "arn:{}:kms:{}:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
TOPIC = "arn:{}:sns:{}:111122223333:ops"
ROLE, BOUNDARY = "arn:{}:iam::{}:role/ml", "arn:{}:iam::{}:policy/boundary"
OURS, THEIRS, CHINESE = ("aws", "111122223333"), ("aws", "444455556666"), ("aws-cn", "111122223333")
HERE, CHINA = ("aws", "us-west-2"), ("aws-cn", "cn-north-1")
PUBLIC = ["81.2.69.0/24"]
SOFT, WARM = {"effect": "PREFER_NO_SCHEDULE"}, {"enabled": True}
SECTIONS: dict[str, type[BaseModel]] = {
    "network": Network,
    "cluster": Cluster,
    "node_groups": NodeGroup,
    "node_pools": NodePool,
    "iam": Iam,
    "monitoring": Monitoring,
    "models": Model,
}
TOP = ("region", "kubernetes_version", "autoscaler", "auto_mode", "device_plugins", "tags")
# Values that say something else than the default; a key whose every value stands alone needs but one.
VALUES: dict[str, list[Any]] = {
    "region": ["us-west-2", "cn-north-1", "eu-west-1"],
    "kubernetes_version": ["1.35"],
    "autoscaler": ["cluster-autoscaler", "karpenter", "auto-mode"],
    "auto_mode": [{"node_pools": ["general-purpose"]}],
    "device_plugins": ["none"],
    "tags": [{"team": "ml"}, {"karpenter.sh/x": "y"}],
    "network.vpc_cidr": ["10.1.0.0/16", "172.20.0.0/16", "10.1.0.0/24"],
    "network.ip_family": ["ipv6"],
    "network.availability_zones": [3, 6],
    "network.exclude_zone_ids": [["usw2-az1"]],
    "network.nat_gateways": ["none", "per_zone"],
    "network.private_endpoints": [True],
    "network.endpoints": [["kms"], list(NEEDED_ENDPOINTS)],
    "network.vpc_id": ["vpc-0123456789abcdef0"],
    "network.subnet_ids": [["subnet-00000001", "subnet-00000002"]],
    "network.public_subnet_ids": [["subnet-00000003"], ["subnet-00000001"]],
    "cluster.endpoint_public_access": [False],
    "cluster.endpoint_private_access": [False],
    "cluster.public_access_cidrs": [PUBLIC, ["2001:db8::/32", *PUBLIC]],
    "cluster.close_endpoint_last": [True],
    "cluster.service_ipv4_cidr": ["172.21.0.0/16", "10.1.0.0/16"],
    "cluster.support_type": ["EXTENDED"],
    "cluster.log_types": [[], ["api"]],
    "cluster.log_retention_days": [7],
    "cluster.deletion_protection": [True],
    "cluster.kms_key": ["own", KEY.format(*HERE), KEY.format(*CHINA)],
    "cluster.kms_key_deletion_days": [7],
    "node_groups.name": ["gpu"],
    "node_groups.instance_types": [["m7i.large"], ["m7i.large", "m7i.xlarge"], ["g6.xlarge"]],
    "node_groups.capacity_type": ["SPOT", "CAPACITY_BLOCK"],
    "node_groups.capacity_reservation_id": ["cr-0123456789abcdef0"],
    "node_groups.zone_ids": [["usw2-az1"], ["usw2-az1", "usw2-az2"]],
    "node_groups.fallbacks": [
        [{"capacity_type": "SPOT"}],
        [{"instance_types": ["m6i.large"]}],
        [{"zone_ids": ["usw2-az1", "usw2-az3"]}],
        [{"zone_ids": ["usw2-az1"]}],
        [{"instance_types": ["m7i.large", "m7i.xlarge"]}],
    ],
    "node_groups.desired_size": [0, 5, 120],
    "node_groups.min_size": [0, 2, 4],
    "node_groups.max_size": [1, 9],
    "node_groups.ami_family": ["al2023", "bottlerocket"],
    "node_groups.ami_type": ["AL2023_x86_64_STANDARD", "BOTTLEROCKET_x86_64"],
    "node_groups.disk_size_gib": [20, 100],
    "node_groups.disk_iops": [3000, 15000],
    "node_groups.disk_throughput_mib": [125, 1000],
    "node_groups.disk_kms_key_arn": [KEY.format(*HERE), KEY.format(*CHINA)],
    "node_groups.local_storage": ["raid0"],
    "node_groups.max_pods": [50],
    "node_groups.metadata_hop_limit": [2],
    "node_groups.efa": [True],
    "node_groups.placement_group": [True],
    "node_groups.update_strategy": ["MINIMAL"],
    "node_groups.max_unavailable": [2],
    "node_groups.max_unavailable_percentage": [50],
    "node_groups.node_repair": [True],
    "node_groups.release_version": ["1.36.0-20260801", "1.30.0-1a2b3c4d"],
    "node_groups.warm_pool": [WARM, WARM | {"min_size": 6}, WARM | {"reuse_on_scale_in": True}],
    "node_groups.labels": [
        {"team": "ml"},
        {f"k{n}": "v" for n in range(39)},
        {f"k{n}": "v" for n in range(40)},
        {f"{'a' * 40}.{'b' * 45}/y": "v"},
    ],
    "node_groups.taints": [[{"key": "team", "effect": "NO_SCHEDULE"}], [SOFT | {"key": f"t{n}"} for n in range(5)]],
    "node_groups.accelerator_taint": [False],
    "node_pools.name": ["general"],
    "node_pools.instance_types": [["m7i.large"], ["g6.xlarge"]],
    "node_pools.instance_families": [["m7i"], ["g6"]],
    "node_pools.capacity_types": [["SPOT"]],
    "node_pools.zone_ids": [["usw2-az1"]],
    "node_pools.cpu_limit": [10],
    "node_pools.memory_limit_gib": [10],
    "node_pools.gpu_limit": [1],
    "node_pools.consolidation": ["Never"],
    "node_pools.consolidate_after_s": [5],
    "node_pools.expire_after_hours": [5],
    "node_pools.drain_limit_s": [60],
    "node_pools.weight": [5],
    "node_pools.ami_family": ["bottlerocket"],
    "node_pools.ami_version": ["v20260801", "v1.30.0"],
    "node_pools.disk_size_gib": [20],
    "node_pools.metadata_hop_limit": [2],
    "node_pools.labels": [{"team": "ml"}],
    "node_pools.taints": [[{"key": "team", "effect": "NO_SCHEDULE"}]],
    "node_pools.accelerator_taint": [False],
    "iam.permissions_boundary": ["none", *(BOUNDARY.format(*whose) for whose in (OURS, THEIRS, CHINESE))],
    "iam.role_path": ["/teams/ml/"],
    "iam.roles": [
        *({"cluster": ROLE.format(*whose)} for whose in (OURS, THEIRS, CHINESE)),
        *({purpose: ROLE.format(*OURS)} for purpose in ("auto_node", "cluster_autoscaler", "karpenter")),
    ],
    "monitoring.alarms": [True, False],
    "monitoring.alarm_emails": [["ops@example.com"]],
    "monitoring.alarm_topic_arn": [TOPIC.format(*HERE), TOPIC.format(*CHINA)],
    "monitoring.dashboards": [True],
    "monitoring.container_log_retention_days": [7],
    "models.name": ["digits"],
    "models.path": ["m"],
    "models.runtime": ["mlserver-sklearn", "mlserver-xgboost"],
    "models.namespace": ["ml"],
    "models.role_arn": [ROLE.format(*whose) for whose in (OURS, THEIRS, CHINESE)],
    "models.replicas": [{"min": 2, "max": 5}],
    "models.cpu": [1.0],
    "models.memory_mib": [2048],
    "models.target_cpu_percent": [50],
    "models.startup_timeout_s": [60],
    "models.predict_timeout_s": [90],
    "models.drain_s": [5],
}  # fmt: skip
AGREE: dict[frozenset[str], str] = {}


def _agree(why: str, *pairs: tuple[str, str]) -> None:
    AGREE.update({frozenset(pair): why for pair in pairs})


N, C, G, P, M = "network.", "cluster.", "node_groups.", "node_pools.", "monitoring."
ROLES, BOUND, MODEL_ROLE = "iam.roles", "iam.permissions_boundary", "models.role_arn"
_agree("a range, key, topic, role or policy of another region, or partition", *((f, "region") for f in (
    C + "kms_key", G + "disk_kms_key_arn", M + "alarm_topic_arn", N + "ip_family", ROLES, BOUND, MODEL_ROLE,
)))  # fmt: skip
_agree("nothing of it is made in a VPC that exists", *((N + f, N + "vpc_id") for f in (
    "vpc_cidr", "availability_zones", "nat_gateways", "private_endpoints", "endpoints",
)))  # fmt: skip
_agree("subnets are of that VPC", *((N + f, N + "vpc_id") for f in ("subnet_ids", "public_subnet_ids")))
_agree("a subnet is on one side", (N + "subnet_ids", N + "public_subnet_ids"))
_agree("ranges must not overlap", (N + "vpc_cidr", C + "service_ipv4_cidr"))
_agree(
    "IPv6 clusters choose the range of Services",
    (C + "service_ipv4_cidr", N + "ip_family"),
    (N + "vpc_cidr", N + "ip_family"),
)
_agree("IPv6 callers need an IPv6 endpoint", (C + "public_access_cidrs", N + "ip_family"))
_agree("a node needs an address", (N + "vpc_cidr", G + "desired_size"))
_agree(
    "nodes need a way to the services",
    (N + "nat_gateways", N + "endpoints"),
    (N + "nat_gateways", N + "private_endpoints"),
)
_agree(
    "nodes need a way to the endpoint",
    (N + "nat_gateways", C + "endpoint_private_access"),
    (C + "endpoint_private_access", C + "public_access_cidrs"),
    (C + "endpoint_private_access", N + "vpc_id"),
)
_agree("somebody must reach the cluster", (C + "endpoint_public_access", C + "endpoint_private_access"))
_agree(
    "only where the endpoint is public, for a while at least",
    (C + "endpoint_public_access", C + "public_access_cidrs"),
    (C + "endpoint_public_access", C + "close_endpoint_last"),
    (C + "close_endpoint_last", C + "public_access_cidrs"),
)
_agree(
    "only with the thing that it is about",
    (C + "kms_key", C + "kms_key_deletion_days"),
    (C + "log_types", C + "log_retention_days"),
    (M + "alarms", M + "alarm_emails"),
    (M + "alarms", M + "alarm_topic_arn"),
    ("autoscaler", "auto_mode"),
    ("autoscaler", ROLES),
    *(("autoscaler", f"{P}{name}") for name in NodePool.model_fields),
)
_agree("roles, boundary and stack are of one account", (ROLES, BOUND), (ROLES, MODEL_ROLE), (BOUND, MODEL_ROLE))
_agree("dashboards of models need the agent", *((M + "dashboards", f"models.{name}") for name in Model.model_fields))
_agree(
    "a model tolerates no taint, and needs a node without one",
    *((G + f, f"models.{name}") for f in ("taints", "instance_types") for name in Model.model_fields),
    *((G + f, P + g) for f in ("taints", "instance_types") for g in ("taints", "instance_types", "instance_families")),
)
_agree(
    "zones that are never used",
    *((N + "exclude_zone_ids", f) for f in (G + "zone_ids", G + "fallbacks", P + "zone_ids")),
)
_agree(
    "autoscalers need a node, a way out and something to do",
    *(("autoscaler", G + f) for f in ("desired_size", "min_size", "max_size", "taints")),
    ("autoscaler", N + "nat_gateways"),
    ("autoscaler", N + "vpc_id"),
    (G + "max_size", G + "taints"),
    (G + "accelerator_taint", G + "instance_types"),
)
_agree(
    "cluster-autoscaler takes all nodes of a group for one size",
    ("autoscaler", G + "instance_types"),
    (G + "instance_types", G + "max_size"),
)
_agree(
    "tags have room, and owners",
    ("autoscaler", "tags"),
    ("autoscaler", G + "labels"),
    (G + "labels", G + "taints"),
    (G + "labels", "tags"),
)
_agree(
    "least, wanted and most",
    (G + "min_size", G + "desired_size"),
    (G + "desired_size", G + "max_size"),
    (G + "min_size", G + "max_size"),
    (G + "warm_pool", G + "desired_size"),
    (G + "warm_pool", G + "max_size"),
)
_agree(
    "one system a group",
    (G + "ami_family", G + "ami_type"),
    *((G + a, G + b) for a in ("ami_family", "ami_type") for b in ("local_storage", "warm_pool", "release_version")),
    (P + "ami_family", P + "ami_version"),
)
_agree("a release is of one Kubernetes", (G + "release_version", "kubernetes_version"))
_agree(
    "how it is bought",
    (G + "capacity_type", G + "capacity_reservation_id"),
    (G + "capacity_type", G + "instance_types"),
    (G + "capacity_type", G + "warm_pool"),
    (G + "capacity_type", G + "fallbacks"),
    (G + "capacity_reservation_id", G + "fallbacks"),
)
_agree(
    "one zone",
    *((G + f, G + "zone_ids") for f in ("efa", "placement_group", "capacity_reservation_id")),
    (G + "capacity_reservation_id", G + "efa"),
    (G + "capacity_reservation_id", G + "placement_group"),
    (G + "efa", G + "placement_group"),
    (G + "efa", G + "fallbacks"),
    (G + "placement_group", G + "fallbacks"),
)
_agree(
    "no choice twice, and none that the group cannot have",
    (G + "fallbacks", G + "instance_types"),
    (G + "fallbacks", G + "zone_ids"),
    (G + "fallbacks", G + "warm_pool"),
)
_agree("what gp3 carries", (G + "disk_iops", G + "disk_size_gib"), (G + "disk_iops", G + "disk_throughput_mib"))
_agree(
    "one of the two",
    (G + "max_unavailable", G + "max_unavailable_percentage"),
    (P + "instance_types", P + "instance_families"),
)
