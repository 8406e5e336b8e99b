"""EKS's associations of service accounts with roles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from support.kind_case import Iam, Item, KindCase, Made, Thing
from support.memory import Memory, shape
from support.plain import of_clusters, untag_in_eks

from eksprov.core.step import AnyStep
from eksprov.steps.identity.pod_identity_association import PodIdentityAssociation


def another_role(made: Made, step: AnyStep) -> None:
    have: Any = step.discover(made.aws())
    other = made.outputs.of("role/vpc-cni") or made.outputs.of("existing-role/vpc-cni")
    made.client("eks").update_pod_identity_association(
        clusterName=step.slug.split("/")[0], associationId=have.id, roleArn=other["arn"]
    )


def peek(memory: Memory) -> Iterable[Item]:
    return (shape("association", one) for cluster in memory.clusters() for one in cluster.associations.values())


CASE = KindCase(
    kind=PodIdentityAssociation,
    read=of_clusters(
        "list_pod_identity_associations",
        "associations",
        "describe_pod_identity_association",
        "associationId",
        "association",
    ),
    peek=peek,
    drifts={"role_arn": another_role},
    untag=untag_in_eks,
    asks=Iam(
        service="eks",
        creates=("eks:CreatePodIdentityAssociation",),
        tag_action="eks:TagResource",
        thing=Thing(resource="podidentityassociation", made_by="CreatePodIdentityAssociation", told_by="associationId"),
    ),
    in_cluster=True,
    aws_makes_some=True,
)
