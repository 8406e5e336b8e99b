"""The `preflight` section: which findings are of no interest."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from eksprov.config.schema.base import Section

FindingName = Literal[
    "address-space",
    "capacity-reservation",
    "disk-key",
    "identity",
    "endpoint-service",
    "instance-type-zones",
    "kms-key",
    "kubernetes-support",
    "kubernetes-version",
    "max-pods",
    "model-files",
    "model-nodes",
    "monthly-cost",
    "name-taken",
    "node-group",
    "node-release",
    "permissions",
    "principal",
    "quota-eks-cluster",
    "quota-eks-node-group",
    "quota-eks-nodes-per-group",
    "quota-elastic-ip",
    "quota-nat-gateway",
    "quota-spot-g",
    "quota-spot-inf",
    "quota-spot-p",
    "quota-spot-p5",
    "quota-spot-standard",
    "quota-spot-trn",
    "quota-vcpu-g",
    "quota-vcpu-inf",
    "quota-vcpu-other",
    "quota-vcpu-p",
    "quota-vcpu-standard",
    "quota-vcpu-trn",
    "quota-vpc",
    "s3-bucket",
    "sns-topic",
    "spot-score",
    "system-pods",
    "zone",
]


class Preflight(Section):
    """What is checked before anything is created (`eksprov doctor`)."""

    suppress: tuple[FindingName, ...] = Field(
        (), max_length=64, description="Names of findings that are not shown and stop nothing."
    )
