"""An SQS queue, encrypted with SQS's own keys, and who may send to it.

CreateQueue of a name that exists with the same attributes returns it, so sending it twice does nothing new; with other
attributes it is refused. A name is free again 60 seconds after its queue was deleted, and a deleted queue may answer
for as long (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html,
API_DeleteQueue.html there).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from eksprov.aws.faults import tolerating
from eksprov.aws.rights import ANYTHING, Place, Rights, on
from eksprov.aws.session import Aws
from eksprov.aws.tags import of_stack, owner_of
from eksprov.aws.waiting import Passing, eventually
from eksprov.core.billing import Billing
from eksprov.core.change import UNKNOWN
from eksprov.core.describing import known
from eksprov.core.names import last_part
from eksprov.core.step import FoundResource, Outputs, Owner, Step, Timing, Traits
from eksprov.steps.absent import none_if
from eksprov.steps.identity.policy_json import canonical

GONE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
TAKEN = ("QueueAlreadyExists", "QueueNameExists")
NAME_RESTS = (Passing("AWS.SimpleQueueService.QueueDeletedRecently"), Passing("QueueDeletedRecently"))
NAME_RESTS_S = 90.0  # sixty, and some air
RETENTION, ENCRYPTED, POLICY, ARN = "MessageRetentionPeriod", "SqsManagedSseEnabled", "Policy", "QueueArn"
MOST_A_PAGE = 1000  # without a page size SQS gives no token for the next page, API_ListQueues.html there


@dataclass(frozen=True)
class QueueFacts:
    """`policy` is a canonical document: whom the queue takes messages from."""

    retention_s: int
    encrypted: bool
    policy: str
    url: str = field(default=UNKNOWN, compare=False)
    arn: str = field(default=UNKNOWN, compare=False)
    owner: Owner | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class Queue(Step[Aws, QueueFacts]):
    """`slug` is the queue's name."""

    kind: ClassVar[str] = "queue"
    billing: ClassVar[Billing | None] = Billing(use="SQS requests")
    traits: ClassVar[Traits] = Traits(tags_at=("sqs", "url"))
    timing: ClassVar[Timing] = Timing(create_s=1, delete_s=1)

    retention_s: int = 300
    policy: str = ""

    def desired(self, outputs: Outputs) -> QueueFacts:
        """As the config says, and encrypted."""
        return QueueFacts(self.retention_s, True, canonical(self.policy))

    def describe(self, want: QueueFacts) -> str:
        """What is created, for the plan."""
        return known(f"messages kept for {want.retention_s} s", "encrypted" if want.encrypted else "")

    def discover(self, aws: Aws, *, fresh: bool = False) -> QueueFacts | None:
        """Its address, its attributes, its tags."""
        return none_if(lambda: self._read(aws), *GONE)

    def _read(self, aws: Aws) -> QueueFacts:
        sqs = aws.clients.sqs
        url = self._url(aws)
        asked: Any = {"QueueUrl": url, "AttributeNames": [RETENTION, ENCRYPTED, POLICY, ARN]}
        attributes: Mapping[Any, str] = sqs.get_queue_attributes(**asked).get("Attributes", {})
        return QueueFacts(
            retention_s=int(attributes.get(RETENTION, "0")),
            encrypted=attributes.get(ENCRYPTED) == "true",
            policy=canonical(attributes.get(POLICY, "")),
            url=url,
            arn=attributes.get(ARN, ""),
            owner=owner_of(sqs.list_queue_tags(QueueUrl=url).get("Tags")),
        )

    def create(self, aws: Aws, want: QueueFacts, token: str) -> dict[str, str]:
        """The queue with its attributes and tags; one of that name with others is left to the proof."""
        attributes, tags = _attributes(want), aws.tags(self.name)
        none_if(
            lambda: eventually(
                aws,
                lambda: aws.clients.sqs.create_queue(QueueName=self.slug, Attributes=attributes, tags=tags),
                NAME_RESTS,
                limit_s=NAME_RESTS_S,
            ),
            *TAKEN,
        )
        return {}

    def update(self, aws: Aws, want: QueueFacts, have: QueueFacts, fields: tuple[str, ...]) -> None:
        aws.clients.sqs.set_queue_attributes(QueueUrl=have.url, Attributes=_attributes(want))

    def delete(self, aws: Aws, have: QueueFacts) -> None:
        """The queue and what is in it."""
        with tolerating(*GONE):
            aws.clients.sqs.delete_queue(QueueUrl=have.url)

    def outputs(self, have: QueueFacts) -> dict[str, str]:
        return {"name": self.slug, "arn": have.arn, "url": have.url}

    @classmethod
    def list_owned(cls, aws: Aws, stack: str) -> Iterable[FoundResource]:
        """The queues whose name begins with the stack's, by their tags."""
        sqs = aws.clients.sqs
        asked: Any = {"QueueNamePrefix": f"{stack}-", "PaginationConfig": {"PageSize": MOST_A_PAGE}}
        for url in [
            url for page in sqs.get_paginator("list_queues").paginate(**asked) for url in page.get("QueueUrls", [])
        ]:
            with tolerating(*GONE):
                owner = owner_of(sqs.list_queue_tags(QueueUrl=url).get("Tags"))
                if of_stack(owner, stack, aws.region):
                    yield FoundResource(cls.kind, last_part(url), url, owner)

    def _url(self, aws: Aws) -> str:
        return aws.clients.sqs.get_queue_url(QueueName=self.slug)["QueueUrl"]

    @classmethod
    def rights(cls, place: Place) -> Rights:
        own, named = place.arn("sqs", *place.slugs(cls.kind)), place.arn("sqs", f"{place.stack}-*")
        tags = on(named, "sqs:ListQueueTags")
        return Rights(
            read=(*on(named, "sqs:GetQueueAttributes", "sqs:GetQueueUrl"), *tags),
            make=on(own, "sqs:CreateQueue", "sqs:TagQueue", condition=place.requested),
            change=on(own, "sqs:SetQueueAttributes"),
            delete=on(named, "sqs:DeleteQueue", condition=place.owned),
            list_owned=(*on(ANYTHING, "sqs:ListQueues"), *tags),
            tag=on(own, "sqs:TagQueue", "sqs:UntagQueue", condition=place.owned),
        )


def _attributes(want: QueueFacts) -> Any:
    return {RETENTION: str(want.retention_s), ENCRYPTED: "true" if want.encrypted else "false", POLICY: want.policy}
