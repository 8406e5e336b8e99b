"""Capacity reservations that node groups are to be launched into: whether they are open and have room."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from eksprov import errors
from eksprov.aws.faults import translated
from eksprov.aws.session import Aws
from eksprov.core.plan import Plan
from eksprov.core.step import Owner
from eksprov.preflight.facts import PreflightFacts, ReservationFacts, Unread
from eksprov.preflight.findings import Finding, Level, unknown
from eksprov.preflight.need import groups
from eksprov.steps.node_groups.reservations import described

OPEN = "active"
NAME = "capacity-reservation"


def reservations(aws: Aws, wanted: Mapping[str, str]) -> dict[str, ReservationFacts | Unread]:
    """What EC2 says now, by node group; `wanted` has the id of each. One that EC2 does not know is left out."""
    found: dict[str, ReservationFacts | Unread] = {}
    for group, reservation in wanted.items():
        try:
            with translated(f"read {reservation}"):
                one = described(aws, reservation)
        except errors.EksprovError as error:
            found[group] = Unread(error.message)
            continue
        if one is not None:
            found[group] = ReservationFacts(reservation, one.get("State", ""), one.get("AvailableInstanceCount", 0))
    return found


def room(plan: Plan, facts: PreflightFacts, _us: Owner) -> Iterator[Finding]:
    """A launch into a reservation that is not open, or full, fails, and is tried for half an hour."""
    for group in groups(plan):
        one = facts.reservations.get(group.name)
        if one is None or not (group.new or group.more):
            continue
        if isinstance(one, Unread):
            yield unknown(NAME, f"{group.name}: whether its reservation has room", one.why)
        elif one.state != OPEN:
            what = f"{group.name}: its reservation {one.id} is {one.state}, so nothing can be launched into it"
            cure = "wait until it is active, name another capacity_reservation_id, or set desired_size to 0"
            yield Finding(NAME, _level(group.more), what, cure)
        elif one.free < group.more:
            what = f"{group.name}: its reservation {one.id} has room for {one.free} more, not for {group.more}"
            yield Finding(NAME, "error", what, "lower desired_size, or have the reservation enlarged")


def _level(nodes: int) -> Level:
    return "error" if nodes else "warning"
