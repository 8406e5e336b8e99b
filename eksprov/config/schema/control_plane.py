"""The sections `cluster` and `access`: the EKS control plane and who may use it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import Field

from eksprov.config.schema.base import KMS_KEY, PRINCIPAL, AnyCidr, Cidr, LogDays, LogType, Namespace, Section


class Cluster(Section):
    """The EKS control plane's settings; what is not set is eksprov's default."""

    endpoint_public_access: bool = Field(True, description="Whether the API endpoint is reachable from the internet.")
    endpoint_private_access: bool = Field(True, description="Whether the API endpoint is reachable inside the VPC.")
    public_access_cidrs: tuple[AnyCidr, ...] = Field(
        ("0.0.0.0/0",),
        min_length=1,
        max_length=40,
        description="Who may reach the public endpoint; unset: everyone. IPv6 ranges go with network.ip_family ipv6.",
    )
    close_endpoint_last: bool = Field(
        False,
        description="Without endpoint_public_access: make the cluster open to public_access_cidrs, so that objects in "
        "it can be made from outside the VPC, and close it when all else is done. Later runs need a way into the VPC.",
    )
    service_ipv4_cidr: Cidr = Field(
        "172.20.0.0/16", description="Range of Kubernetes Services; create-only. With ip_family ipv6 EKS chooses one."
    )
    support_type: Literal["STANDARD", "EXTENDED"] = Field(
        "STANDARD", description="EXTENDED keeps a version longer, for a surcharge."
    )
    log_types: tuple[LogType, ...] = Field(
        ("api", "audit", "authenticator"), description="Control-plane logs sent to CloudWatch."
    )
    log_retention_days: LogDays = Field(30, description="How long CloudWatch keeps these logs.")
    deletion_protection: bool = Field(False, description="AWS refuses to delete the cluster while this is true.")
    kms_key: str = Field(
        "none",
        pattern=KMS_KEY,
        max_length=256,
        description="Encrypts the Kubernetes API's data: none (a key of AWS's), own (one made for the stack) or a KMS "
        "key's ARN. There is no way back from a key.",
    )
    kms_key_deletion_days: int = Field(
        30,
        ge=7,
        le=30,
        description="How long KMS keeps the stack's own key after teardown; it can be saved until then.",
    )


AccessPolicyName = Literal[
    "AmazonEKSClusterAdminPolicy",
    "AmazonEKSAdminPolicy",
    "AmazonEKSAdminViewPolicy",
    "AmazonEKSEditPolicy",
    "AmazonEKSViewPolicy",
    "AmazonEKSAutoNodePolicy",
]
AccessType = Literal["STANDARD", "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "EC2", "HYBRID_LINUX", "HYPERPOD_LINUX"]
CLUSTER_ADMIN: Final = "AmazonEKSClusterAdminPolicy"


def _usual_policy(data: Mapping[str, Any]) -> AccessPolicyName | None:
    plain = data.get("type", "STANDARD") == "STANDARD"
    return CLUSTER_ADMIN if plain and not data.get("kubernetes_groups") and not data.get("policies") else None


class AccessPolicy(Section):
    """An EKS access policy and where it holds."""

    policy: AccessPolicyName = Field(description="The EKS access policy.")
    namespaces: tuple[Namespace, ...] = Field((), description="Where it holds; empty: in the whole cluster.")


class AccessEntry(Section):
    """A person's or role's way into the cluster: an IAM principal, and what it may do there."""

    principal_arn: str = Field(
        pattern=PRINCIPAL, max_length=2048, description="The role or user; a role's own ARN, never a session's."
    )
    type: AccessType = Field(
        "STANDARD", description="STANDARD for people and programs; the others are for nodes that eksprov does not make."
    )
    kubernetes_groups: tuple[str, ...] = Field(
        (), max_length=100, description="Groups that your own role bindings name; only a STANDARD entry has any."
    )
    user_name: str | None = Field(
        None, min_length=1, max_length=256, description="Kubernetes' name for it; unset: what EKS makes of the ARN."
    )
    policies: tuple[AccessPolicy, ...] = Field((), max_length=20, description="What it may do, and where.")
    policy: AccessPolicyName | None = Field(
        default_factory=_usual_policy,
        description="One policy more, for short; unset: AmazonEKSClusterAdminPolicy where nothing else is given.",
    )
    namespaces: tuple[Namespace, ...] = Field((), description="Where policy holds; empty: in the whole cluster.")

    @property
    def grants(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Every policy with its namespaces."""
        own = ((self.policy, self.namespaces),) if self.policy else ()
        return (*own, *((one.policy, one.namespaces) for one in self.policies))

    @property
    def is_admin(self) -> bool:
        """Whether it may do everything in the whole cluster."""
        return (CLUSTER_ADMIN, ()) in self.grants
