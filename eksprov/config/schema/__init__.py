"""The config file's shape. Keys read like AWS and Kubernetes, in snake_case, with units in their names.

Every key has a default but `name`; unknown keys are refused. Sizes are GiB or MiB, times are seconds or days.
Each field's description is what `eksprov schema` and `eksprov init --full` show.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from eksprov.config.schema.addons import Addon
from eksprov.config.schema.autoscaling import AUTOSCALER, DEVICE_PLUGINS, AutoMode, Autoscaler, DevicePlugins
from eksprov.config.schema.base import REGION, S3_URL, VERSION, Name, Section, TagKey, TagValue
from eksprov.config.schema.control_plane import AccessEntry, Cluster
from eksprov.config.schema.cost import Cost
from eksprov.config.schema.iam import Iam
from eksprov.config.schema.local import Local
from eksprov.config.schema.models import Model, Replicas
from eksprov.config.schema.monitoring import Monitoring
from eksprov.config.schema.network import Network
from eksprov.config.schema.nodes import NodeGroup, Taint
from eksprov.config.schema.pools import NODE_POOLS, NodePool
from eksprov.config.schema.preflight import Preflight

__all__ = [
    "AccessEntry",
    "Addon",
    "AutoMode",
    "Cluster",
    "Config",
    "Cost",
    "Iam",
    "Local",
    "Model",
    "Monitoring",
    "Network",
    "NodeGroup",
    "NodePool",
    "Preflight",
    "Replicas",
    "Taint",
]


class Config(Section):
    """All that a config file may say; each key is a section or a value of its own."""

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
        None, pattern=VERSION, description='Like "1.35", in quotes; unset: EKS\'s default at creation, then what it is.'
    )
    network: Network = Field(Network(), description="The VPC.")
    cluster: Cluster = Field(Cluster(), description="The EKS control plane.")
    iam: Iam = Field(Iam(), description="The IAM roles: path, permissions boundary, and those that exist.")
    access: tuple[AccessEntry, ...] = Field(
        (), max_length=100, description="Who may use the cluster; empty: whoever creates it is its admin."
    )
    # 30 a cluster is the EKS quota's default.
    node_groups: tuple[NodeGroup, ...] = Field((), max_length=30, description="Managed node groups.")
    autoscaler: Autoscaler = Field("none", description=AUTOSCALER)
    node_pools: tuple[NodePool, ...] = Field((), max_length=50, description=NODE_POOLS)
    auto_mode: AutoMode = Field(AutoMode(), description="EKS Auto Mode, where it is the autoscaler.")
    device_plugins: DevicePlugins = Field("auto", description=DEVICE_PLUGINS)
    addons: tuple[Addon, ...] = Field((), max_length=50, description="Add-ons beyond those that every stack gets.")
    monitoring: Monitoring = Field(Monitoring(), description="CloudWatch alarms, dashboards and log retention.")
    models: tuple[Model, ...] = Field((), max_length=200, description="Models that deploy-model serves.")
    tags: dict[TagKey, TagValue] = Field(
        default_factory=dict, max_length=40, description="Tags on every AWS resource, beside eksprov's own."
    )
    preflight: Preflight = Field(Preflight(), description="What is checked before anything is created.")
    cost: Cost = Field(Cost(), description="What the stack may cost.")
    local: Local = Field(Local(), description="The local world; read only when target is local.")
