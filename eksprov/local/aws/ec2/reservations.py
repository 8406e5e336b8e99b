"""Capacity reservations of all regions: what each holds, and what of it is free.

Members and states: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CapacityReservation.html.
"""

from __future__ import annotations

import secrets
from typing import Any

from moto.ec2.models import ec2_backends

from eksprov.local.aws.keys import ACCOUNT
from eksprov.local.aws.refusal import Refusal
from eksprov.local.partitions import partition_of

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
