"""A pod identity association: pods of one service account get the credentials of one IAM role.

EKS knows it by an id of its own; we know it by cluster, namespace and service account, of which EKS allows one
(https://docs.aws.amazon.com/eks/latest/userguide/pod-id-association.html). It must exist before the pods start, or they
run without credentials until they are restarted (https://github.com/aws/containers-roadmap/issues/2400).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from eksprov.aws.faults import tolerating
from eksprov.aws.rights import Place, Rights, on
from eksprov.aws.session import Aws
from eksprov.aws.tags import of_stack, owner_of
from eksprov.aws.waiting import ROLE_LIMIT_S, ROLE_NOT_VISIBLE, eventually
from eksprov.core.billing import UNBILLED, Billing
from eksprov.core.change import UNKNOWN
from eksprov.core.names import ServiceAccount
from eksprov.core.step import FoundResource, Outputs, Owner, Step, Traits
from eksprov.steps.absent import none_if
from eksprov.steps.cluster.reading import GONE, names_of, none_if_gone
from eksprov.steps.cluster.rights import found, inside, own_cluster, passing, tagged_anew, tagging

if TYPE_CHECKING:
    from mypy_boto3_eks import EKSClient


@dataclass(frozen=True)
class AssociationFacts:
    """The role, and EKS's id of the association."""

    role_arn: str
    id: str = field(default=UNKNOWN, compare=False)
    arn: str = field(default=UNKNOWN, compare=False)
    owner: Owner | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class PodIdentityAssociation(Step[Aws, AssociationFacts]):
    """`slug` is "<cluster>/<namespace>/<service account>"; `role` names the step that makes the role."""

    kind: ClassVar[str] = "pod-identity-association"
    billing: ClassVar[Billing | None] = UNBILLED
    traits: ClassVar[Traits] = Traits(inside=True, tags_at=("eks", "arn"))

    role: str = ""

    @property
    def _key(self) -> dict[str, Any]:
        at = ServiceAccount.parse(self.slug)
        return {"clusterName": at.cluster, "namespace": at.namespace, "serviceAccount": at.name}

    @property
    def _cluster(self) -> str:
        return ServiceAccount.parse(self.slug).cluster

    def desired(self, outputs: Outputs) -> AssociationFacts:
        """The role of this stack."""
        return AssociationFacts(outputs.get(self.role, "arn"))

    def describe(self, want: AssociationFacts) -> str:
        """What is created, for the plan."""
        at = ServiceAccount.parse(self.slug)
        return f"{self.role} for service account {at.name} in {at.namespace}"

    def discover(self, aws: Aws, *, fresh: bool = False) -> AssociationFacts | None:
        """Found by its key, then read for its role and tags."""
        return none_if_gone(lambda: self._read(aws.clients.eks))

    def _read(self, eks: EKSClient) -> AssociationFacts | None:
        for summary in eks.list_pod_identity_associations(**self._key)["associations"]:
            found = eks.describe_pod_identity_association(
                clusterName=self._cluster, associationId=summary["associationId"]
            )["association"]
            return AssociationFacts(
                found["roleArn"], found["associationId"], found["associationArn"], owner_of(found.get("tags"))
            )
        return None

    def create(self, aws: Aws, want: AssociationFacts, token: str) -> dict[str, str]:
        """Waits until IAM's new role is visible to EKS; one that exists already is left to the proof."""
        eks = aws.clients.eks
        request = {**self._key, "roleArn": want.role_arn, "clientRequestToken": token, "tags": aws.tags(self.name)}
        made = none_if(
            lambda: eventually(
                aws,
                lambda: eks.create_pod_identity_association(**request),
                ROLE_NOT_VISIBLE,
                limit_s=ROLE_LIMIT_S,
            ),
            "ResourceInUseException",
        )
        return {"id": made["association"]["associationId"]} if made is not None else {}

    def update(self, aws: Aws, want: AssociationFacts, have: AssociationFacts, fields: tuple[str, ...]) -> None:
        """The role is all that changes; running pods keep the old one until they restart."""
        eks = aws.clients.eks
        eventually(
            aws,
            lambda: eks.update_pod_identity_association(
                clusterName=self._cluster, associationId=have.id, roleArn=want.role_arn
            ),
            ROLE_NOT_VISIBLE,
            limit_s=ROLE_LIMIT_S,
        )

    def delete(self, aws: Aws, have: AssociationFacts) -> None:
        with tolerating(GONE):
            aws.clients.eks.delete_pod_identity_association(clusterName=self._cluster, associationId=have.id)

    def outputs(self, have: AssociationFacts) -> dict[str, str]:
        return {"id": have.id, "arn": have.arn, "role_arn": have.role_arn}

    @classmethod
    def list_owned(cls, aws: Aws, stack: str) -> Iterable[FoundResource]:
        """The associations of the stack's clusters whose own tags name the stack; add-ons' own carry none."""
        eks = aws.clients.eks
        for cluster in names_of(aws, stack):
            with tolerating(GONE):
                pages = eks.get_paginator("list_pod_identity_associations").paginate(clusterName=cluster)
                for summary in [summary for page in pages for summary in page["associations"]]:
                    found = eks.describe_pod_identity_association(
                        clusterName=cluster, associationId=summary["associationId"]
                    )["association"]
                    owner = owner_of(found.get("tags"))
                    if of_stack(owner, stack, aws.region):
                        slug = str(ServiceAccount(cluster, found["namespace"], found["serviceAccount"]))
                        yield FoundResource(cls.kind, slug, found["associationArn"], owner)

    @classmethod
    def rights(cls, place: Place) -> Rights:
        own = inside(place, "podidentityassociation")
        read = (
            *on(own_cluster(place), "eks:ListPodIdentityAssociations"),
            *on(own, "eks:DescribePodIdentityAssociation"),
        )
        return Rights(
            read=read,
            make=(
                *on(
                    own_cluster(place), "eks:CreatePodIdentityAssociation"
                ),  # EKS asks it for add-ons, too, and without tags
                *tagging(place, own),
                *passing(place),
            ),
            change=(*on(own, "eks:UpdatePodIdentityAssociation"), *passing(place)),
            delete=on(own, "eks:DeletePodIdentityAssociation"),
            list_owned=(*found(place), *read),
            tag=tagged_anew(place),
        )
