"""A CloudWatch alarm on one metric: what must be noticed even when nobody looks.

PutMetricAlarm makes the alarm or overwrites it whole, so sending it twice does nothing new; tags are taken at creation
only (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html). Since it would also
overwrite a stranger's alarm of the same name, converge reads whose it is first. Missing data never raises an alarm:
the metrics of errors that did not happen are missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from eksprov.aws.rights import ANYTHING, Place, Rights, on
from eksprov.aws.session import Aws
from eksprov.aws.tags import as_dict, as_list, of_stack, owner_of
from eksprov.core.billing import Billing, each
from eksprov.core.change import UNKNOWN
from eksprov.core.step import FoundResource, Outputs, Owner, Step, Traits
from eksprov.steps.absent import none_if

GONE = ("ResourceNotFoundException", "ResourceNotFound")
AT_LEAST: Final = "GreaterThanOrEqualToThreshold"


@dataclass(frozen=True)
class Watch:
    """What an alarm watches: a metric, and `threshold` reached in `periods` periods of `period_s` seconds on end."""

    namespace: str
    metric: str
    statistic: str
    threshold: float
    period_s: int = 300
    periods: int = 1


@dataclass(frozen=True)
class AlarmFacts:
    """`dimensions` name the watched resource; `actions` are the ARNs told when the alarm goes off and when it ends."""

    watch: Watch
    dimensions: frozenset[tuple[str, str]]
    actions: frozenset[str]
    description: str
    arn: str = field(default=UNKNOWN, compare=False)
    owner: Owner | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class Alarm(Step[Aws, AlarmFacts]):
    """`slug` is the alarm's name.

    `dimensions` hold name and value, `watched` the name of one more dimension, the step that knows its value, and the
    key of that output; `topic` is the step of the topic to tell, `actions` are ARNs given by the config.
    """

    kind: ClassVar[str] = "alarm"
    billing: ClassVar[Billing | None] = each("cloudwatch.alarm", "CloudWatch alarm")
    traits: ClassVar[Traits] = Traits(tags_at=("cloudwatch", "arn"))

    watch: Watch = Watch("", "", "Sum", 0.0)
    description: str = ""
    dimensions: tuple[tuple[str, str], ...] = ()
    watched: tuple[str, str, str] | None = None
    topic: str = ""
    actions: tuple[str, ...] = ()

    def desired(self, outputs: Outputs) -> AlarmFacts:
        """The config's watch, on this stack's resource."""
        dimensions = set(self.dimensions)
        if self.watched is not None:
            name, step, key = self.watched
            dimensions.add((name, outputs.get(step, key)))
        told = (*self.actions, outputs.get(self.topic, "arn")) if self.topic else self.actions
        return AlarmFacts(self.watch, frozenset(dimensions), frozenset(told), self.description)

    def describe(self, want: AlarmFacts) -> str:
        """What is created, for the plan."""
        watch = want.watch
        return (
            f"{watch.statistic} of {watch.metric} at least {watch.threshold:g} in {watch.periods} x {watch.period_s} s"
        )

    def discover(self, aws: Aws, *, fresh: bool = False) -> AlarmFacts | None:
        """One of the stack's alarms, which one paginated call lists, and its tags."""
        prefix = aws.owner.stack
        alarms = aws.listing(f"cloudwatch/alarms/{prefix}", lambda: _listed(aws, prefix), fresh=fresh)
        alarm = alarms.get(self.slug)
        if alarm is None:
            return None
        tags = _tags(aws, alarm["AlarmArn"])
        return None if tags is None else _facts(alarm, owner_of(tags))

    def create(self, aws: Aws, want: AlarmFacts, token: str) -> dict[str, str]:
        """Send PutMetricAlarm with the owner's tags."""
        self._put(aws, want, Tags=as_list(aws.tags(self.name)))
        return {}

    def update(self, aws: Aws, want: AlarmFacts, have: AlarmFacts, fields: tuple[str, ...]) -> None:
        """Overwrite it whole; the tags stay."""
        self._put(aws, want)

    def delete(self, aws: Aws, have: AlarmFacts) -> None:
        """The alarm and its history."""
        aws.clients.cloudwatch.delete_alarms(AlarmNames=[self.slug])

    def outputs(self, have: AlarmFacts) -> dict[str, str]:
        return {"arn": have.arn}

    @classmethod
    def list_owned(cls, aws: Aws, stack: str) -> Iterable[FoundResource]:
        """The alarms whose name begins with the stack's, by their tags."""
        for name, alarm in _listed(aws, stack).items():
            owner = owner_of(_tags(aws, alarm["AlarmArn"]))
            if of_stack(owner, stack, aws.region):
                yield FoundResource(cls.kind, name, alarm["AlarmArn"], owner)

    def _put(self, aws: Aws, want: AlarmFacts, **more: Any) -> None:
        watch, told = want.watch, sorted(want.actions)
        aws.clients.cloudwatch.put_metric_alarm(
            AlarmName=self.slug,
            AlarmDescription=want.description,
            Namespace=watch.namespace,
            MetricName=watch.metric,
            Statistic=watch.statistic,  # type: ignore[arg-type]  # the catalog's are among the stubs' literals
            Threshold=watch.threshold,
            Period=watch.period_s,
            EvaluationPeriods=watch.periods,
            ComparisonOperator=AT_LEAST,
            TreatMissingData="notBreaching",
            Dimensions=[{"Name": name, "Value": value} for name, value in sorted(want.dimensions)],
            AlarmActions=told,
            OKActions=told,
            **more,
        )

    @classmethod
    def rights(cls, place: Place) -> Rights:
        own = place.arn("cloudwatch", *(f"alarm:{name}" for name in place.slugs(cls.kind)))
        named = place.arn("cloudwatch", f"alarm:{place.stack}-*")
        read = (*on(ANYTHING, "cloudwatch:DescribeAlarms"), *on(named, "cloudwatch:ListTagsForResource"))
        return Rights(
            read=read,
            make=on(own, "cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", condition=place.requested),
            change=on(own, "cloudwatch:PutMetricAlarm", condition=place.owned),
            delete=on(named, "cloudwatch:DeleteAlarms", condition=place.owned),
            list_owned=read,
            tag=on(own, "cloudwatch:TagResource", "cloudwatch:UntagResource", condition=place.owned),
        )


def _listed(aws: Aws, prefix: str) -> dict[str, Any]:
    pages = aws.clients.cloudwatch.get_paginator("describe_alarms").paginate(
        AlarmNamePrefix=f"{prefix}-", AlarmTypes=["MetricAlarm"]
    )
    return {alarm["AlarmName"]: alarm for page in pages for alarm in page.get("MetricAlarms", [])}


def _tags(aws: Aws, arn: str) -> dict[str, str] | None:
    """None where the alarm is gone meanwhile."""
    found = none_if(lambda: aws.clients.cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"], *GONE)
    return None if found is None else as_dict(found)


def _facts(alarm: Mapping[str, Any], owner: Owner | None) -> AlarmFacts:
    watch = Watch(
        alarm.get("Namespace", ""),
        alarm.get("MetricName", ""),
        alarm.get("Statistic", ""),
        float(alarm.get("Threshold", 0.0)),
        int(alarm.get("Period", 0)),
        int(alarm.get("EvaluationPeriods", 0)),
    )
    same = set(alarm.get("AlarmActions", [])) == set(alarm.get("OKActions", []))
    odd = "" if same and alarm.get("ActionsEnabled", True) else " (its actions were changed)"
    return AlarmFacts(
        watch=watch,
        dimensions=frozenset((d["Name"], d["Value"]) for d in alarm.get("Dimensions", [])),
        actions=frozenset(alarm.get("AlarmActions", [])),
        description=f"{alarm.get('AlarmDescription', '')}{odd}",
        arn=alarm["AlarmArn"],
        owner=owner,
    )
