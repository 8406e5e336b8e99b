"""Capacity reservations: instances that are launched into one take of what it holds, in its zone and of its type.

moto has none. Members and states: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CapacityReservation.html;
codes: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html. A capacity block, which is bought
from an offering, is put here by a test or by `LocalAws.reservations.add`.
"""

from __future__ import annotations

import secrets
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models import EC2Backend, ec2_backends

from eksprov.local.aws.base import Refusal, current_world
from eksprov.local.aws.keys import ACCOUNT
from eksprov.local.aws.partitions import partition_of

PAGE = 1000
TOO_FULL = "ReservationCapacityExceeded"
Described = dict[str, Any]


class Reservations:
    """All of them, by region and id."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Described] = {}

    def add(self, region: str, zone_id: str, instance_type: str, count: int, **more: Any) -> Described:
        """A new one; `more` are other members of its description, such as its id or ReservationType."""
        zones = ec2_backends[ACCOUNT][region].describe_availability_zones()
        zone = next((each.name for each in zones if zone_id in (each.zone_id, each.name)), None)
        if zone is None:
            raise Refusal("InvalidParameterValue", f"Invalid availability zone: [{zone_id}]")
        key = more.get("CapacityReservationId") or f"cr-{secrets.token_hex(8)}1"
        made = {
            "CapacityReservationId": key,
            "CapacityReservationArn": f"arn:{partition_of(region)}:ec2:{region}:{ACCOUNT}:capacity-reservation/{key}",
            "OwnerId": ACCOUNT,
            "AvailabilityZone": zone,
            "AvailabilityZoneId": next(each.zone_id for each in zones if each.name == zone),
            "InstanceType": instance_type,
            "InstancePlatform": "Linux/UNIX",
            "Tenancy": "default",
            "TotalInstanceCount": count,
            "State": "active",
            "InstanceMatchCriteria": "targeted",
            "EndDateType": "unlimited",
            "ReservationType": "default",
            "Tags": [],
            **more,
        }
        return self._found.setdefault((region, key), made)

    def of(self, region: str) -> dict[str, Described]:
        """A region's, with what is free in each."""
        return {key: self._counted(region, one) for (where, key), one in self._found.items() if where == region}

    def fits(self, region: str, key: str, instance_type: str, zone: str) -> bool:
        """Whether an instance can be launched into it."""
        one = self.of(region).get(key)
        return one is not None and (
            (one["State"], one["InstanceType"], one["AvailabilityZone"]) == ("active", instance_type, zone)
            and one["AvailableInstanceCount"] > 0
        )

    def _counted(self, region: str, one: Described) -> Described:
        living = (each for each in ec2_backends[ACCOUNT][region].all_instances() if each.state != "terminated")
        used = sum(getattr(each, "capacity_reservation", "") == one["CapacityReservationId"] for each in living)
        free = max(0, one["TotalInstanceCount"] - used) if one["State"] == "active" else 0
        return {**one, "AvailableInstanceCount": free}


class ReservationActions:
    """Mixed into the response class of EC2."""

    ec2_backend: EC2Backend
    region: str
    params: Any

    def describe_capacity_reservations(self) -> Any:
        """DescribeCapacityReservations, by id, in pages; unknown ids are an error."""
        ask, mine = dict(self.params), self._mine()
        wanted = ask.get("CapacityReservationIds") or list(mine)
        found = [mine[self._known(key)] for key in wanted]
        start, size = int(ask.get("NextToken") or 0), int(ask.get("MaxResults") or PAGE)
        answer: Described = {"CapacityReservations": found[start : start + size]}
        return ActionResult(answer | ({"NextToken": str(start + size)} if start + size < len(found) else {}))

    def _mine(self) -> dict[str, Described]:
        return current_world().reservations.of(self.region)

    def _known(self, key: str) -> str:
        if key not in self._mine():
            message = f"The capacity reservation '{key}' does not exist"
            raise Refusal("InvalidCapacityReservationId.NotFound", message)
        return key
