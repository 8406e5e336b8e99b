"""Capacity reservations: instances that are launched into one take of what it holds, in its zone and of its type.

moto has none. Members and states: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CapacityReservation.html;
codes: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html. A capacity block, which is bought
from an offering, is put here by a test or by `LocalAws.reservations.add`.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models import EC2Backend

from eksprov.local.aws.base import current_world
from eksprov.local.aws.ec2.reservations import Described
from eksprov.local.aws.refusal import Refusal

PAGE = 1000


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
