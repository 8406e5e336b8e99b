"""Rules of monitoring."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from eksprov.config.rules.base import Finding, finding, twice
from eksprov.config.schema import Config

OBSERVABILITY: Final = "amazon-cloudwatch-observability"


def monitoring(config: Config) -> Iterator[Finding]:
    """Whom alarms tell only counts where there are alarms."""
    section = config.monitoring
    yield from twice(("monitoring", "alarm_emails"), None, section.alarm_emails)
    for key, given in (("alarm_emails", section.alarm_emails), ("alarm_topic_arn", section.alarm_topic_arn)):
        if given and not section.alarms:
            at = ("monitoring", key)
            yield finding(
                "has no effect while monitoring.alarms is false", at, ("monitoring", "alarms"), level="warning"
            )
    if not any(addon.name == OBSERVABILITY for addon in config.addons):
        yield from _without_agent(config)
    topic = section.alarm_topic_arn
    if topic and topic.split(":")[3] != config.region:
        hint = f"name a topic in {config.region}: an alarm tells topics of its own region alone"
        yield finding(
            f"the topic is in {topic.split(':')[3]}", ("monitoring", "alarm_topic_arn"), ("region",), hint=hint
        )


def _without_agent(config: Config) -> Iterator[Finding]:
    """What shows or keeps only what the CloudWatch agent sends; it costs by the metric, so nobody gets it unasked."""
    hint = f"add {OBSERVABILITY} under addons"
    if config.monitoring.dashboards and config.models:
        message = f"dashboards of models stay empty without the add-on {OBSERVABILITY}"
        yield finding(message, ("monitoring", "dashboards"), ("addons",), hint=hint, level="warning")
    if "container_log_retention_days" in config.monitoring.model_fields_set:
        at = ("monitoring", "container_log_retention_days")
        yield finding(f"has no effect without the add-on {OBSERVABILITY}", at, ("addons",), hint=hint, level="warning")
