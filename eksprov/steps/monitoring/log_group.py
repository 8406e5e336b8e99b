"""The log group of a cluster's control plane, or of its Container Insights, made first so that its retention is ours.

EKS writes to `/aws/eks/<cluster>/cluster` and makes that group itself, untagged and kept for ever, when it is missing
(https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html). So a cluster that logs its own deletion may
leave a group behind that blocks the next creation
(https://github.com/terraform-aws-modules/terraform-aws-eks/issues/920). Hence one exception to "without our tags it is
a stranger's": a group of exactly our cluster's name *without any tag* is EKS's leftover, and is adopted by tagging it,
when no cluster of that name exists or the one that does is ours. The agents of Container Insights do the same to the
groups under `/aws/containerinsights/<cluster>/`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

from eksprov.aws.faults import tolerating
from eksprov.aws.rights import ANYTHING, Place, Rights, on
from eksprov.aws.session import Aws
from eksprov.aws.tags import of_stack, owner_of
from eksprov.aws.waiting import Passing, eventually
from eksprov.core.billing import Billing
from eksprov.core.change import UNKNOWN
from eksprov.core.convergence.converge import is_ours
from eksprov.core.step import FoundResource, Outputs, Owner, Step, Traits
from eksprov.core.words import plural
from eksprov.steps.absent import none_if
from eksprov.steps.cluster.reading import described_cluster

PREFIX, INSIGHTS = "/aws/eks/", "/aws/containerinsights/"  # the cluster's name follows
SUFFIX = "/cluster"
GONE = "ResourceNotFoundException"
ABORTED = (Passing("OperationAbortedException"),)  # another call is at work on the same group
ABORTED_LIMIT_S = 60.0


def log_group_name(cluster: str) -> str:
    """The name that EKS uses."""
    return f"{PREFIX}{cluster}{SUFFIX}"


@dataclass(frozen=True)
class LogGroupFacts:
    """`retention_days` 0 means for ever; `tagged` is false for EKS's leftover, until it is adopted."""

    retention_days: int
    tagged: bool = True
    arn: str = field(default=UNKNOWN, compare=False)
    owner: Owner | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class LogGroup(Step[Aws, LogGroupFacts]):
    """`slug` is the group's name. It goes after its cluster, which would make it again."""

    kind: ClassVar[str] = "log-group"
    billing: ClassVar[Billing | None] = Billing(use="CloudWatch Logs ingestion and storage")
    traits: ClassVar[Traits] = Traits(tags_at=("logs", "arn"), by_name=True)

    retention_days: int = 0

    def desired(self, outputs: Outputs) -> LogGroupFacts:
        """The retention of the config."""
        return LogGroupFacts(self.retention_days)

    def describe(self, want: LogGroupFacts) -> str:
        """What is created, for the plan."""
        return f"{self.slug}, kept for {plural(want.retention_days, 'day')}"

    def discover(self, aws: Aws, *, fresh: bool = False) -> LogGroupFacts | None:
        """The group and its tags; an untagged one counts as ours when it is EKS's leftover."""
        logs = aws.clients.logs
        found = logs.describe_log_groups(logGroupNamePrefix=self.slug)["logGroups"]
        group = next((group for group in found if group["logGroupName"] == self.slug), None)
        if group is None:
            return None
        arn = _arn(group)
        tags = none_if(lambda: logs.list_tags_for_resource(resourceArn=arn)["tags"], GONE)
        if tags is None:
            return None
        leftover = not tags and self._is_leftover(aws)
        owner = aws.owner if leftover else owner_of(tags)
        return LogGroupFacts(group.get("retentionInDays", 0), tagged=not leftover, arn=arn, owner=owner)

    def create(self, aws: Aws, want: LogGroupFacts, token: str) -> dict[str, str]:
        """The group with its tags, then its retention, unless the group turns out to be a stranger's."""
        logs, tags = aws.clients.logs, aws.tags(self.name)
        made = none_if(
            lambda: eventually(
                aws, lambda: logs.create_log_group(logGroupName=self.slug, tags=tags), ABORTED, limit_s=ABORTED_LIMIT_S
            ),
            "ResourceAlreadyExistsException",
        )
        if made is not None:
            self._retain(aws, want.retention_days)
            return {}
        have = self.discover(aws, fresh=True)
        if have is not None and is_ours(have.owner, aws.owner):
            self.update(aws, want, have, ("tagged", "retention_days"))
        return {}

    def update(self, aws: Aws, want: LogGroupFacts, have: LogGroupFacts, fields: tuple[str, ...]) -> None:
        """Adopt, or change the retention."""
        if "tagged" in fields:
            aws.clients.logs.tag_resource(resourceArn=have.arn, tags=aws.tags(self.name))
        if "retention_days" in fields:
            self._retain(aws, want.retention_days)

    def delete(self, aws: Aws, have: LogGroupFacts) -> None:
        """The group with everything logged."""
        with tolerating(GONE):
            eventually(
                aws,
                lambda: aws.clients.logs.delete_log_group(logGroupName=self.slug),
                ABORTED,
                limit_s=ABORTED_LIMIT_S,
            )

    def outputs(self, have: LogGroupFacts) -> dict[str, str]:
        return {"name": self.slug, "arn": have.arn}

    @classmethod
    def list_owned(cls, aws: Aws, stack: str) -> Iterable[FoundResource]:
        """Log groups whose cluster's name begins with the stack's, by their tags."""
        listing = aws.clients.logs.get_paginator("describe_log_groups")
        every = [listing.paginate(logGroupNamePrefix=f"{prefix}{stack}") for prefix in (PREFIX, INSIGHTS)]
        for group in [group for pages in every for page in pages for group in page["logGroups"]]:
            with tolerating(GONE):
                owner = owner_of(aws.clients.logs.list_tags_for_resource(resourceArn=_arn(group))["tags"])
                if of_stack(owner, stack, aws.region):
                    yield FoundResource(cls.kind, group["logGroupName"], _arn(group), owner)

    def _retain(self, aws: Aws, days: int) -> None:
        """A group that was just made may not be found yet, or be still at work on its creation."""
        put = partial(aws.clients.logs.put_retention_policy, logGroupName=self.slug, retentionInDays=days)
        eventually(aws, put, (*ABORTED, Passing(GONE)), limit_s=ABORTED_LIMIT_S)

    def _is_leftover(self, aws: Aws) -> bool:
        cluster = described_cluster(aws, self.slug.split("/")[3])
        return cluster is None or is_ours(owner_of(cluster.get("tags")), aws.owner)

    @classmethod
    def rights(cls, place: Place) -> Rights:
        """ARNs with and without `:*`, which the tagging actions leave out; EKS's leftover has no tags to go by."""
        names = [f"log-group:{name}" for name in place.slugs(cls.kind)]
        own = place.arn("logs", *names, *(f"{name}:*" for name in names))
        describe, retain = on(ANYTHING, "logs:DescribeLogGroups"), on(own, "logs:PutRetentionPolicy")
        alike = place.arn("logs", *(f"log-group:{prefix}{place.stack}*" for prefix in (PREFIX, INSIGHTS)))
        return Rights(
            read=(*describe, *on(own, "logs:ListTagsForResource")),
            make=(
                *on(own, "logs:CreateLogGroup", "logs:TagResource", condition=place.requested),
                *retain,
            ),
            change=(*retain, *on(own, "logs:TagResource", condition=place.requested)),
            delete=on(own, "logs:DeleteLogGroup"),
            list_owned=(*describe, *on(alike, "logs:ListTagsForResource")),
            tag=on(place.arn("logs", *names), "logs:TagResource", "logs:UntagResource", condition=place.owned),
        )


def _arn(group: Any) -> str:
    """DescribeLogGroups has the ARN in two forms; tags want the one without `:*`."""
    return str(group.get("logGroupArn") or group["arn"].removesuffix(":*"))
