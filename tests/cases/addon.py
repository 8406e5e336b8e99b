"""Add-ons of EKS."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from support.kind_case import Change, Iam, Item, KindCase, Made, Thing
from support.memory import Memory, shape
from support.plain import of_clusters, untag_in_eks

from eksprov.core.step import AnyStep
from eksprov.steps.addons.addon import Addon


def updated(**change: Any) -> Change:
    def update(made: Made, step: AnyStep) -> None:
        cluster, addon = step.slug.split("/")
        made.client("eks").update_addon(clusterName=cluster, addonName=addon, **change)

    return update


def peek(memory: Memory) -> Iterable[Item]:
    return (shape("addon", one) for cluster in memory.clusters() for one in cluster.addons.values())


CASE = KindCase(
    kind=Addon,
    read=of_clusters("list_addons", "addons", "describe_addon", "addonName", "addon"),
    peek=peek,
    drifts={
        "configuration": updated(configurationValues='{"enableNetworkPolicy":"false"}'),
        "roles": updated(podIdentityAssociations=[]),
        "version": "compared only where the config pins one; tests of the kind cover it",
        "state": "EKS's own word for an update that failed; tests of the kind cover it",
        "service_account_role": "compared only where the config names one; tests of the kind cover it",
        "preserve": "a tag that counts only when the add-on goes; tests of the kind cover it",
    },
    untag=untag_in_eks,
    asks=Iam(
        service="eks",
        creates=("eks:CreateAddon", "eks:CreatePodIdentityAssociation"),
        tag_action="eks:TagResource",
        thing=Thing(resource="addon", made_by="CreateAddon", told_by="addonName"),
        unseen={
            "eks:DeleteAddon": "in provision: a failed one is made again",
            "eks:UntagResource": "an add-on's `preserve` that is taken back",
        },
        untagged={"eks:CreatePodIdentityAssociation": (":cluster/", "for an add-on EKS asks it without tags")},
    ),
    usual=lambda step: step.name == "addon/vpc-cni",
    in_cluster=True,
    looks_at=frozenset({"version", "follow"}),  # which versions would fulfil the policy that is followed
)
