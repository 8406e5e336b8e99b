"""The keys `autoscaler`, `auto_mode` and `device_plugins`: what eksprov installs in the cluster beside models."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from eksprov.config.schema.base import Section

Autoscaler = Literal["none", "cluster-autoscaler", "karpenter", "auto-mode"]
DevicePlugins = Literal["auto", "none"]

AUTOSCALER: Final = (
    "Who sets the number of nodes: none (eksprov, by desired_size), cluster-autoscaler (installed; it moves between "
    "each group's min_size and max_size, and desired_size counts at creation only), karpenter (installed; it launches "
    "nodes of node_pools, beside the node groups) or auto-mode (EKS Auto Mode makes and ends nodes as pods need them, "
    "with or without node groups)."
)
DEVICE_PLUGINS: Final = (
    "auto installs the device plugin of NVIDIA or Neuron where a node group has such instances, and that of EFA where "
    "one has efa; none leaves it to you (the GPU operator, say)."
)


class AutoMode(Section):
    """EKS Auto Mode's settings: which of its built-in pools make nodes."""

    node_pools: tuple[Literal["general-purpose", "system"], ...] = Field(
        ("general-purpose", "system"),
        min_length=1,
        max_length=2,
        description="Its built-in pools: on-demand nodes of the families C, M and R; system is for cluster add-ons.",
    )
