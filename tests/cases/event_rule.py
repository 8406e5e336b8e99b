"""EventBridge rules, with their targets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from support.kind_case import Change, Client, Iam, Item, KindCase, Made
from support.plain import arn

from eksprov.core.step import AnyStep
from eksprov.steps.monitoring.event_rule import EventRule


def read(client: Client) -> Iterable[Item]:
    events = client("events")
    for rule in events.list_rules()["Rules"]:
        targets = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        yield {**rule, "targets": targets, "Tags": events.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"]}


def put(**change: str) -> Change:
    """Put the rule as it is, but for these parameters."""

    def again(made: Made, step: AnyStep) -> None:
        found = made.client("events").describe_rule(Name=step.slug)
        kept = {name: found[name] for name in ("Name", "EventPattern", "State", "Description")}
        made.client("events").put_rule(**{**kept, **change})

    return again


def aimed_elsewhere(made: Made, step: AnyStep) -> None:
    """Another target, and ours is gone."""
    target = {"Id": "theirs", "Arn": arn("sqs", "theirs")}
    made.client("events").put_targets(Rule=step.slug, Targets=[target])
    made.client("events").remove_targets(Rule=step.slug, Ids=["eksprov"])


def alike(client: Client, stack: str) -> None:
    client("events").put_rule(Name=f"{stack}-prod-karpenter", EventPattern=json.dumps({"source": ["aws.ec2"]}))


def arns(params: Item) -> Sequence[str]:
    name = params.get("Name") or params.get("Rule")
    return [arn("events", f"rule/{name}")] if name else ()


CASE = KindCase(
    kind=EventRule,
    read=read,
    drifts={
        "pattern": put(EventPattern='{"source":["aws.s3"]}'),
        "enabled": put(State="DISABLED"),
        "description": put(Description="?"),
        "targets": aimed_elsewhere,
    },
    untag="tests/steps/monitoring/test_messaging.py brings the stranger",
    asks=Iam(
        service="events",
        creates=("events:PutRule",),
        tag_action="events:TagResource",
        arns=arns,
        unseen={"events:ListTagsForResource": "a survey that finds nothing of that name"},
        untagged={
            "events:PutRule": (":rule/", "of an exact name; a rule that is there is put anew without tags"),
        },
    ),
    alike=alike,
)
