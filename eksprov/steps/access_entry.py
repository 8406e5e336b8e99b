"""A way into the cluster: an IAM principal and the EKS access policies it has there.

The principal is a role or user, never an STS session
(https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html). Managed node groups make entries of
their own; those are left alone. Whoever tears a cluster down needs its way in to the end, so an entry outlives node
groups and add-ons. Policies associated by others with an entry of ours are taken away: exactly these is the promise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from eksprov.aws.faults import tolerating
from eksprov.aws.session import Aws
from eksprov.aws.tags import owner_of
from eksprov.aws.waiting import ROLE_LIMIT_S, ROLE_NOT_VISIBLE, eventually
from eksprov.core.change import UNKNOWN
from eksprov.core.converge import is_ours
from eksprov.core.step import Outputs, Owner, Sighting, Step
from eksprov.steps.absent import unless
from eksprov.steps.eks_reading import GONE, names_of, unless_coming_or_going

if TYPE_CHECKING:
    from mypy_boto3_eks import EKSClient

Grants = frozenset[tuple[str, tuple[str, ...]]]  # policy ARN and namespaces; no namespaces: the whole cluster


@dataclass(frozen=True)
class AccessEntryFacts:
    """`policies` are exactly those associated."""

    type: str = field(metadata={"replace": True})
    policies: Grants
    arn: str = field(default=UNKNOWN, compare=False)
    owner: Owner | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class AccessEntry(Step[Aws, AccessEntryFacts]):
    """`slug` is "<cluster>/<principal ARN>"; `policies` are names such as AmazonEKSViewPolicy with their namespaces."""

    kind: ClassVar[str] = "access-entry"
    replaceable: ClassVar[bool] = True

    partition: str = "aws"
    policies: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def cluster(self) -> str:
        """The cluster's name."""
        return self.slug.split("/", 1)[0]

    @property
    def principal(self) -> str:
        """The principal's ARN."""
        return self.slug.split("/", 1)[1]

    def desired(self, outputs: Outputs) -> AccessEntryFacts:  # noqa: ARG002 -- known from the config alone
        """A STANDARD entry with the policies of the config."""
        prefix = f"arn:{self.partition}:eks::aws:cluster-access-policy/"
        return AccessEntryFacts(
            "STANDARD", frozenset((prefix + name, tuple(sorted(spaces))) for name, spaces in self.policies)
        )

    def discover(self, aws: Aws, *, fresh: bool = False) -> AccessEntryFacts | None:  # noqa: ARG002 -- two calls always
        """The entry, then its policies."""
        return unless_coming_or_going(aws, self.cluster, lambda: self._read(aws.clients.eks))

    def _read(self, eks: EKSClient) -> AccessEntryFacts:
        entry = eks.describe_access_entry(clusterName=self.cluster, principalArn=self.principal)["accessEntry"]
        pages = eks.get_paginator("list_associated_access_policies").paginate(
            clusterName=self.cluster, principalArn=self.principal
        )
        found = [policy for page in pages for policy in page["associatedAccessPolicies"]]
        grants = frozenset((p["policyArn"], tuple(sorted(p["accessScope"].get("namespaces", [])))) for p in found)
        return AccessEntryFacts(entry["type"], grants, entry["accessEntryArn"], owner_of(entry.get("tags")))

    def create(self, aws: Aws, want: AccessEntryFacts, token: str) -> dict[str, str]:
        """The entry, once IAM's principal is visible to EKS; then its policies, unless the entry is a stranger's."""
        request: dict[str, Any] = {
            "clusterName": self.cluster,
            "principalArn": self.principal,
            "type": want.type,
            "clientRequestToken": token,
            "tags": aws.tags(self.name),
        }
        eks = aws.clients.eks
        made = unless(
            lambda: eventually(aws, lambda: eks.create_access_entry(**request), ROLE_NOT_VISIBLE, limit_s=ROLE_LIMIT_S),
            "ResourceInUseException",
        )
        have = self.discover(aws, fresh=True) if made is None else None
        if made is not None or (have is not None and is_ours(have.owner, aws.owner)):
            self._grant(aws, want.policies, have.policies if have is not None else frozenset())
        return {}

    def update(self, aws: Aws, want: AccessEntryFacts, have: AccessEntryFacts, fields: tuple[str, ...]) -> None:  # noqa: ARG002
        """The policies are all that changes in place."""
        self._grant(aws, want.policies, have.policies)

    def delete(self, aws: Aws, have: AccessEntryFacts) -> None:  # noqa: ARG002 -- its policies go with it
        """The entry; its associations go with it."""
        with tolerating(GONE):
            aws.clients.eks.delete_access_entry(clusterName=self.cluster, principalArn=self.principal)

    def outputs(self, have: AccessEntryFacts) -> dict[str, str]:
        """`arn` and `principal_arn`."""
        return {"arn": have.arn, "principal_arn": self.principal}

    @classmethod
    def survey(cls, aws: Aws, stack: str) -> Iterable[Sighting]:
        """The entries of the stack's clusters whose own tags name the stack."""
        eks = aws.clients.eks
        for cluster in names_of(aws, stack):
            with tolerating(GONE):
                for principal in unless_coming_or_going(aws, cluster, partial(_principals, eks, cluster)) or ():
                    entry = eks.describe_access_entry(clusterName=cluster, principalArn=principal)["accessEntry"]
                    owner = owner_of(entry.get("tags"))
                    if owner is not None and owner.stack == stack:
                        yield Sighting(cls.kind, f"{cluster}/{principal}", entry["accessEntryArn"], owner)

    def _grant(self, aws: Aws, want: Grants, have: Grants) -> None:
        """Associating a policy again changes its scope; nothing is taken away before the new grants stand."""
        eks, key = aws.clients.eks, {"clusterName": self.cluster, "principalArn": self.principal}
        for arn, namespaces in sorted(want - have):
            scope: Any = {"type": "namespace", "namespaces": list(namespaces)} if namespaces else {"type": "cluster"}
            eks.associate_access_policy(**key, policyArn=arn, accessScope=scope)
        for arn in sorted({arn for arn, _ in have} - {arn for arn, _ in want}):
            with tolerating(GONE):
                eks.disassociate_access_policy(**key, policyArn=arn)


def _principals(eks: EKSClient, cluster: str) -> list[str]:
    pages = eks.get_paginator("list_access_entries").paginate(clusterName=cluster)
    return [arn for page in pages for arn in page["accessEntries"]]
