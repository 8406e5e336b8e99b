"""The access entry by which nodes get in, where EKS makes it: for the role of node groups and of EKS Auto Mode.

EKS makes such an entry with the first node group of a role, and with Auto Mode
(https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html), so none is made here. But it keeps the
role's unique id, and a role that was deleted and made again under the same name has another: its nodes never join
(https://github.com/aws/containers-roadmap/issues/2631). An entry that is older than its role, or one that is gone while
nodes need it, is replaced by one of the same type with the same policies. Nothing else of it is anybody's to set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

from eksprov.aws.faults import tolerating
from eksprov.aws.rights import Condition, Place, Rights, on
from eksprov.aws.session import Aws
from eksprov.aws.waiting import ENTRY_NOT_SEEN, ROLE_LIMIT_S, ROLE_NOT_VISIBLE, eventually
from eksprov.core.billing import UNBILLED, Billing
from eksprov.core.convergence.external import Part
from eksprov.core.names import InCluster, last_part
from eksprov.core.step import Outputs, Owner, Timing, Traits
from eksprov.steps.absent import none_if
from eksprov.steps.cluster.reading import GONE, none_if_gone, unless_coming_or_going
from eksprov.steps.cluster.rights import granting, own_cluster

AUTO = "EC2"  # the type of EKS Auto Mode's entries; node groups' are EC2_LINUX
AUTO_POLICY = (
    "AmazonEKSAutoNodePolicy"  # https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html
)


@dataclass(frozen=True)
class NodeEntryFacts:
    """`current`: no node is kept out, because the entry is the role's own or because nobody needs one yet."""

    current: bool
    owner: Owner | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class NodeAccessEntry(Part[Aws, NodeEntryFacts]):
    """`slug` is "<cluster>/<role's ARN>"; `type` is EC2_LINUX or EC2. EKS takes it away with its nodes."""

    kind: ClassVar[str] = "node-access-entry"
    billing: ClassVar[Billing | None] = UNBILLED
    timing: ClassVar[Timing] = Timing(create_s=0.1, delete_s=0.1)
    traits: ClassVar[Traits] = Traits(inside=True, silent=True, recorded=False)

    type: str = "EC2_LINUX"

    @property
    def principal(self) -> str:
        """The ARN of the nodes' role."""
        return InCluster.parse(self.slug).name

    @property
    def _key(self) -> dict[str, Any]:
        return {"clusterName": InCluster.parse(self.slug).cluster, "principalArn": self.principal}

    def desired(self, outputs: Outputs) -> NodeEntryFacts:
        """One that is not older than its role."""
        return NodeEntryFacts(current=True)

    def describe(self, want: NodeEntryFacts) -> str:
        """What is created, for the plan."""
        return f"{self.type} entry of the nodes' role"

    def discover(self, aws: Aws, *, fresh: bool = False) -> NodeEntryFacts | None:
        """The entry and, where there is one, its role; it is the cluster's, which is this stack's."""
        current = unless_coming_or_going(aws, self._key["clusterName"], lambda: self._is_current(aws))
        return NodeEntryFacts(current is not False, aws.owner)

    def _is_current(self, aws: Aws) -> bool:
        entry = none_if_gone(lambda: aws.clients.eks.describe_access_entry(**self._key)["accessEntry"])
        if entry is None:
            return not self._is_missed(aws)
        name, iam = last_part(self.principal), aws.clients.iam
        role = none_if(lambda: iam.get_role(RoleName=name)["Role"], "NoSuchEntity", "AccessDenied")
        return role is None or entry["createdAt"] >= role["CreateDate"]

    def _is_missed(self, aws: Aws) -> bool:
        """Whether there are nodes whose entry EKS has made once, and will not make again."""
        name = self._key["clusterName"]
        if self.type == AUTO:
            compute: Any = aws.clients.eks.describe_cluster(name=name)["cluster"].get("computeConfig") or {}
            return bool(compute.get("nodeRoleArn") == self.principal)
        return bool(aws.clients.eks.list_nodegroups(clusterName=name, maxResults=1)["nodegroups"])

    def update(self, aws: Aws, want: NodeEntryFacts, have: NodeEntryFacts, fields: tuple[str, ...]) -> None:
        """Delete the old one, make one of the same type, and give it what nodes of Auto Mode need."""
        eks = aws.clients.eks
        with tolerating(GONE):
            eks.delete_access_entry(**self._key)
        make = partial(eks.create_access_entry, **self._key, type=self.type)
        none_if(lambda: eventually(aws, make, ROLE_NOT_VISIBLE, limit_s=ROLE_LIMIT_S), "ResourceInUseException")
        if self.type == AUTO:
            partition = self.principal.split(":")[1]
            arn = f"arn:{partition}:eks::aws:cluster-access-policy/{AUTO_POLICY}"
            give = partial(eks.associate_access_policy, **self._key, policyArn=arn, accessScope={"type": "cluster"})
            eventually(aws, give, ENTRY_NOT_SEEN, limit_s=ROLE_LIMIT_S)

    def consequence(self, want: NodeEntryFacts, have: NodeEntryFacts) -> str:
        """What the plan says of it."""
        return "nodes cannot join until the entry is made again: it knows an earlier role of this name, or is gone"

    def outputs(self, have: NodeEntryFacts) -> dict[str, str]:
        return {"principal_arn": self.principal}

    @classmethod
    def rights(cls, place: Place) -> Rights:
        """EKS's own entries carry no tags of the stack's, neither when they are made again.

        Whom they let in and of which type they are holds them, so that none can be an admin's. Their ARNs end in an
        id, behind the role's bare name.
        """
        steps = [step for step in place.of(cls) if isinstance(step, NodeAccessEntry)]
        roles = tuple(sorted(step.principal for step in steps))
        entries = _entries_of(place, steps)
        auto = _entries_of(place, [step for step in steps if step.type == AUTO])
        return Rights(
            read=(
                *on(entries, "eks:DescribeAccessEntry"),
                *on(own_cluster(place), "eks:DescribeCluster", "eks:ListNodegroups"),
                *on(roles, "iam:GetRole"),
            ),
            change=(
                *(on(own_cluster(place), "eks:CreateAccessEntry", condition=only)[0] for only in _exactly(steps)),
                *on(entries, "eks:DeleteAccessEntry"),
                *granting(place, auto, AUTO_POLICY),
            ),
        )


def _exactly(steps: Iterable[NodeAccessEntry]) -> Iterator[Condition]:
    for step in steps:
        principal, kind = ("ArnEquals", "eks:principalArn", (step.principal,)), (step.type,)
        yield (principal, ("StringEquals", "eks:accessEntryType", kind))


def _entries_of(place: Place, steps: Iterable[NodeAccessEntry]) -> tuple[str, ...]:
    roles = sorted(step.principal.split(":", 5)[4:] for step in steps)
    names = (f"access-entry/{place.stack}/role/{account}/{last_part(what)}/*" for account, what in roles)
    return place.arn("eks", *names)
