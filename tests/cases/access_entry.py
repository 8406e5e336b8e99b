"""Access entries, with the policies that are given to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from support.kind_case import Client, Iam, Item, KindCase, Made, Thing
from support.memory import Memory, shape
from support.plain import pages, untag_in_eks

from eksprov.core.step import AnyStep
from eksprov.steps.identity.access_entry import AccessEntry

POLICY = "arn:aws:eks::aws:cluster-access-policy/AmazonEKS{}Policy"


def read(client: Client) -> Iterable[Item]:
    """In its oldest mode EKS does not speak of them."""
    eks = client("eks")
    for cluster in pages(eks, "list_clusters", "clusters"):
        access = eks.describe_cluster(name=cluster)["cluster"]["accessConfig"]
        if access["authenticationMode"] == "CONFIG_MAP":
            continue
        for principal in pages(eks, "list_access_entries", "accessEntries", clusterName=cluster):
            key = {"clusterName": cluster, "principalArn": principal}
            policies = pages(eks, "list_associated_access_policies", "associatedAccessPolicies", **key)
            yield {**eks.describe_access_entry(**key)["accessEntry"], "policies": policies}


def key(step: AnyStep) -> dict[str, Any]:
    cluster, principal = step.slug.split("/", 1)
    return {"clusterName": cluster, "principalArn": principal}


def only_views(made: Made, step: AnyStep) -> None:
    eks, scope = made.client("eks"), {"type": "cluster"}
    eks.associate_access_policy(**key(step), policyArn=POLICY.format("View"), accessScope=scope)
    eks.disassociate_access_policy(**key(step), policyArn=POLICY.format("ClusterAdmin"))


def in_another_group(made: Made, step: AnyStep) -> None:
    made.client("eks").update_access_entry(**key(step), kubernetesGroups=["strangers"])


def is_a_persons(step: AnyStep) -> bool:
    return isinstance(step, AccessEntry) and step.type != "EC2_LINUX"


def peek(memory: Memory) -> Iterable[Item]:
    for one in (one for cluster in memory.clusters() for one in cluster.entries.values()):
        yield {**shape("access-entry", one), "policies": sorted(one.policies)}


CASE = KindCase(
    kind=AccessEntry,
    read=read,
    peek=peek,
    drifts={
        "policies": only_views,
        "groups": in_another_group,
        "user_name": "compared only where the config has one; tests of the kind cover it",
    },
    untag=untag_in_eks,
    asks=Iam(
        service="eks",
        creates=("eks:CreateAccessEntry",),
        tag_action="eks:TagResource",
        thing=Thing(resource="access-entry", made_by="CreateAccessEntry", told_by="principalArn"),
        unseen={
            "eks:DeleteAccessEntry": "in provision: one that cannot change in place is made again",
            "eks:DisassociateAccessPolicy": "policies given by others",
            "eks:ListAccessEntries": "in provision: looks for another admin before one loses its rights",
            "eks:UpdateAccessEntry": "groups and names that changed",
        },
    ),
    usual=is_a_persons,
    in_cluster=True,
    aws_makes_some=True,
    looks_at=frozenset({"compare_age"}),  # its role is read, too, where something is wanted of its age
)
