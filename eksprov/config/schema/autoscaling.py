"""The keys `autoscaler` and `device_plugins`: what eksprov installs in the cluster beside models."""

from __future__ import annotations

from typing import Final, Literal

Autoscaler = Literal["none", "cluster-autoscaler", "karpenter"]
DevicePlugins = Literal["auto", "none"]

AUTOSCALER: Final = (
    "Who sets the number of nodes: none (eksprov, by desired_size), cluster-autoscaler (installed; it moves between "
    "each group's min_size and max_size, and desired_size counts at creation only) or karpenter (installed; it "
    "launches nodes of node_pools, beside the node groups)."
)
DEVICE_PLUGINS: Final = (
    "auto installs the device plugin of NVIDIA or Neuron where a node group has such instances; none leaves it to you "
    "(the GPU operator, say)."
)
