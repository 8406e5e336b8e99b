"""What is changed behind our back in alarms, dashboards, topics, queues and event rules."""

from __future__ import annotations

from typing import Any

from support.drift.made import NO_RIGHTS, AnyStep, Change, Changes, Made


def alarm(**change: Any) -> Change:
    """Put the alarm as it is, but for these parameters."""
    kept = (
        "AlarmName AlarmDescription Namespace MetricName Statistic Threshold Period EvaluationPeriods Dimensions "
        "ComparisonOperator TreatMissingData AlarmActions OKActions"
    )

    def put(m: Made, step: AnyStep) -> None:
        (found,) = m.client("cloudwatch").describe_alarms(AlarmNames=[step.slug])["MetricAlarms"]
        m.client("cloudwatch").put_metric_alarm(**{**{name: found[name] for name in kept.split()}, **change})

    return put


def queue(**attributes: str) -> Change:
    def put(m: Made, step: AnyStep) -> None:
        url = m.client("sqs").get_queue_url(QueueName=step.slug)["QueueUrl"]
        m.client("sqs").set_queue_attributes(QueueUrl=url, Attributes=attributes)

    return put


def event_rule(**change: str) -> Change:
    """Put the rule as it is, but for these parameters."""

    def put(m: Made, step: AnyStep) -> None:
        found = m.client("events").describe_rule(Name=step.slug)
        kept = {name: found[name] for name in ("Name", "EventPattern", "State", "Description")}
        m.client("events").put_rule(**{**kept, **change})

    return put


def aimed_elsewhere(m: Made, step: AnyStep) -> None:
    """Another target, and ours is gone."""
    target = {"Id": "theirs", "Arn": "arn:aws:sqs:us-west-2:123456789012:theirs"}
    m.client("events").put_targets(Rule=step.slug, Targets=[target])
    m.client("events").remove_targets(Rule=step.slug, Ids=["eksprov"])


def unsubscribed(m: Made, step: AnyStep) -> None:
    for found in m.client("sns").list_subscriptions_by_topic(TopicArn=step.slug)["Subscriptions"]:
        m.client("sns").confirm_subscription(TopicArn=step.slug, Token=found["Endpoint"])
    for found in m.client("sns").list_subscriptions_by_topic(TopicArn=step.slug)["Subscriptions"]:
        m.client("sns").unsubscribe(SubscriptionArn=found["SubscriptionArn"])


CHANGES: Changes = {
    ("alarm", "watch"): alarm(Threshold=99.0),
    ("alarm", "dimensions"): alarm(Dimensions=[{"Name": "ClusterName", "Value": "another"}]),
    ("alarm", "actions"): alarm(AlarmActions=[], OKActions=[]),
    ("alarm", "description"): alarm(AlarmDescription="?"),
    ("dashboard", "body"): lambda m, s: m.client("cloudwatch").put_dashboard(
        DashboardName=s.slug, DashboardBody='{"widgets":[]}'
    ),
    ("topic", "emails"): unsubscribed,
    ("queue", "retention_s"): queue(MessageRetentionPeriod="60"),
    ("queue", "encrypted"): queue(SqsManagedSseEnabled="false"),
    ("queue", "policy"): queue(Policy=NO_RIGHTS),
    ("event-rule", "pattern"): event_rule(EventPattern='{"source":["aws.s3"]}'),
    ("event-rule", "enabled"): event_rule(State="DISABLED"),
    ("event-rule", "description"): event_rule(Description="?"),
    ("event-rule", "targets"): aimed_elsewhere,
}
