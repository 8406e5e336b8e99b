"""The regions that moto does not know: their zones, what instance types they offer, and ARNs of their partition.

What EC2 offers is published by region for the public ones alone; elsewhere it is assumed to be what `LIKE` has.
"""

from __future__ import annotations

import functools
from typing import Any, Final

from botocore.session import Session
from moto.ec2.models.availability_zones_and_regions import Region, RegionsAndZonesBackend, Zone
from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS
from moto.ec2.models.security_groups import SecurityGroup
from moto.ec2.models.subnets import Subnet

from eksprov.local.partitions import dns_suffix, partition_of

LIKE: Final = "eu-central-1"


@functools.cache
def fill_regions() -> None:
    """Tell moto of the zones of regions that it does not know, and what instance types regions offer."""
    regions, zones = RegionsAndZonesBackend.regions, RegionsAndZonesBackend.zones
    for region in Session().get_available_regions("ec2", partition_name="aws-eusc"):
        if region not in zones:
            regions.append(Region(region, f"ec2.{region}.{dns_suffix(region)}", "opt-in-not-required"))
            zones[region] = [Zone(f"{region}{letter}", region, f"euscde1-az{i}") for i, letter in enumerate("abc", 1)]
    Subnet.arn = property(lambda subnet: _in_partition(_subnet_arn.fget(subnet)))  # type: ignore[assignment, method-assign]  # the hook
    SecurityGroup.arn = property(  # type: ignore[assignment]  # the hook: moto sets it to one of the first partition
        lambda group: group.__dict__["arn"], lambda group, arn: group.__dict__.update(arn=_in_partition(arn))
    )
    for region in zones:
        if region not in INSTANCE_TYPE_OFFERINGS["region"]:
            _offer(region, zones)


_subnet_arn: Any = Subnet.arn


def _in_partition(arn: str) -> str:
    """The ARN with the partition of its region."""
    word, _, rest = arn.split(":", 2)
    return f"{word}:{partition_of(arn.split(':')[3])}:{rest}"


def _offer(region: str, zones: dict[str, list[Zone]]) -> None:
    """Every zone has what the zone of its number has in the region that is known."""
    places: dict[str, dict[str, str]] = {"region": {LIKE: region}, "availability-zone": {}, "availability-zone-id": {}}
    for theirs, ours in zip(zones[LIKE], zones[region], strict=False):
        places["availability-zone"][theirs.name] = ours.name
        places["availability-zone-id"][theirs.zone_id] = ours.zone_id
    for kind, names in places.items():
        known = INSTANCE_TYPE_OFFERINGS[kind][LIKE]
        offered = [{**one, "Location": names[one["Location"]]} for one in known if one["Location"] in names]
        INSTANCE_TYPE_OFFERINGS[kind][region] = offered
