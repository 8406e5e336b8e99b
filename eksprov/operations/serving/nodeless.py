"""A cluster that has no nodes and gets none by itself: nothing on it would ever start, so nothing is begun."""

from __future__ import annotations

from eksprov import errors
from eksprov.kube.api import KubeApi
from eksprov.operations.stack import Opened
from eksprov.steps.catalog.names import has_auto_mode
from eksprov.steps.node_groups.node_group import NodeGroup


def refuse_without_nodes(opened: Opened, kube: KubeApi) -> None:
    """Raises: NotThereError where there is no node and no node group to bring one.

    Auto Mode launches nodes for pods by itself. What Karpenter and the Cluster Autoscaler are run by are nodes of a
    node group, so without any they launch none.
    """
    config = opened.stack.config
    if has_auto_mode(config) or kube.list("v1", "Node"):
        return
    if not any(record.kind == NodeGroup.kind for record in opened.state.steps.values()):
        raise errors.NotThereError(
            "the cluster has no nodes, and none of its node groups is made yet", "make them with `eksprov provision`"
        )
    if config.autoscaler == "none" and not any(group.desired_size for group in config.node_groups):
        raise errors.NotThereError(
            "the cluster has no nodes: the desired_size of every node group is 0",
            "give a node group a desired_size above 0 and provision",
        )
