"""From what Auto Scaling did and EKS says: whether a node group lacks capacity. Pure, but for one paginated read.

EKS's `health.issues` may stay empty for all the time in which every launch fails; the scaling activities of the group's
Auto Scaling group say it at once. So these are what counts, and the health issues only where they cannot be read. A
launch that failed in one zone is no verdict while a later one succeeded in another.

Messages: https://repost.aws/knowledge-center/eks-node-group-degraded (health of a node group),
https://docs.aws.amazon.com/autoscaling/ec2/userguide/ts-as-capacity.html (the activities), and
https://github.com/aws/containers-roadmap/issues/2204. Codes are EC2's:
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from eksprov.aws.session import Aws
from eksprov.steps.absent import none_if

# What another type, zone or way of buying may cure. InvalidParameterCombination is how a free plan refuses a type.
CURED_ELSEWHERE = (
    "InsufficientCapacity",
    "InsufficientHostCapacity",
    "InsufficientInstanceCapacity",
    "InstanceLimitExceeded",
    "MaxSpotInstanceCountExceeded",
    "ReservationCapacityExceeded",
    "SpotMaxPriceTooLow",
    "UnfulfillableCapacity",
    "VcpuLimitExceeded",
    "not eligible for Free Tier",
    "is not supported in your requested Availability Zone",
    # without a code, from groups that launch one type
    "We currently do not have sufficient",
    "There is no Spot capacity available",
)
# Health issues that end a choice at once and that another one may not have.
SCARCE_ISSUES = frozenset({"Ec2InstanceTypeDoesNotExist", "InstanceLimitExceeded", "InsufficientFreeAddresses"})
LAUNCH_ISSUE = "AsgInstanceLaunchFailures"
LAUNCHING = "Launching a new EC2 instance"
NEWEST = 100  # activities; one attempt of a group makes a few
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


def activities(aws: Aws, group: str) -> tuple[Mapping[str, Any], ...]:
    """The newest scaling activities of an Auto Scaling group; none where there is no group, or no right to read."""
    pages = aws.clients.autoscaling.get_paginator("describe_scaling_activities")

    def read() -> tuple[Mapping[str, Any], ...]:
        found = pages.paginate(AutoScalingGroupName=group, PaginationConfig={"MaxItems": NEWEST})
        return tuple(activity for page in found for activity in page["Activities"])

    return none_if(read, "ValidationError", "AccessDenied", "AccessDeniedException") or ()


def shortage(found: Iterable[Mapping[str, Any]], health: Iterable[tuple[str, str]], wanted: int = 1) -> str:
    """Why instances cannot be had as they were asked for, in AWS's words; empty while they may still come to be.

    `wanted` is how many the group is to have: once as many were launched, earlier failures count for nothing.
    """
    launches = [activity for activity in found if activity.get("Description", "").startswith(LAUNCHING)]
    if not launches:
        said = [text for what, text in health if what == LAUNCH_ISSUE and _is_shortage(text)]
        return "; ".join(said)
    if sum(each.get("StatusCode") == "Successful" for each in launches) >= wanted:
        return ""
    done = max((_start(each) for each in launches if each.get("StatusCode") == "Successful"), default=_BEFORE_ALL)
    failed = [each for each in launches if each.get("StatusCode") == "Failed" and _start(each) >= done]
    lacking = sorted((each for each in failed if _is_shortage(each.get("StatusMessage", ""))), key=_start, reverse=True)
    return str(lacking[0]["StatusMessage"]) if lacking else ""


def _is_shortage(text: str) -> bool:
    return any(said in text for said in CURED_ELSEWHERE)


def _start(activity: Mapping[str, Any]) -> datetime:
    began: datetime = activity.get("StartTime", _BEFORE_ALL)
    return began


def launches(aws: Aws, status: str, group: str, health: Iterable[tuple[str, str]], wanted: int) -> dict[str, Any]:
    """Of a node group that is in motion, or could not be made: its `shortage`, and why its newest launch failed.

    In a change the newest failure counts; what lacks capacity then is no reason to take another choice.
    """
    if status not in ("CREATING", "UPDATING"):
        return {"shortage": shortage((), health)} if status == "CREATE_FAILED" else {}
    found = activities(aws, group) if group else ()
    short = shortage(found, health, wanted) if status == "CREATING" else ""
    return {"shortage": short, "failed_launch": failed_launch(found)}


def failed_launch(found: Iterable[Mapping[str, Any]]) -> str:
    """Why the newest launch failed, in AWS's words; empty where it did not."""
    ended = [one for one in found if one.get("Description", "").startswith(LAUNCHING) and one.get("StatusCode")]
    newest = max(ended, key=_start, default=None)
    failed = newest is not None and newest["StatusCode"] == "Failed"
    return str(newest.get("StatusMessage", "")) if newest is not None and failed else ""
