"""The keys `autoscaler` and `device_plugins`: what eksprov installs in the cluster beside models."""

from __future__ import annotations

from typing import Final, Literal

Autoscaler = Literal["none", "cluster-autoscaler"]
DevicePlugins = Literal["auto", "none"]

AUTOSCALER: Final = (
    "Who sets the number of nodes: none (eksprov, by desired_size) or cluster-autoscaler (installed; it moves between "
    "each group's min_size and max_size, and desired_size counts at creation only)."
)
DEVICE_PLUGINS: Final = (
    "auto installs the device plugin of NVIDIA or Neuron where a node group has such instances; none leaves it to you "
    "(the GPU operator, say)."
)
