"""Access entries that EKS makes for nodes: made again where somebody took them away, and else left alone."""

from __future__ import annotations

from support.kind_case import Iam, KindCase, Made

from eksprov.core.step import AnyStep
from eksprov.steps.identity.node_access_entry import NodeAccessEntry


def deleted(made: Made, step: AnyStep) -> None:
    cluster, principal = step.slug.split("/", 1)
    made.client("eks").delete_access_entry(clusterName=cluster, principalArn=principal)


CASE = KindCase(
    kind=NodeAccessEntry,
    read="read among all access entries, in access_entry.py",
    drifts={"current": deleted},
    untag="EKS makes it, without tags of ours",
    asks=Iam(
        service="eks",
        creates=("eks:CreateAccessEntry",),
        tag_action="eks:TagResource",
        untagged={
            "eks:CreateAccessEntry": (":cluster/", "EKS's own of nodes, made again: of their exact roles and type")
        },
    ),
    mended_too="node-access-entry/node",
    in_cluster=True,
)
