"""The SNS topic that alarms speak to, and who listens by e-mail.

CreateTopic of a name that exists returns it, so sending it twice does nothing new; with other tags it is refused
(https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html). A subscription by e-mail waits until its owner
confirms it, for two days; one that nobody confirmed cannot be ended and ends by itself
(https://docs.aws.amazon.com/sns/latest/dg/sns-create-subscribe-endpoint-to-topic.html,
https://docs.aws.amazon.com/sns/latest/api/API_Unsubscribe.html), so it counts when it is wanted and is passed over when
it is not. The topic is not encrypted with a key: CloudWatch may not publish to one under the key `aws/sns`
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from eksprov.aws.rights import ANYTHING, Place, Rights, on
from eksprov.aws.session import Aws
from eksprov.aws.tags import as_dict, as_list, of_stack, owner_of
from eksprov.core.billing import Billing
from eksprov.core.change import UNKNOWN
from eksprov.core.describing import some
from eksprov.core.step import READY, FoundResource, Outputs, Owner, Phase, PhaseState, Step, Traits
from eksprov.steps.absent import none_if

GONE = ("NotFound", "NotFoundException", "ResourceNotFound", "ResourceNotFoundException")
PENDING = ("PendingConfirmation", "Deleted")


def _listening(wanted: frozenset[str], have: TopicFacts) -> frozenset[str]:
    """Who listens, and who of those that are wanted has been asked; others who never confirmed are nobody's concern."""
    return frozenset(mail for mail in have.emails if mail in wanted) | {mail for mail, _ in have.subscriptions}


@dataclass(frozen=True)
class TopicFacts:
    """`emails` are those who listen, or were asked to; `subscriptions` their addresses and ARNs once confirmed."""

    emails: frozenset[str] = field(metadata={"seen": _listening})
    subscriptions: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    arn: str = field(default=UNKNOWN, compare=False)
    owner: Owner | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class Topic(Step[Aws, TopicFacts]):
    """`slug` is the topic's ARN, whose last part is its name."""

    kind: ClassVar[str] = "topic"
    billing: ClassVar[Billing | None] = Billing(use="SNS messages")
    traits: ClassVar[Traits] = Traits(tags_at=("sns", "arn"))

    emails: tuple[str, ...] = ()

    def desired(self, outputs: Outputs) -> TopicFacts:
        return TopicFacts(frozenset(self.emails))

    def describe(self, want: TopicFacts) -> str:
        """What is created, for the plan."""
        return f"e-mails {some(want.emails)}, once confirmed" if want.emails else "without subscriptions of ours"

    def discover(self, aws: Aws, *, fresh: bool = False) -> TopicFacts | None:
        """The topic's tags and subscriptions."""
        sns = aws.clients.sns
        tags = none_if(lambda: sns.list_tags_for_resource(ResourceArn=self.slug)["Tags"], *GONE)
        if tags is None:
            return None
        pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=self.slug)
        found = none_if(lambda: [item for page in pages for item in page["Subscriptions"]], *GONE)
        if found is None:
            return None
        mails = [(item["Endpoint"], item["SubscriptionArn"]) for item in found if item["Protocol"] == "email"]
        confirmed = tuple(sorted(pair for pair in mails if pair[1] not in PENDING))
        return TopicFacts(frozenset(mail for mail, _ in mails), confirmed, self.slug, owner_of(as_dict(tags)))

    def create(self, aws: Aws, want: TopicFacts, token: str) -> dict[str, str]:
        """The topic with its tags, then the subscriptions; a stranger's topic is refused by AWS for its tags."""
        name = self.slug.rsplit(":", 1)[1]
        tags = as_list(aws.tags(self.name))
        made = none_if(lambda: aws.clients.sns.create_topic(Name=name, Tags=tags), "InvalidParameter")
        if made is not None:
            self._subscribe(aws, want.emails)
        return {"arn": self.slug}

    def update(self, aws: Aws, want: TopicFacts, have: TopicFacts, fields: tuple[str, ...]) -> None:
        """Ask those who are new, end those who are no longer wanted."""
        for mail, arn in have.subscriptions:
            if mail not in want.emails:
                aws.clients.sns.unsubscribe(SubscriptionArn=arn)
        self._subscribe(aws, want.emails - have.emails)

    def delete(self, aws: Aws, have: TopicFacts) -> None:
        """The topic and its subscriptions; a missing one is no error to SNS."""
        aws.clients.sns.delete_topic(TopicArn=self.slug)

    def outputs(self, have: TopicFacts) -> dict[str, str]:
        return {"arn": self.slug}

    def phase(self, have: TopicFacts) -> Phase:
        """Ready, and who has still to confirm: until then no alarm reaches them."""
        waiting = sorted(have.emails.intersection(self.emails) - {mail for mail, _ in have.subscriptions})
        if not waiting:
            return READY
        who = f"{', '.join(waiting)} {'has' if len(waiting) == 1 else 'have'}"
        return Phase(
            PhaseState.READY, f"{who} to confirm the subscription, by the link in AWS's e-mail, within two days"
        )

    @classmethod
    def list_owned(cls, aws: Aws, stack: str) -> Iterable[FoundResource]:
        """The topics whose name begins with the stack's, by their tags."""
        sns = aws.clients.sns
        pages = sns.get_paginator("list_topics").paginate()
        for arn in [topic["TopicArn"] for page in pages for topic in page["Topics"]]:
            if not arn.rsplit(":", 1)[1].startswith(f"{stack}-"):
                continue
            tags = none_if(lambda arn=arn: sns.list_tags_for_resource(ResourceArn=arn)["Tags"], *GONE)  # type: ignore[misc]  # mypy cannot infer a lambda's default
            owner = owner_of(as_dict(tags))
            if of_stack(owner, stack, aws.region):
                yield FoundResource(cls.kind, arn, arn, owner)

    def _subscribe(self, aws: Aws, emails: Iterable[str]) -> None:
        for mail in sorted(emails):
            aws.clients.sns.subscribe(TopicArn=self.slug, Protocol="email", Endpoint=mail)

    @classmethod
    def rights(cls, place: Place) -> Rights:
        """A subscription's ARN ends in an id, and Unsubscribe knows no resource at all."""
        own = place.arn("sns", *(slug.rsplit(":", 1)[-1] for slug in place.slugs(cls.kind)))
        named = place.arn("sns", f"{place.stack}-*")
        mails, tags = on(own, "sns:Subscribe"), on(named, "sns:ListTagsForResource")
        return Rights(
            read=(*tags, *on(named, "sns:ListSubscriptionsByTopic")),
            make=(*on(own, "sns:CreateTopic", "sns:TagResource", condition=place.requested), *mails),
            change=(*mails, *on(ANYTHING, "sns:Unsubscribe", condition=place.here)),
            delete=on(named, "sns:DeleteTopic", condition=place.owned),
            list_owned=(*on(ANYTHING, "sns:ListTopics"), *tags),
            tag=on(place.slugs(cls.kind), "sns:TagResource", "sns:UntagResource", condition=place.owned),
        )
