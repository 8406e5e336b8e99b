"""Capacity reservations that the config names: where they lie and for what, asked of EC2 once, then kept in the record.

A reservation lies in one zone and is for one instance type
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-capacity-reservations.html), so nodes that are launched into it
stand in that zone's subnet alone; the config need not name it. How much of it is free changes, and is for preflight.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING, Any

from eksprov.aws.session import Aws
from eksprov.core.names import last_part
from eksprov.steps.absent import none_if

if TYPE_CHECKING:
    from eksprov.config.schema import Config, NodeGroup

UNKNOWN_IDS = ("InvalidCapacityReservationId.NotFound", "InvalidCapacityReservationId.Malformed")


@dataclass(frozen=True)
class Reservation:
    """What does not change of one. `zone_id` is empty for one that EC2 does not know; `placement_group` is a name."""

    id: str
    zone_id: str = ""
    instance_type: str = ""
    block: bool = False
    placement_group: str = ""


def named_in(config: Config) -> tuple[str, ...]:
    """The ids that the config names, each once."""
    return tuple(sorted({group.capacity_reservation_id or "" for group in config.node_groups} - {""}))


def settled(aws: Aws, config: Config, recorded: str) -> tuple[Reservation, ...]:
    """All that the config names; only those that are not recorded are asked for."""
    known = from_text(recorded)
    return tuple(known.get(each) or _one(aws, each) for each in named_in(config))


def described(aws: Aws, reservation: str) -> Mapping[str, Any] | None:
    """A reservation as EC2 describes it, or None."""
    ask = aws.clients.ec2.describe_capacity_reservations
    answer = none_if(lambda: ask(CapacityReservationIds=[reservation]), *UNKNOWN_IDS)
    found: list[Any] = list(answer["CapacityReservations"]) if answer is not None else []
    return found[0] if found else None


def _one(aws: Aws, reservation: str) -> Reservation:
    found = described(aws, reservation)
    if found is None:
        return Reservation(reservation)
    return Reservation(
        reservation,
        found.get("AvailabilityZoneId", ""),
        found.get("InstanceType", ""),
        found.get("ReservationType") == "capacity-block",
        last_part(found.get("PlacementGroupArn", "")),
    )


def as_text(known: Iterable[Reservation]) -> str:
    """As the record keeps them; one that EC2 did not know is asked for again."""
    found = [astuple(one) for one in known if one.zone_id]
    return json.dumps(found, separators=(",", ":")) if found else ""


def from_text(text: str) -> dict[str, Reservation]:
    """Those of a record, by id; what another version wrote in another form counts as never asked."""
    try:
        found = [Reservation(*row) for row in json.loads(text or "[]") if len(row) == len(fields(Reservation))]
    except (ValueError, TypeError):
        return {}
    return {one.id: one for one in found}


def zones_of(group: NodeGroup, known: Iterable[Reservation]) -> tuple[str, ...]:
    """The zones of a group's nodes: its reservation's, where the config names none."""
    theirs = tuple(one.zone_id for one in known if one.id == group.capacity_reservation_id and one.zone_id)
    return group.zone_ids or theirs


def problems(group: NodeGroup, known: Iterable[Reservation], placement_group: str) -> Iterator[str]:
    """Why no node of the group could be launched into its reservation. `placement_group` is the nodes' own, by name."""
    one = next((each for each in known if each.id == group.capacity_reservation_id), None)
    if one is None:
        return
    if not one.zone_id:
        yield f"EC2 knows no capacity reservation {one.id} in this region"
        return
    if group.zone_ids and one.zone_id not in group.zone_ids:
        yield f"its reservation {one.id} lies in {one.zone_id}, but zone_ids names {', '.join(group.zone_ids)}"
    if one.instance_type not in group.instance_types:
        yield f"its reservation {one.id} is for {one.instance_type}, not for {', '.join(group.instance_types)}"
    if one.block and group.capacity_type != "CAPACITY_BLOCK":
        yield f"{one.id} is a capacity block, so capacity_type has to be CAPACITY_BLOCK"
    if group.capacity_type == "CAPACITY_BLOCK" and not one.block:
        yield f"{one.id} is no capacity block, so capacity_type has to be ON_DEMAND"
    if placement_group and one.placement_group not in ("", placement_group):
        yield f"its reservation {one.id} is in the placement group {one.placement_group}, not in {placement_group}"
