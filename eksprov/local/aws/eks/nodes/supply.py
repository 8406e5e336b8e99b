"""Whether EC2 has an instance to give: as far as its capacity goes, and the account's vCPU quotas.

Which quota an instance counts against: https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html.
Only a quota that was set for this account limits anything; how launches beyond it are refused:
https://docs.aws.amazon.com/autoscaling/ec2/userguide/ts-as-capacity.html.
"""

from __future__ import annotations

import re
from typing import Final

from eksprov.local.aws.ec2.capacity import SPOT, Shortage
from eksprov.local.aws.eks.region import EksRegion

# The letters that a type begins with, and the codes on demand and for Spot.
FAMILIES: Final = (
    (re.compile(r"(g|gr|vt)\d"), "L-DB2E81BA", "L-3819A6DF"),
    (re.compile(r"p[5-9]"), "L-417A185B", "L-C4BD4855"),
    (re.compile(r"p\d"), "L-417A185B", "L-7212CCBC"),
    (re.compile(r"inf\d"), "L-1945791B", "L-B5D1601B"),
    (re.compile(r"trn\d"), "L-2C3B7624", "L-6B0D517C"),
    (re.compile(r"(?!hpc|mac)[acdhimrtz]"), "L-1216C47A", "L-34B43A08"),
)


def refusal(region: EksRegion, kind: str, zones: tuple[str, ...], buying: str) -> Shortage | None:
    """Why an instance of this type cannot be had in the zone (its name and id); None where it can."""
    short = region.account.capacity.refusal(kind, zones, buying)
    code = _code(kind, buying)
    limit = region.account.quotas.limit(code) if code else None
    if short is not None or limit is None:
        return short
    if _used(region, code) + _vcpus(region, kind) <= limit:
        return None
    said = "MaxSpotInstanceCountExceeded" if buying == SPOT else "VcpuLimitExceeded"
    return Shortage(kind, code=said, limit=limit)


def _code(kind: str, buying: str) -> str:
    found = next(((usual, spot) for form, usual, spot in FAMILIES if form.match(kind)), ("", ""))
    return found[buying == SPOT]


def _used(region: EksRegion, code: str) -> int:
    every = [one for reservation in region.ec2.reservations.values() for one in reservation.instances]
    running = [one for one in every if one.state in ("pending", "running")]
    return sum(
        _vcpus(region, one.instance_type)
        for one in running
        if _code(one.instance_type, SPOT if one.lifecycle == "spot" else "") == code
    )


def _vcpus(region: EksRegion, kind: str) -> int:
    return int(region.ec2.describe_instance_types([kind])[0]["VCpuInfo"]["DefaultVCpus"])
