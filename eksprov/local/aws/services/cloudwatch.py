"""CloudWatch: moto's, with the tags of dashboards, which moto does not keep, and with tags taken at creation only.

Alarms never go off here: the local world has no metrics of its own.
"""

from __future__ import annotations

import json
from typing import Any

from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from eksprov.local.aws.base import LocalResponse
from eksprov.local.aws.refusal import Refusal

LONGEST_DESCRIPTION = 1024
MOST_TAGS = 50


class LocalCloudWatchResponse(LocalResponse, CloudWatchResponse):
    """Answers every request to CloudWatch."""

    def put_metric_alarm(self) -> ActionResult:
        """PutMetricAlarm; tags of an alarm that exists already stay as they are
        (https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html)."""
        backend, name = self.cloudwatch_backend, self._get_param("AlarmName")
        before = backend.alarms.get(name)
        if len(self._get_param("AlarmDescription") or "") > LONGEST_DESCRIPTION:
            raise Refusal("ValidationError", f"AlarmDescription must be at most {LONGEST_DESCRIPTION} characters")
        kept = backend.list_tags_for_resource(before.alarm_arn) if before else None
        answer = super().put_metric_alarm()
        if before is not None and kept is not None:
            self._tags_are(before.alarm_arn, kept)
        return answer

    def delete_alarms(self) -> ActionResult:
        """DeleteAlarms; their tags go with them."""
        backend = self.cloudwatch_backend
        gone = [backend.alarms[name].alarm_arn for name in self._get_param("AlarmNames") if name in backend.alarms]
        answer = super().delete_alarms()
        for arn in gone:
            self._tags_are(arn, {})
        return answer

    def put_dashboard(self) -> ActionResult:
        """PutDashboard, with tags for a new one."""
        backend, name = self.cloudwatch_backend, self._get_param("DashboardName")
        new = name not in backend.dashboards
        _check_body(self._get_param("DashboardBody"))
        answer = super().put_dashboard()
        if new:
            given = self._get_param("Tags") or []
            self._tags_are(backend.dashboards[name].arn, {tag["Key"]: tag["Value"] for tag in given})
        return answer

    def delete_dashboards(self) -> ActionResult:
        """DeleteDashboards; their tags go with them."""
        backend = self.cloudwatch_backend
        names = self._get_param("DashboardNames") or []
        gone = [backend.dashboards[name].arn for name in names if name in backend.dashboards]
        answer = super().delete_dashboards()
        for arn in gone:
            self._tags_are(arn, {})
        return answer

    def get_dashboard(self) -> ActionResult:
        """GetDashboard, in the API's own words."""
        dashboard = self.cloudwatch_backend.get_dashboard(self._get_param("DashboardName"))
        if dashboard is None:
            raise Refusal("ResourceNotFound", f"Dashboard {self._get_param('DashboardName')} does not exist", 404)
        found = {"DashboardArn": dashboard.arn, "DashboardBody": dashboard.body, "DashboardName": dashboard.name}
        return ActionResult(found)

    def tag_resource(self) -> ActionResult:
        arn = self._get_param("ResourceARN")
        if not self._is_dashboard(arn):
            return super().tag_resource()
        given = {tag["Key"]: tag["Value"] for tag in self._get_param("Tags")}
        self._tags_are(arn, {**self.cloudwatch_backend.list_tags_for_resource(arn), **given})
        return ActionResult({})

    def _is_dashboard(self, arn: str) -> bool:
        return any(dashboard.arn == arn for dashboard in self.cloudwatch_backend.dashboards.values())

    def _tags_are(self, arn: str, tags: dict[str, str]) -> None:
        tagger: Any = self.cloudwatch_backend.tagger
        tagger.delete_all_tags_for_resource(arn)
        if tags:
            tagger.tag_resource(arn, tagger.convert_dict_to_tags_input(tags))


def _check_body(text: str) -> None:
    """Hold a dashboard to
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html.
    """
    try:
        widgets = json.loads(text)["widgets"]
        sound = all(widget["type"] and isinstance(widget["properties"], dict) for widget in widgets)
    except (ValueError, LookupError, TypeError):
        sound = False
    if not sound:
        raise Refusal("InvalidParameterInput", "The field DashboardBody must be a valid JSON object with widgets")
