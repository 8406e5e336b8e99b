"""EKS clusters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from support.kind_case import Change, Client, Iam, Item, KindCase, Thing
from support.memory import Memory, shape
from support.plain import pages, untag_in_eks

from eksprov.steps.cluster.cluster import Cluster

AUTO_MODE = "tests/steps/cluster/test_auto_mode.py changes it in a stack that has it"


def read(client: Client) -> Iterable[Item]:
    eks = client("eks")
    for name in pages(eks, "list_clusters", "clusters"):
        yield eks.describe_cluster(name=name)["cluster"]


def updated(**change: Any) -> Change:
    return lambda made, step: made.client("eks").update_cluster_config(name=step.slug, **change)


def peek(memory: Memory) -> Iterable[Item]:
    return (shape("cluster", one) for one in memory.clusters())


CASE = KindCase(
    kind=Cluster,
    read=read,
    peek=peek,
    drifts={
        "deletion_protection": updated(deletionProtection=True),
        "log_types": updated(logging={"clusterLogging": [{"types": ["audit"], "enabled": False}]}),
        "public_access": updated(resourcesVpcConfig={"endpointPublicAccess": False}),
        "private_access": updated(resourcesVpcConfig={"endpointPrivateAccess": False}),
        "public_cidrs": updated(resourcesVpcConfig={"publicAccessCidrs": ["81.2.70.0/24"]}),
        "support_type": updated(upgradePolicy={"supportType": "EXTENDED"}),
        "authentication": "EKS lets it move only towards API, which is what we want",
        **dict.fromkeys(("auto_mode", "node_pools", "node_role_arn"), AUTO_MODE),
        "key_arn": "EKS takes no key back; tests of the key cover it",
    },
    untag=untag_in_eks,
    asks=Iam(
        service="eks",
        creates=("eks:CreateCluster", "iam:PassRole"),
        tag_action="eks:TagResource",
        thing=Thing(resource="cluster", made_by="CreateCluster"),
        unseen={
            "eks:AssociateEncryptionConfig": "a key that the config asks for later",
            "eks:DeleteCluster": "in provision: a failed one is made again",
            "eks:DescribeUpdate": "why an update ended without effect",
            "iam:CreateServiceLinkedRole": "EKS asks it of the first one in an account",
        },
    ),
    held=True,
)
