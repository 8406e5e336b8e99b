"""A way into the cluster: an IAM principal and the EKS access policies it has there.

The principal is a role or user, never an STS session
(https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html). Managed node groups make entries of
their own; those are left alone. Whoever tears a cluster down needs its way in to the end, so an entry outlives node
groups and add-ons. Policies associated by others with an entry of ours are taken away: exactly these is the promise.

Nobody is locked out: the admin's policy is taken from an entry only while another entry has it for the whole cluster.
EKS keeps the principal's unique id with the entry and does not show it, so a role that was deleted and made again
under the same ARN has an entry that lets nobody in
(https://docs.aws.amazon.com/eks/latest/APIReference/API_AccessEntry.html, `principalArn`). An entry that is older than
its principal is such a one; it is deleted and made again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from eksprov import errors
from eksprov.aws.faults import tolerating
from eksprov.aws.rights import Place, Rights, on
from eksprov.aws.session import Aws
from eksprov.aws.tags import of_stack, owner_of
from eksprov.aws.waiting import ENTRY_NOT_SEEN, ROLE_LIMIT_S, ROLE_NOT_VISIBLE, eventually
from eksprov.core.billing import UNBILLED, Billing
from eksprov.core.change import UNKNOWN, left_to_others
from eksprov.core.convergence.converge import is_ours
from eksprov.core.describing import some
from eksprov.core.names import InCluster, last_part
from eksprov.core.replacement import Order, Replacement
from eksprov.core.step import READY, FoundResource, Outputs, Owner, Phase, PhaseState, Step, Traits
from eksprov.steps.absent import none_if
from eksprov.steps.cluster.reading import GONE, names_of, unless_coming_or_going
from eksprov.steps.cluster.rights import found, granting, inside, own_cluster, tagged_anew, tagging

if TYPE_CHECKING:
    from mypy_boto3_eks import EKSClient

ADMIN_POLICY = "AmazonEKSClusterAdminPolicy"
Grants = frozenset[tuple[str, tuple[str, ...]]]  # policy ARN and namespaces; no namespaces: the whole cluster


@dataclass(frozen=True)
class AccessEntryFacts:
    """`policies` are exactly those associated; `user_name` is "" where EKS chooses; `stale`: see above."""

    type: str = field(metadata={"replace": True})
    policies: Grants
    groups: frozenset[str] = frozenset()
    user_name: str = ""
    stale: bool = field(default=False, compare=False)
    arn: str = field(default=UNKNOWN, compare=False)
    owner: Owner | None = field(default=None, compare=False)
    unmanaged: frozenset[str] = field(default=frozenset(), compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class AccessEntry(Step[Aws, AccessEntryFacts]):
    """`slug` is "<cluster>/<principal ARN>"; `policies` are names such as AmazonEKSViewPolicy with their namespaces.

    `compare_age` has the principal read too (one call more), to tell an entry that an earlier one of its name had.
    """

    kind: ClassVar[str] = "access-entry"
    billing: ClassVar[Billing | None] = UNBILLED
    traits: ClassVar[Traits] = Traits(inside=True, tags_at=("eks", "arn"), recreate_failed=True, serves_workloads=True)

    partition: str = "aws"
    type: str = "STANDARD"
    policies: tuple[tuple[str, tuple[str, ...]], ...] = ()
    groups: tuple[str, ...] = ()
    user_name: str = ""
    compare_age: bool = False

    @property
    def cluster(self) -> str:
        return InCluster.parse(self.slug).cluster

    @property
    def principal(self) -> str:
        return InCluster.parse(self.slug).name

    @property
    def replacement(self) -> Replacement:
        """A second one cannot stand beside it."""
        return Replacement(Order.DELETE_FIRST, "the principal has no access")

    def desired(self, outputs: Outputs) -> AccessEntryFacts:
        prefix = f"arn:{self.partition}:eks::aws:cluster-access-policy/"
        policies = frozenset((prefix + name, tuple(sorted(spaces))) for name, spaces in self.policies)
        theirs = left_to_others(user_name=not self.user_name)
        return AccessEntryFacts(self.type, policies, frozenset(self.groups), self.user_name, unmanaged=theirs)

    def describe(self, want: AccessEntryFacts) -> str:
        """What is created, for the plan."""
        rights = some((*(last_part(policy) for policy, _ in want.policies), *want.groups))
        return f"{rights or want.type} for {self.principal.rsplit(':', 1)[-1]}"

    def discover(self, aws: Aws, *, fresh: bool = False) -> AccessEntryFacts | None:
        """The entry, then its policies."""
        return unless_coming_or_going(aws, self.cluster, lambda: self._read(aws))

    def _read(self, aws: Aws) -> AccessEntryFacts:
        eks = aws.clients.eks
        entry = eks.describe_access_entry(clusterName=self.cluster, principalArn=self.principal)["accessEntry"]
        grants = frozenset((arn, namespaces) for arn, namespaces in _grants_of(eks, self.cluster, self.principal))
        return AccessEntryFacts(
            type=entry["type"],
            policies=grants,
            groups=frozenset(entry.get("kubernetesGroups", [])) if entry["type"] == "STANDARD" else frozenset(),
            user_name=entry.get("username", ""),
            stale=self.compare_age and self._is_older_than_principal(aws, entry),
            arn=entry["accessEntryArn"],
            owner=owner_of(entry.get("tags")),
        )

    def _is_older_than_principal(self, aws: Aws, entry: Mapping[str, Any]) -> bool:
        """Not of a principal that cannot be read: another account's, a deleted one, or one we may not look at."""
        _, _, _, _, account, what = self.principal.split(":", 5)
        name = last_part(what)
        if account != entry["accessEntryArn"].split(":")[4]:
            return False
        iam = aws.clients.iam
        read: Callable[[], Any] = (
            (lambda: iam.get_role(RoleName=name)["Role"])
            if what.startswith("role/")
            else lambda: iam.get_user(UserName=name)["User"]
        )
        found = none_if(read, "NoSuchEntity", "AccessDenied")
        return bool(found and found["Arn"] == self.principal and found["CreateDate"] > entry["createdAt"])

    def create(self, aws: Aws, want: AccessEntryFacts, token: str) -> dict[str, str]:
        """The entry, once IAM's principal is visible to EKS; then its policies, unless the entry is a stranger's."""
        request: dict[str, Any] = {
            "clusterName": self.cluster,
            "principalArn": self.principal,
            "type": want.type,
            "clientRequestToken": token,
            "tags": aws.tags(self.name),
            **_names(want),
        }
        eks = aws.clients.eks
        made = none_if(
            lambda: eventually(aws, lambda: eks.create_access_entry(**request), ROLE_NOT_VISIBLE, limit_s=ROLE_LIMIT_S),
            "ResourceInUseException",
        )
        have = self.discover(aws, fresh=True) if made is None else None
        if made is not None:
            self._grant(aws, want.policies, frozenset())
        elif have is not None and is_ours(have.owner, aws.owner):
            self.update(aws, want, have, ("groups", "policies"))
        return {}

    def update(self, aws: Aws, want: AccessEntryFacts, have: AccessEntryFacts, fields: tuple[str, ...]) -> None:
        """Names first, then policies. Raises: ProvisioningError where nobody would be admin any more."""
        admin = (f"arn:{self.partition}:eks::aws:cluster-access-policy/{ADMIN_POLICY}", ())
        if admin in have.policies - want.policies:
            self._refuse_last_admin(aws, admin[0])
        if {"groups", "user_name"} & set(fields):
            aws.clients.eks.update_access_entry(
                clusterName=self.cluster, principalArn=self.principal, **{"kubernetesGroups": [], **_names(want)}
            )
        self._grant(aws, want.policies, have.policies)

    def _refuse_last_admin(self, aws: Aws, policy: str) -> None:
        eks = aws.clients.eks
        pages = eks.get_paginator("list_access_entries").paginate(clusterName=self.cluster, associatedPolicyArn=policy)
        others = [arn for page in pages for arn in page["accessEntries"] if arn != self.principal]
        if not any((policy, ()) in _grants_of(eks, self.cluster, other) for other in others):
            raise errors.ProvisioningError(
                f"{self.name}: {self.principal} is the cluster's last admin; taking that away would lock everybody out",
                f"give another principal {ADMIN_POLICY} without namespaces under access:, provision, then try again",
            )

    def delete(self, aws: Aws, have: AccessEntryFacts) -> None:
        """The entry; its associations go with it."""
        with tolerating(GONE):
            aws.clients.eks.delete_access_entry(clusterName=self.cluster, principalArn=self.principal)

    def phase(self, have: AccessEntryFacts) -> Phase:
        """Failed where EKS knows an earlier principal under this ARN."""
        if not have.stale:
            return READY
        return Phase(PhaseState.FAILED, f"{self.principal} was deleted and made again after its entry was made")

    def outputs(self, have: AccessEntryFacts) -> dict[str, str]:
        return {"arn": have.arn, "principal_arn": self.principal}

    @classmethod
    def list_owned(cls, aws: Aws, stack: str) -> Iterable[FoundResource]:
        """The entries of the stack's clusters whose own tags name the stack."""
        eks = aws.clients.eks
        for cluster in names_of(aws, stack):
            with tolerating(GONE):
                for principal in unless_coming_or_going(aws, cluster, partial(_principals, eks, cluster)) or ():
                    entry = eks.describe_access_entry(clusterName=cluster, principalArn=principal)["accessEntry"]
                    owner = owner_of(entry.get("tags"))
                    if of_stack(owner, stack, aws.region):
                        yield FoundResource(
                            cls.kind, str(InCluster(cluster, principal)), entry["accessEntryArn"], owner
                        )

    def _grant(self, aws: Aws, want: Grants, have: Grants) -> None:
        """Associating a policy again changes its scope; nothing is taken away before the new grants stand."""
        eks, key = aws.clients.eks, {"clusterName": self.cluster, "principalArn": self.principal}
        for arn, namespaces in sorted(want - have):
            scope: Any = {"type": "namespace", "namespaces": list(namespaces)} if namespaces else {"type": "cluster"}
            given = partial(eks.associate_access_policy, **key, policyArn=arn, accessScope=scope)
            eventually(aws, given, ENTRY_NOT_SEEN, limit_s=ROLE_LIMIT_S)
        for arn in sorted({arn for arn, _ in have} - {arn for arn, _ in want}):
            with tolerating(GONE):
                eks.disassociate_access_policy(**key, policyArn=arn)

    @classmethod
    def rights(cls, place: Place) -> Rights:
        """An admin's entry is looked for before another loses its rights; the principal tells a stale entry.

        No policies are given but those that the config gives to somebody
        (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelastickubernetesservice.html#amazonelastickubernetesservice-policy-keys).
        """
        own = inside(place, "access-entry")
        entries = [step for step in place.of(cls) if isinstance(step, AccessEntry)]
        given = {policy for step in entries for policy, _ in step.policies}
        grants = granting(place, own, *sorted(given)) if given else ()
        principals = tuple(sorted(step.principal for step in entries if step.compare_age))
        roles, users = (tuple(arn for arn in principals if f":{what}/" in arn) for what in ("role", "user"))
        aged = (*(on(roles, "iam:GetRole") if roles else ()), *(on(users, "iam:GetUser") if users else ()))
        return Rights(
            read=(*on(own, "eks:DescribeAccessEntry", "eks:ListAssociatedAccessPolicies"), *aged),
            make=(
                *on(own_cluster(place), "eks:CreateAccessEntry", condition=place.requested),
                *tagging(place, own),
                *grants,
            ),
            change=(
                *on(own, "eks:UpdateAccessEntry", "eks:DisassociateAccessPolicy"),
                *grants,
                *on(own_cluster(place), "eks:ListAccessEntries"),
            ),
            delete=on(own, "eks:DeleteAccessEntry"),
            list_owned=(
                *found(place),
                *on(own_cluster(place), "eks:ListAccessEntries"),
                *on(own, "eks:DescribeAccessEntry"),
            ),
            tag=tagged_anew(place),
        )


def _names(want: AccessEntryFacts) -> dict[str, Any]:
    """The groups and the name, as far as they are the config's."""
    names: dict[str, Any] = {"kubernetesGroups": sorted(want.groups)} if want.groups else {}
    return {**names, "username": want.user_name} if want.user_name else names


def _grants_of(eks: EKSClient, cluster: str, principal: str) -> list[tuple[str, tuple[str, ...]]]:
    pages = eks.get_paginator("list_associated_access_policies").paginate(clusterName=cluster, principalArn=principal)
    found = [policy for page in pages for policy in page["associatedAccessPolicies"]]
    return [(one["policyArn"], tuple(sorted(one["accessScope"].get("namespaces", [])))) for one in found]


def _principals(eks: EKSClient, cluster: str) -> list[str]:
    pages = eks.get_paginator("list_access_entries").paginate(clusterName=cluster)
    return [arn for page in pages for arn in page["accessEntries"]]
