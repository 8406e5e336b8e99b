"""The `monitoring` section: what CloudWatch watches, shows and keeps."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from eksprov.config.schema.base import EMAIL, TOPIC, LogDays, Section


class Monitoring(Section):
    """CloudWatch alarms, dashboards and the retention of log groups."""

    alarms: bool = Field(
        False, description="Alarms on API server errors, unschedulable pods, failing nodes, NAT gateways out of ports."
    )
    alarm_emails: tuple[Annotated[str, Field(pattern=EMAIL, max_length=320)], ...] = Field(
        (), max_length=20, description="Who is told by e-mail, over an SNS topic of the stack; each must confirm once."
    )
    alarm_topic_arn: str | None = Field(None, pattern=TOPIC, description="An SNS topic of yours that is told as well.")
    dashboards: bool = Field(False, description="A CloudWatch dashboard of the stack and one of each model.")
    container_log_retention_days: LogDays = Field(
        30, description="How long logs of Container Insights are kept; used with amazon-cloudwatch-observability."
    )
