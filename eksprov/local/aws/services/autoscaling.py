"""EC2 Auto Scaling: moto's, with the scaling activities of the groups behind node groups.

Tags of a group that has gone are refused, as everything about it is.
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeScalingActivities.html
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult

from eksprov.local.aws.base import LocalResponse
from eksprov.local.aws.refusal import Refusal

LARGEST_PAGE = 100


class LocalAutoScalingResponse(LocalResponse, AutoScalingResponse):
    """Answers every request to Auto Scaling."""

    def describe_scaling_activities(self) -> Any:
        """DescribeScalingActivities, of one group, the newest first. Asked without a group it is not known here."""
        name = self._get_param("AutoScalingGroupName") or ""
        if not name:
            raise Refusal("NotImplemented", "The local AWS describes the scaling activities of one group only", 501)
        self._check_group(name)
        found = self.world.capacity.activities(name)
        start = _offset(self._get_param("NextToken") or "", len(found))
        size = int(self._get_param("MaxRecords") or LARGEST_PAGE)
        if not 1 <= size <= LARGEST_PAGE:
            raise Refusal("ValidationError", f"MaxRecords must be between 1 and {LARGEST_PAGE}")
        answer: dict[str, Any] = {"Activities": found[start : start + size]}
        if start + size < len(found):
            answer["NextToken"] = base64.urlsafe_b64encode(str(start + size).encode()).decode()
        return ActionResult(answer)

    def create_or_update_tags(self) -> Any:
        """CreateOrUpdateTags: of groups that there are."""
        self._check_tagged()
        return super().create_or_update_tags()

    def delete_tags(self) -> Any:
        """DeleteTags: of groups that there are."""
        self._check_tagged()
        return super().delete_tags()

    def _check_tagged(self) -> None:
        for tag in self._get_params().get("Tags", []):
            self._check_group(tag.get("ResourceId", ""))

    def _check_group(self, name: str) -> None:
        if name not in self.autoscaling_backend.autoscaling_groups:
            raise Refusal("ValidationError", f"AutoScalingGroup name not found - AutoScalingGroup {name} not found")


def _offset(token: str, length: int) -> int:
    try:
        offset = int(base64.urlsafe_b64decode(token)) if token else 0
    except (ValueError, binascii.Error):
        offset = -1
    if not 0 <= offset <= length:
        raise Refusal("InvalidNextToken", "The token is not valid")
    return offset
