"""SQS queues."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from support.kind_case import Change, Client, Iam, Item, KindCase, Made
from support.plain import NO_RIGHTS, arn

from eksprov.core.step import AnyStep
from eksprov.steps.monitoring.queue import Queue


def read(client: Client) -> Iterable[Item]:
    sqs = client("sqs")
    for url in sqs.list_queues().get("QueueUrls", []):
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        kept = {key: value for key, value in attributes.items() if not key.startswith("Approximate")}
        if "Policy" in kept:
            kept["Policy"] = json.loads(kept["Policy"])
        yield {**kept, "tags": sqs.list_queue_tags(QueueUrl=url).get("Tags")}


def changed(**attributes: str) -> Change:
    def change(made: Made, step: AnyStep) -> None:
        url = made.client("sqs").get_queue_url(QueueName=step.slug)["QueueUrl"]
        made.client("sqs").set_queue_attributes(QueueUrl=url, Attributes=attributes)

    return change


def arns(params: Item) -> Sequence[str]:
    name = params.get("QueueName") or params.get("QueueUrl", "").rsplit("/", 1)[-1]
    return [arn("sqs", name)] if name else ()


CASE = KindCase(
    kind=Queue,
    read=read,
    drifts={
        "retention_s": changed(MessageRetentionPeriod="60"),
        "encrypted": changed(SqsManagedSseEnabled="false"),
        "policy": changed(Policy=NO_RIGHTS),
    },
    untag="tests/steps/monitoring/test_messaging.py brings the stranger",
    asks=Iam(
        service="sqs",
        creates=("sqs:CreateQueue",),
        tag_action="sqs:TagQueue",
        arns=arns,
        unseen={"sqs:ListQueueTags": "a survey that finds nothing of that name"},
    ),
    alike=lambda client, stack: client("sqs").create_queue(QueueName=f"{stack}-prod-karpenter"),
)
