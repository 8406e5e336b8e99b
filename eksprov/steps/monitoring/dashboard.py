"""A CloudWatch dashboard, drawn by eksprov from what the stack has.

PutDashboard makes it or overwrites it whole; tags are taken at creation only
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html). Dashboards belong to the
account, not to a region, so their names carry the region. The body is compared as data: CloudWatch may store it with
other blanks.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from eksprov.aws.rights import ANYTHING, Place, Rights, on
from eksprov.aws.session import Aws
from eksprov.aws.tags import as_dict, as_list, of_stack, owner_of
from eksprov.core.billing import Billing
from eksprov.core.change import UNKNOWN, Unknown
from eksprov.core.step import FoundResource, Outputs, Owner, Step, Traits
from eksprov.core.words import plural
from eksprov.steps.absent import none_if

GONE = ("ResourceNotFound", "ResourceNotFoundException", "DashboardNotFoundError")
COLUMNS, WIDTH, HEIGHT = 2, 12, 6  # a dashboard is 24 units wide


@dataclass(frozen=True)
class Widget:
    """One chart: a title, a statistic, and its metrics, each [namespace, name, dimension, value, …].

    A value may be an output, written as (step, key).
    """

    title: str
    statistic: str
    metrics: tuple[tuple[str | tuple[str, str], ...], ...]


@dataclass(frozen=True)
class DashboardFacts:
    """`body` is JSON in one canonical form."""

    body: str
    arn: str = field(default=UNKNOWN, compare=False)
    owner: Owner | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class Dashboard(Step[Aws, DashboardFacts]):
    """`slug` is the dashboard's name."""

    kind: ClassVar[str] = "dashboard"
    billing: ClassVar[Billing | None] = Billing(use="CloudWatch dashboards beyond the free ones")
    traits: ClassVar[Traits] = Traits(tags_at=("cloudwatch", "arn"))

    region: str = ""
    widgets: tuple[Widget, ...] = ()

    def desired(self, outputs: Outputs) -> DashboardFacts:
        """The charts, two in a row; unknown as a whole while one of its values is."""
        charts = []
        for index, widget in enumerate(self.widgets):
            metrics = [[_value(part, outputs) for part in metric] for metric in widget.metrics]
            if any(isinstance(part, Unknown) for metric in metrics for part in metric):
                return DashboardFacts(UNKNOWN)
            charts.append(_chart(index, widget, metrics, self.region))
        return DashboardFacts(_canonical({"widgets": charts}))

    def describe(self, want: DashboardFacts) -> str:
        """What is created, for the plan."""
        return plural(len(self.widgets), "chart")

    def discover(self, aws: Aws, *, fresh: bool = False) -> DashboardFacts | None:
        """The dashboard and its tags."""
        cloudwatch = aws.clients.cloudwatch
        found = none_if(lambda: cloudwatch.get_dashboard(DashboardName=self.slug), *GONE)
        if found is None:
            return None
        owner = _owner(aws, found["DashboardArn"], _region(self.slug, aws.owner.stack, aws.region))
        return DashboardFacts(_as_found(found["DashboardBody"]), found["DashboardArn"], owner)

    def create(self, aws: Aws, want: DashboardFacts, token: str) -> dict[str, str]:
        """Send PutDashboard with the owner's tags."""
        tagged: dict[str, Any] = {"Tags": as_list(aws.tags(self.name))}
        aws.clients.cloudwatch.put_dashboard(DashboardName=self.slug, DashboardBody=want.body, **tagged)
        return {}

    def update(self, aws: Aws, want: DashboardFacts, have: DashboardFacts, fields: tuple[str, ...]) -> None:
        """Draw it anew; the tags stay."""
        aws.clients.cloudwatch.put_dashboard(DashboardName=self.slug, DashboardBody=want.body)

    def delete(self, aws: Aws, have: DashboardFacts) -> None:
        """The dashboard; the metrics are not its own."""
        none_if(lambda: aws.clients.cloudwatch.delete_dashboards(DashboardNames=[self.slug]), *GONE)

    def outputs(self, have: DashboardFacts) -> dict[str, str]:
        return {"name": self.slug, "arn": have.arn}

    @classmethod
    def list_owned(cls, aws: Aws, stack: str) -> Iterable[FoundResource]:
        """The dashboards whose name begins with the stack's and the region's, by their tags."""
        begin = f"{stack}-{aws.region}"
        pages = aws.clients.cloudwatch.get_paginator("list_dashboards").paginate(DashboardNamePrefix=begin)
        for entry in [entry for page in pages for entry in page["DashboardEntries"]]:
            name, arn = entry["DashboardName"], entry["DashboardArn"]
            owner = _owner(aws, arn, _region(name, stack, aws.region))
            if of_stack(owner, stack, aws.region):
                yield FoundResource(cls.kind, name, arn, owner)

    @classmethod
    def rights(cls, place: Place) -> Rights:
        """IAM asks for no tags of dashboards, so a name is all that can hold these."""
        own = place.everywhere("cloudwatch", *(f"dashboard/{name}" for name in place.slugs(cls.kind)))
        models = place.everywhere("cloudwatch", f"dashboard/{place.stack}-{place.region}-model-*")
        named = place.everywhere("cloudwatch", f"dashboard/{place.stack}-{place.region}*")
        tags = on(named, "cloudwatch:ListTagsForResource")
        return Rights(
            read=(*on(named, "cloudwatch:GetDashboard"), *tags),
            make=on(own, "cloudwatch:PutDashboard", "cloudwatch:TagResource"),
            change=on(own, "cloudwatch:PutDashboard"),
            delete=on(tuple(dict.fromkeys((*own, *models))), "cloudwatch:DeleteDashboards"),
            list_owned=(*on(ANYTHING, "cloudwatch:ListDashboards"), *tags),
            tag=on(own, "cloudwatch:TagResource", "cloudwatch:UntagResource"),
        )


def _value(part: str | tuple[str, str], outputs: Outputs) -> str:
    return outputs.get(*part) if isinstance(part, tuple) else part


def _chart(index: int, widget: Widget, metrics: list[list[str]], region: str) -> dict[str, Any]:
    """One chart in CloudWatch's words
    (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html)."""
    row, column = divmod(index, COLUMNS)
    place = {"x": column * WIDTH, "y": row * HEIGHT, "width": WIDTH, "height": HEIGHT}
    properties = {"title": widget.title, "stat": widget.statistic, "period": 60, "region": region, "view": "timeSeries"}
    return {"type": "metric", **place, "properties": {**properties, "metrics": metrics}}


def _as_found(body: str) -> str:
    """A body that is no JSON differs from every wanted one as it stands."""
    try:
        return _canonical(json.loads(body))
    except ValueError:
        return body


def _canonical(body: Mapping[str, Any]) -> str:
    return json.dumps(body, sort_keys=True, separators=(",", ":"))


def _region(name: str, stack: str, region: str) -> str:
    """Read the region out of the name, for dashboards from before the region had a tag; "" where it is another."""
    own = f"{stack}-{region}"
    return region if name == own or name.startswith(f"{own}-") else ""


def _owner(aws: Aws, arn: str, region: str) -> Owner | None:
    found = none_if(lambda: aws.clients.cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"], *GONE)
    return owner_of(as_dict(found), region)
