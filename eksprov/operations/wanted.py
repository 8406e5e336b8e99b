"""Everything a stack should be: the AWS half of the catalog, and what eksprov installs in the cluster. Pure.

The halves know one another by the names of steps alone. What is in the cluster waits for the cluster and for its access
entries, without which nobody gets in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from eksprov.config.schema import Config
from eksprov.controllers.cluster_autoscaler import cluster_autoscaler
from eksprov.controllers.device_plugins import device_plugin
from eksprov.controllers.parts import Facts
from eksprov.core.step import Step
from eksprov.kube.objects import KubeObject
from eksprov.steps.catalog import catalog, cluster_name
from eksprov.steps.catalog.autoscaling import CLUSTER_AUTOSCALER, identity_name
from eksprov.steps.catalog.control_plane import closing
from eksprov.steps.catalog.names import CLUSTER
from eksprov.steps.catalog.nodes import shape_of
from eksprov.steps.choices import Choices

AnyStep = Step[Any, Any]
ACCELERATORS: tuple[Literal["nvidia", "neuron"], ...] = ("nvidia", "neuron")


def wanted(config: Config, choices: Choices, stack_id: str) -> tuple[AnyStep, ...]:
    """Every step of the stack but those of its models."""
    aws = catalog(config, choices)
    gate = (CLUSTER, *(step.name for step in aws if step.kind == "access-entry"))
    version = choices.kubernetes_version
    facts = Facts(config.name, stack_id, cluster_name(config), choices.region, version, gate)
    steps = (*aws, *_installed(config, choices, facts))
    return (*steps, *closing(config, tuple(step.name for step in steps)))


def _installed(config: Config, choices: Choices, facts: Facts) -> Iterator[KubeObject]:
    for accelerator in ACCELERATORS if config.device_plugins == "auto" else ():
        groups = (group for group in config.node_groups if shape_of(group, choices).plugin == accelerator)
        if types := {name for group in groups for name in group.instance_types}:
            yield from device_plugin(facts, accelerator, tuple(sorted(types)))
    if config.autoscaler == CLUSTER_AUTOSCALER:
        hosts = tuple(f"node-group/{group.name}" for group in config.node_groups if group.min_size)
        yield from cluster_autoscaler(facts, (identity_name(CLUSTER_AUTOSCALER),), hosts)
