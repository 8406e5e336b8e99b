"""Readers of what CloudWatch and SNS hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Read = Callable[[Any], Iterable[Any]]


def _alarms(client: Any) -> Iterable[Any]:
    cloudwatch = client("cloudwatch")
    for page in cloudwatch.get_paginator("describe_alarms").paginate():
        for alarm in page.get("MetricAlarms", []):
            tags = cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
            kept = {key: value for key, value in alarm.items() if not key.startswith("State")}
            yield {**kept, "Tags": tags}


def _dashboards(client: Any) -> Iterable[Any]:
    cloudwatch = client("cloudwatch")
    for page in cloudwatch.get_paginator("list_dashboards").paginate():
        for entry in page["DashboardEntries"]:
            arn = entry["DashboardArn"]
            body = cloudwatch.get_dashboard(DashboardName=entry["DashboardName"])["DashboardBody"]
            yield {"arn": arn, "body": body, "Tags": cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"]}


def _topics(client: Any) -> Iterable[Any]:
    sns = client("sns")
    for page in sns.get_paginator("list_topics").paginate():
        for topic in page["Topics"]:
            arn = topic["TopicArn"]
            found = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
            listeners = sorted((item["Protocol"], item["Endpoint"]) for item in found)
            yield {"arn": arn, "listeners": listeners, "Tags": sns.list_tags_for_resource(ResourceArn=arn)["Tags"]}


READS: dict[str, Read] = {"alarm": _alarms, "dashboard": _dashboards, "topic": _topics}
