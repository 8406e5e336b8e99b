"""The queue and the rules of Karpenter on the emulated SQS and EventBridge, read back with plain clients."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from support.bench import Bench
from support.stage import Theatre, everything

from eksprov import errors
from eksprov.core.outcome import Status
from eksprov.steps.monitoring.event_rule import EventRule

QUEUE, RULE = "queue/karpenter", "event-rule/karpenter-spot-interruption"
REST_S = 60 / 200  # a name rests for a minute of AWS's time, and the stage is 200 times as fast


@pytest.fixture
def karpenter(theatre: Theatre) -> Iterator[Bench]:
    with theatre.stage(everything("karpenter")) as stage:
        yield Bench(stage)


def test_the_queue_takes_messages_from_its_rules_alone_and_over_tls(karpenter: Bench) -> None:
    step = karpenter.steps[QUEUE]
    made = karpenter.make(step)
    assert made.outputs["arn"] == "arn:aws:sqs:us-west-2:123456789012:pools-karpenter"
    sqs = karpenter.plain("sqs")
    attributes = sqs.get_queue_attributes(QueueUrl=made.outputs["url"], AttributeNames=["All"])["Attributes"]
    allow, deny = sorted(json.loads(attributes["Policy"])["Statement"], key=lambda one: one["Effect"])
    rules = allow["Condition"]["ArnEquals"]["aws:SourceArn"]
    assert sorted(rules) == sorted(
        f"arn:aws:events:us-west-2:123456789012:rule/{one.slug}"
        for one in karpenter.steps.values()
        if one.kind == "event-rule"
    )
    assert (allow["Principal"], allow["Action"]) == ({"Service": "events.amazonaws.com"}, "sqs:SendMessage")
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert (attributes["MessageRetentionPeriod"], attributes["SqsManagedSseEnabled"]) == ("300", "true")
    karpenter.settles(step)
    assert [one.slug for one in karpenter.resources(step)] == ["pools-karpenter"]


def test_a_name_that_rests_after_a_deletion_is_waited_for(karpenter: Bench) -> None:
    step = karpenter.steps[QUEUE]
    karpenter.make(step)
    assert karpenter.remove(step).status is Status.DELETED
    began = karpenter.clock.now()
    assert karpenter.again(step).status is Status.CREATED
    assert REST_S <= karpenter.clock.now() - began < 2 * REST_S + 5


def test_a_rule_sends_its_events_to_the_queue_and_goes_with_its_target(karpenter: Bench) -> None:
    step = karpenter.steps[RULE]
    karpenter.make(step)
    events = karpenter.plain("events")
    rule = events.describe_rule(Name=step.slug)
    assert json.loads(rule["EventPattern"]) == {
        "source": ["aws.ec2"],
        "detail-type": ["EC2 Spot Instance Interruption Warning"],
    }
    targets = events.list_targets_by_rule(Rule=step.slug)["Targets"]
    assert [one["Arn"] for one in targets] == [karpenter.outputs.get(QUEUE, "arn")]
    karpenter.settles(step)
    assert karpenter.remove(step).status is Status.DELETED
    assert karpenter.calls() == ["RemoveTargets", "DeleteRule"]
    assert karpenter.remove(step).status is Status.ABSENT


def test_strangers_of_these_names_stay_as_they_are(karpenter: Bench) -> None:
    queue, rule = karpenter.steps[QUEUE], karpenter.steps[RULE]
    karpenter.plain("sqs").create_queue(QueueName=queue.slug, tags={"team": "other"})
    karpenter.plain("events").put_rule(Name=rule.slug, EventPattern='{"source": ["aws.s3"]}')
    for step in (queue, rule):
        karpenter.is_refused(step)
        assert karpenter.calls() == []
        assert karpenter.resources(step) == []


def test_a_target_that_is_not_taken_is_told_in_the_services_words(karpenter: Bench) -> None:
    step = karpenter.steps[RULE]
    assert isinstance(step, EventRule)
    failed = {"TargetId": "eksprov", "ErrorCode": "ConcurrentModificationException", "ErrorMessage": "try again"}

    class Refusing:
        """EventBridge that answers 200 and takes nothing."""

        def put_targets(self, **_: Any) -> Any:
            return {"FailedEntryCount": 1, "FailedEntries": [failed]}

        def put_rule(self, **_: Any) -> Any:
            return {}

    class Clients:
        events = Refusing()

    aws = replace(karpenter.aws(), clients=Clients())  # type: ignore[arg-type]  # the one client that is asked
    with pytest.raises(errors.ProvisioningError, match="ConcurrentModificationException try again"):
        step.create(aws, step.desired(karpenter.outputs), "")


def test_the_emulated_services_refuse_and_keep_what_aws_does(karpenter: Bench) -> None:
    karpenter.make(RULE)
    sqs, events, rule = karpenter.plain("sqs"), karpenter.plain("events"), karpenter.steps[RULE].slug
    url = karpenter.outputs.get(QUEUE, "url")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"MessageRetentionPeriod": "60"})
    assert "Policy" in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]
    found = events.describe_rule(Name=rule)
    events.put_rule(Name=rule, EventPattern=found["EventPattern"], Tags=[{"Key": "team", "Value": "other"}])
    tags = {tag["Key"] for tag in events.list_tags_for_resource(ResourceARN=found["Arn"])["Tags"]}
    assert tags == {"eksprov:region", "eksprov:stack", "eksprov:stack-id", "eksprov:step"}
    with pytest.raises(events.exceptions.ClientError, match="has targets"):
        events.delete_rule(Name=rule)
    targets: Any = [{"Id": str(number), "Arn": f"arn:aws:sqs:us-west-2:123456789012:q{number}"} for number in range(5)]
    with pytest.raises(events.exceptions.ClientError, match="LimitExceeded"):
        karpenter.aws().once.events.put_targets(Rule=rule, Targets=targets)  # botocore would try again
    sqs.delete_queue(QueueUrl=url)
    with pytest.raises(sqs.exceptions.QueueDeletedRecently):
        sqs.create_queue(QueueName="pools-karpenter")
