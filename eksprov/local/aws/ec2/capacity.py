"""What EC2 has no instances of, by wish: an account with GPUs to spare would hide what happens without.

`LocalAws.capacity.refuse("p5.48xlarge")` refuses a type everywhere; a zone (its name or id) and a way of buying narrow
it down, and all may be left out. What Auto Scaling tried because of it is kept here too, as DescribeScalingActivities
tells it. Codes and messages are EC2's, as Auto Scaling passes them on: https://github.com/aws/containers-roadmap/issues/2204
and https://repost.aws/knowledge-center/eks-node-group-degraded.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

ON_DEMAND, SPOT = "ON_DEMAND", "SPOT"
BUYING = {ON_DEMAND: "On-Demand", SPOT: "Spot", "CAPACITY_BLOCK": "Capacity Block"}
ICE = "InsufficientInstanceCapacity"
MESSAGES = {
    "InsufficientInstanceCapacity": (
        "We currently do not have sufficient {type} capacity in the Availability Zone you requested ({zone}). "
        "Our system will be working on provisioning additional capacity."
    ),
    "UnfulfillableCapacity": (
        "Unable to fulfill capacity due to your request configuration. Please adjust your request and try again."
    ),
    "ReservationCapacityExceeded": (
        "The requested reservation does not have sufficient compatible and available capacity for this request."
    ),
    "MaxSpotInstanceCountExceeded": "Max spot instance count exceeded",
    "VcpuLimitExceeded": (
        "You have requested more vCPU capacity than your current vCPU limit of {limit:g} allows for the instance "
        "bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request "
        "to request an adjustment to this limit."
    ),
}


@dataclass(frozen=True)
class Shortage:
    """What is refused; empty fields fit everything. No `code`: EC2's usual one for the way of buying. `limit` is the
    quota's, where one is the reason."""

    instance_type: str = ""
    zone: str = ""
    purchase: str = ""
    code: str = ""
    limit: float = 0

    def fits(self, instance_type: str, zones: tuple[str, ...], purchase: str) -> bool:
        """Whether an instance would be refused; `zones` are the name and the id of its zone."""
        return (
            self.instance_type in ("", instance_type)
            and (not self.zone or self.zone in zones)
            and self.purchase in ("", purchase)
        )

    def message(self, instance_type: str, zone: str, purchase: str) -> str:
        """What Auto Scaling says of a launch that failed."""
        code = self.code or ("UnfulfillableCapacity" if purchase == SPOT else ICE)
        said = MESSAGES[code].format(type=instance_type, zone=zone, limit=self.limit)
        return f"Could not launch {BUYING[purchase]} Instances. {code} - {said} Launching EC2 instance failed."


@dataclass
class Capacity:
    """What is short now, and what was tried. `deletes_refused_s`: how long EKS refuses to delete a group in creation
    (whether AWS does is not documented; so both can be played)."""

    short: list[Shortage] = field(default_factory=list)
    deletes_refused_s: float = 0.0
    _activities: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _tried_at: dict[str, float] = field(default_factory=dict)

    def refuse(self, instance_type: str = "", zone: str = "", purchase: str = "", code: str = "") -> None:
        """Refuse such instances from now on. Raises: ValueError for a code or a way of buying that is unknown here."""
        if (purchase and purchase not in BUYING) or (code and code not in MESSAGES):
            raise ValueError(f"unknown here: {purchase} {code}; known: {', '.join((*BUYING, *MESSAGES))}")
        self.short.append(Shortage(instance_type, zone, purchase, code))

    def allow(self) -> None:
        self.short.clear()

    def refusal(self, instance_type: str, zones: tuple[str, ...], purchase: str) -> Shortage | None:
        """The shortage that refuses an instance, or None."""
        return next((each for each in self.short if each.fits(instance_type, zones, purchase)), None)

    def tries_again(self, group: str, now: float, pause_s: float) -> bool:
        """Whether an Auto Scaling group that was refused tries again by now."""
        if now < self._tried_at.get(group, now - pause_s) + pause_s:
            return False
        self._tried_at[group] = now
        return True

    def launched(self, group: str, now: float, instance_id: str) -> None:
        """Keep that an instance was launched."""
        self._keep(group, now, f"Launching a new EC2 instance: {instance_id}", "Successful", "")

    def failed(self, group: str, now: float, message: str) -> None:
        """Keep that a launch failed."""
        self._keep(group, now, "Launching a new EC2 instance", "Failed", message)

    def activities(self, group: str) -> list[dict[str, Any]]:
        """All of a group, the newest first."""
        return self._activities.get(group, [])[::-1]

    def last_failure(self, group: str) -> tuple[datetime, str] | None:
        """When launches began to fail and what was said last; None where the last one succeeded, or none was made."""
        since: tuple[datetime, str] | None = None
        for each in self._activities.get(group, []):
            if each["StatusCode"] == "Successful":
                since = None
            else:
                since = (since[0] if since else each["StartTime"], each["StatusMessage"])
        return since

    def _keep(self, group: str, now: float, what: str, status: str, message: str) -> None:
        at = datetime.fromtimestamp(now, UTC)
        activity = {
            "ActivityId": str(uuid.uuid4()),
            "AutoScalingGroupName": group,
            "Description": f"{what}.  Status Reason: {message}" if message else what,
            "Cause": f"At {at:%Y-%m-%dT%H:%M:%SZ} an instance was started in response to a difference between desired "
            "and actual capacity.",
            "StartTime": at,
            "EndTime": at,
            "StatusCode": status,
            "Progress": 100,
            "Details": "{}",
        }
        self._activities.setdefault(group, []).append(activity | ({"StatusMessage": message} if message else {}))
