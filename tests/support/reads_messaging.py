"""Readers of what SQS and EventBridge hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

Read = Callable[[Any], Iterable[Any]]


def _queues(client: Any) -> Iterable[Any]:
    sqs = client("sqs")
    for url in sqs.list_queues().get("QueueUrls", []):
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        kept = {key: value for key, value in attributes.items() if not key.startswith("Approximate")}
        if "Policy" in kept:
            kept["Policy"] = json.loads(kept["Policy"])
        yield {**kept, "tags": sqs.list_queue_tags(QueueUrl=url).get("Tags")}


def _rules(client: Any) -> Iterable[Any]:
    events = client("events")
    for rule in events.list_rules()["Rules"]:
        targets = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        yield {**rule, "targets": targets, "Tags": events.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"]}


READS: dict[str, Read] = {"queue": _queues, "event-rule": _rules}
