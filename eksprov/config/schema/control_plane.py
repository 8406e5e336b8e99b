"""The sections `cluster` and `access`: the EKS control plane and who may use it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from eksprov.config.schema.base import PRINCIPAL, Cidr, LogType, Namespace, Section


class Cluster(Section):
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


class AccessEntry(Section):
    """A person's or role's way into the cluster: an IAM principal and an EKS access policy."""

    principal_arn: str = Field(
        pattern=PRINCIPAL, max_length=2048, description="The role or user; a role's own ARN, never a session's."
    )
    policy: Literal[
        "AmazonEKSClusterAdminPolicy", "AmazonEKSAdminPolicy", "AmazonEKSEditPolicy", "AmazonEKSViewPolicy"
    ] = Field("AmazonEKSClusterAdminPolicy", description="What it may do.")
    namespaces: tuple[Namespace, ...] = Field((), description="Where it may do so; empty: in the whole cluster.")
