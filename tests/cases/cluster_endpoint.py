"""A cluster's endpoint, where it is closed last of all: a part of the cluster, and read with it."""

from __future__ import annotations

from support.kind_case import Iam, KindCase

from eksprov.steps.cluster.endpoint import ClusterEndpoint

CASE = KindCase(
    kind=ClusterEndpoint,
    read="read with the cluster, in cluster.py",
    drifts="tests/steps/cluster/test_cluster_endpoint.py",
    untag="a part of the cluster, whose tags tell whose it is",
    asks=Iam(service="eks", creates=("eks:UpdateClusterConfig",), tag_action="eks:TagResource"),
    in_cluster=True,
)
