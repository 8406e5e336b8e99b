"""The rules between keys: what each key alone allows, but AWS, Kubernetes or arithmetic does not.

Pure but for one look at whether a model's folder is there. Sources: for the cluster's ranges
https://docs.aws.amazon.com/eks/latest/APIReference/API_KubernetesNetworkConfigRequest.html, for subnets
https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html, for labels
https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/, for tags
https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath

from eksprov.config.rules import (
    addons,
    autoscaling,
    control_plane,
    fallbacks,
    iam,
    ip_family,
    local,
    models,
    network,
    nodes,
    places,
    tags,
)
from eksprov.config.rules import monitoring as watching
from eksprov.config.rules.base import Finding, twice
from eksprov.config.schema import Config
from eksprov.errors import Problem


def check(config: Config, folder: FilePath | None = None) -> list[Problem]:
    """Every broken rule, without file and line; `folder` is the config file's, None looks at no model's folder."""
    return [finding.problem for finding in findings(config, folder)]


def findings(config: Config, folder: FilePath | None = None) -> Iterator[Finding]:
    """Every broken rule with the paths it leans on."""
    yield from network.network(config)
    yield from ip_family.ip_family(config)
    yield from control_plane.endpoint(config)
    yield from control_plane.key(config)
    yield from control_plane.access(config)
    for index, group in enumerate(config.node_groups):
        yield from nodes.node_group(group, ("node_groups", index))
        yield from fallbacks.fallbacks(group, ("node_groups", index))
    yield from twice(("node_groups",), "name", [group.name for group in config.node_groups])
    yield from autoscaling.autoscaling(config)
    yield from addons.addons(config)
    yield from iam.iam(config)
    yield from models.models(config, folder)
    yield from watching.monitoring(config)
    yield from tags.tags(config)
    yield from places.places(config)
    yield from local.local(config)
