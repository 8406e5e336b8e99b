"""CloudWatch alarms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from support.kind_case import Change, Client, Iam, Item, KindCase, Made

from eksprov.core.step import AnyStep
from eksprov.steps.monitoring.alarm import Alarm

KEPT = (
    "AlarmName AlarmDescription Namespace MetricName Statistic Threshold Period EvaluationPeriods Dimensions "
    "ComparisonOperator TreatMissingData AlarmActions OKActions"
)
WATCH: dict[str, Any] = {
    "Namespace": "AWS/EKS",
    "MetricName": "m",
    "Statistic": "Sum",
    "Threshold": 1.0,
    "Period": 60,
    "EvaluationPeriods": 1,
    "ComparisonOperator": "GreaterThanThreshold",
}


def read(client: Client) -> Iterable[Item]:
    cloudwatch = client("cloudwatch")
    for page in cloudwatch.get_paginator("describe_alarms").paginate():
        for alarm in page.get("MetricAlarms", []):
            tags = cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
            kept = {key: value for key, value in alarm.items() if not key.startswith("State")}
            yield {**kept, "Tags": tags}


def put(**change: Any) -> Change:
    """Put the alarm as it is, but for these parameters."""

    def again(made: Made, step: AnyStep) -> None:
        (found,) = made.client("cloudwatch").describe_alarms(AlarmNames=[step.slug])["MetricAlarms"]
        made.client("cloudwatch").put_metric_alarm(**{**{name: found[name] for name in KEPT.split()}, **change})

    return again


def alike(client: Client, stack: str) -> None:
    client("cloudwatch").put_metric_alarm(AlarmName=f"{stack}-prod-api-server-errors", **WATCH)


CASE = KindCase(
    kind=Alarm,
    read=read,
    drifts={
        "watch": put(Threshold=99.0),
        "dimensions": put(Dimensions=[{"Name": "ClusterName", "Value": "another"}]),
        "actions": put(AlarmActions=[], OKActions=[]),
        "description": put(AlarmDescription="?"),
    },
    untag="tests/steps/monitoring/test_monitoring.py brings the stranger",
    asks=Iam(
        service="cloudwatch",
        creates=("cloudwatch:PutMetricAlarm",),
        tag_action="cloudwatch:TagResource",
        unseen={"cloudwatch:ListTagsForResource": "a survey that finds nothing of that name"},
    ),
    alike=alike,
    usual=lambda step: step.name == "alarm/api-server-errors",
)
