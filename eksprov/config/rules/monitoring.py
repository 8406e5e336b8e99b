"""Rules of monitoring."""

from __future__ import annotations

from collections.abc import Iterator

from eksprov.config.rules.base import Finding, finding, twice
from eksprov.config.schema import Config


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
    topic = section.alarm_topic_arn
    if topic and topic.split(":")[3] != config.region:
        hint = f"name a topic in {config.region}: an alarm tells topics of its own region alone"
        yield finding(
            f"the topic is in {topic.split(':')[3]}", ("monitoring", "alarm_topic_arn"), ("region",), hint=hint
        )
