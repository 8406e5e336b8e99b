"""CloudWatch dashboards."""

from __future__ import annotations

from collections.abc import Iterable

from support.kind_case import Client, Iam, Item, KindCase, Made
from support.plain import pages

from eksprov.core.step import AnyStep
from eksprov.steps.monitoring.dashboard import Dashboard

NO_TAGS_TOLD = (":dashboard/", "IAM is told no tags of dashboards")


def read(client: Client) -> Iterable[Item]:
    cloudwatch = client("cloudwatch")
    for entry in pages(cloudwatch, "list_dashboards", "DashboardEntries"):
        arn = entry["DashboardArn"]
        body = cloudwatch.get_dashboard(DashboardName=entry["DashboardName"])["DashboardBody"]
        yield {"arn": arn, "body": body, "Tags": cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"]}


def emptied(made: Made, step: AnyStep) -> None:
    made.client("cloudwatch").put_dashboard(DashboardName=step.slug, DashboardBody='{"widgets":[]}')


def alike(client: Client, stack: str) -> None:
    for name in (f"{stack}-prod-us-west-2", f"{stack}-eu-west-1"):
        client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody='{"widgets": []}')


CASE = KindCase(
    kind=Dashboard,
    read=read,
    drifts={"body": emptied},
    untag="tests/steps/monitoring/test_monitoring.py brings the stranger",
    asks=Iam(
        service="cloudwatch",
        creates=("cloudwatch:PutDashboard",),
        tag_action="cloudwatch:TagResource",
        untagged={
            "cloudwatch:DeleteDashboards": NO_TAGS_TOLD,
            "cloudwatch:ListTagsForResource": NO_TAGS_TOLD,
            "cloudwatch:TagResource": NO_TAGS_TOLD,
            "cloudwatch:UntagResource": NO_TAGS_TOLD,
        },
    ),
    alike=alike,
    in_every_region=True,
)
