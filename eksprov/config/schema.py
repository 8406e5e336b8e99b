"""The config file's shape. Keys read like AWS and Kubernetes, in snake_case, with units in their names.

Every key has a default but `name`; unknown keys are refused. Sizes are GiB or MiB, times are seconds or days.
Each field's description is what `eksprov schema` and `eksprov init` show.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

NAME: Final = r"^[a-z]([a-z0-9-]{0,26}[a-z0-9])?$"
CIDR: Final = r"^[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}$"
DNS_LABEL: Final = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
ZONE_ID: Final = r"^[a-z]{2,5}[0-9]{1,2}-az[0-9]{1,2}$"
INSTANCE_TYPE: Final = r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$"
PRINCIPAL: Final = r"^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/.+$"
REGION: Final = r"^[a-z]{2}(-[a-z]+)+-[0-9]$"
VERSION: Final = r"^1\.[0-9]{2}$"
ADDON: Final = r"^[a-z0-9][a-z0-9-]*$"
S3_URL: Final = r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9_][A-Za-z0-9_.-]*)*/?$"

PATTERNS_IN_WORDS: Final[Mapping[str, str]] = {
    NAME: "lower-case letters, digits and hyphens, a letter first, no hyphen last, at most 28 characters",
    CIDR: "an IPv4 range like 10.0.0.0/16",
    DNS_LABEL: "lower-case letters, digits and hyphens, no hyphen first or last, at most 63 characters",
    ZONE_ID: "a zone id like usw2-az1 (not a zone name like us-west-2a)",
    INSTANCE_TYPE: "an EC2 instance type like m7i.large",
    PRINCIPAL: "the ARN of an IAM role or user like arn:aws:iam::111122223333:role/admin",
    REGION: "an AWS region like us-west-2",
    VERSION: 'a Kubernetes minor version in quotes like "1.35"',
    ADDON: "an EKS add-on's name like aws-ebs-csi-driver",
    S3_URL: "a bucket and, if wanted, a prefix in it like s3://our-bucket/eksprov",
}

# Our own limits: "<stack>-cluster" and all derived names stay inside EKS's 100, IAM's 64 and S3's 63 characters.
Name = Annotated[str, Field(pattern=NAME)]
Cidr = Annotated[str, Field(pattern=CIDR)]
Namespace = Annotated[str, Field(pattern=DNS_LABEL)]
TagKey = Annotated[str, Field(min_length=1, max_length=128)]
TagValue = Annotated[str, Field(max_length=256)]
Count = Annotated[int, Field(ge=0, le=450)]  # 450 nodes a managed node group is the EKS quota's default
LogType = Literal["api", "audit", "authenticator", "controllerManager", "scheduler"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Network(_Model):
    """The VPC that eksprov makes: one public and one private subnet a zone, one NAT gateway or one a zone."""

    vpc_cidr: Cidr = Field("10.0.0.0/16", description="IPv4 range of the VPC, /16 to /24.")
    availability_zones: int = Field(2, ge=2, le=6, description="How many zones get subnets; EKS needs two.")
    exclude_zone_ids: tuple[Annotated[str, Field(pattern=ZONE_ID)], ...] = Field(
        (), description="Zone ids never used, beside those EKS cannot use (use1-az3, usw1-az2, cac1-az3)."
    )
    nat_gateways: Literal["single", "per_zone"] = Field(
        "single", description="One NAT gateway for all zones (cheap), or one in each (survives a zone's loss)."
    )


class Cluster(_Model):
    """The EKS control plane."""

    endpoint_public_access: bool = Field(True, description="Whether the API endpoint is reachable from the internet.")
    endpoint_private_access: bool = Field(True, description="Whether the API endpoint is reachable inside the VPC.")
    public_access_cidrs: tuple[Cidr, ...] = Field(
        ("0.0.0.0/0",), min_length=1, max_length=40, description="Who may reach the public endpoint."
    )
    service_ipv4_cidr: Cidr = Field("172.20.0.0/16", description="Range of Kubernetes Services; create-only.")
    support_type: Literal["STANDARD", "EXTENDED"] = Field(
        "STANDARD", description="EXTENDED keeps a version longer, for a surcharge."
    )
    log_types: tuple[LogType, ...] = Field(
        ("api", "audit", "authenticator"), description="Control-plane logs sent to CloudWatch."
    )
    log_retention_days: Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731] = Field(
        30, description="How long CloudWatch keeps these logs."
    )
    deletion_protection: bool = Field(False, description="AWS refuses to delete the cluster while this is true.")


class AccessEntry(_Model):
    """A person's or role's way into the cluster: an IAM principal and an EKS access policy."""

    principal_arn: str = Field(
        pattern=PRINCIPAL, max_length=2048, description="The role or user; a role's own ARN, never a session's."
    )
    policy: Literal[
        "AmazonEKSClusterAdminPolicy", "AmazonEKSAdminPolicy", "AmazonEKSEditPolicy", "AmazonEKSViewPolicy"
    ] = Field("AmazonEKSClusterAdminPolicy", description="What it may do.")
    namespaces: tuple[Namespace, ...] = Field((), description="Where it may do so; empty: in the whole cluster.")


class Taint(_Model):
    """A Kubernetes taint in EKS's spelling."""

    key: str = Field(min_length=1, max_length=63, description="The taint's key.")
    value: str = Field("", max_length=63, description="The taint's value; may be empty.")
    effect: Literal["NO_SCHEDULE", "NO_EXECUTE", "PREFER_NO_SCHEDULE"] = Field(
        description="What happens to pods that do not tolerate it."
    )


def _min_size(data: Mapping[str, Any]) -> int:
    return min(1, int(data.get("desired_size", 1)))


def _max_size(data: Mapping[str, Any]) -> int:
    return max(3, int(data.get("desired_size", 3)))


class NodeGroup(_Model):
    """A managed node group in the private subnets."""

    name: Name = Field(description="The group's name, unique in the stack.")
    instance_types: tuple[Annotated[str, Field(pattern=INSTANCE_TYPE)], ...] = Field(
        min_length=1, max_length=20, description="EC2 instance types, the preferred one first; several help SPOT."
    )
    capacity_type: Literal["ON_DEMAND", "SPOT"] = Field("ON_DEMAND", description="How the instances are bought.")
    desired_size: Count = Field(2, description="Nodes to begin with.")
    min_size: Count = Field(
        default_factory=_min_size, description="Fewest nodes; unset: 1, or 0 where desired_size is 0."
    )
    max_size: Annotated[int, Field(ge=1, le=450)] = Field(
        default_factory=_max_size, description="Most nodes; unset: 3, or desired_size where that is more."
    )
    disk_size_gib: int = Field(50, ge=20, le=16384, description="Each node's root volume.")
    labels: dict[str, str] = Field(
        default_factory=dict, max_length=50, description="Kubernetes labels of the nodes, for node selectors."
    )
    taints: tuple[Taint, ...] = Field((), max_length=50, description="Taints that keep other pods away.")


class Addon(_Model):
    """An EKS add-on beyond, or settings for, the five that every stack gets."""

    name: str = Field(pattern=ADDON, max_length=100, description="The add-on's name.")
    version: str | None = Field(
        None, min_length=1, max_length=64, description="Unset: the default for the cluster's version, kept once made."
    )


class Replicas(_Model):
    """Bounds of a model's autoscaling."""

    min: Annotated[int, Field(ge=1, le=1000)] = Field(1, description="Fewest replicas.")
    max: Annotated[int, Field(ge=1, le=1000)] = Field(
        default_factory=lambda data: max(3, int(data.get("min", 3))),
        description="Most replicas; unset: 3, or min where that is more.",
    )


class Model(_Model):
    """A model to be served: a folder of files and the runtime that reads them."""

    name: Name = Field(description="The model's name, unique in the stack; it is called by this name.")
    path: str = Field(
        min_length=1, max_length=1024, description="The folder with the model's files, relative to the config file."
    )
    runtime: Literal["mlserver-sklearn"] = Field("mlserver-sklearn", description="The server that loads the model.")
    namespace: Namespace = Field("models", description="The Kubernetes namespace it lives in.")
    replicas: Replicas = Field(Replicas(), description="Bounds of its autoscaling.")
    cpu: float = Field(0.5, gt=0, le=192, description="Cores a replica, requested.")
    memory_mib: int = Field(1024, ge=128, le=1_000_000, description="Memory a replica, requested and the limit.")
    target_cpu_percent: int = Field(65, ge=10, le=95, description="The autoscaler keeps CPU use near this.")
    startup_timeout_s: int = Field(180, ge=30, le=7200, description="How long a server may take to load the model.")
    drain_s: int = Field(15, ge=0, le=3600, description="Seconds between leaving the endpoints and SIGTERM.")


class Local(_Model):
    """The local world; read only when target is local."""

    speed: float = Field(60.0, ge=1, le=1000, description="How many times faster than AWS things become ready.")


class Config(_Model):
    """The whole file."""

    name: Name = Field(description="The stack's name; all resources carry it in names and tags.")
    region: str = Field("us-west-2", pattern=REGION, max_length=32, description="The AWS region.")
    target: Literal["local", "aws"] = Field("local", description="local spends nothing; aws is the real thing.")
    state: str | None = Field(
        None,
        pattern=S3_URL,
        max_length=512,
        description="Where the state is kept, like s3://bucket/prefix, for teams; unset: a folder beside this file.",
    )
    kubernetes_version: str | None = Field(
        None, pattern=VERSION, description='Like "1.35", in quotes; unset: EKS\'s default at creation, then kept.'
    )
    network: Network = Field(Network(), description="The VPC.")
    cluster: Cluster = Field(Cluster(), description="The EKS control plane.")
    access: tuple[AccessEntry, ...] = Field(
        (), max_length=100, description="Who may use the cluster; empty: whoever creates it is its admin."
    )
    # 30 a cluster is the EKS quota's default.
    node_groups: tuple[NodeGroup, ...] = Field((), max_length=30, description="Managed node groups.")
    addons: tuple[Addon, ...] = Field((), max_length=50, description="Add-ons beyond the five every stack gets.")
    models: tuple[Model, ...] = Field((), max_length=200, description="Models that deploy-model serves.")
    tags: dict[TagKey, TagValue] = Field(
        default_factory=dict, max_length=40, description="Tags on every AWS resource, beside eksprov's own."
    )
    local: Local = Field(Local(), description="The local world; read only when target is local.")
