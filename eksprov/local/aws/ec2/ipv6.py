"""IPv6 ranges of VPCs, which take a moment to come."""

from __future__ import annotations

from typing import Any

from eksprov.local.aws.clock import Clock

Ask = dict[str, Any]


class Ipv6Ranges:
    """The IPv6 ranges of VPCs that are on their way, and the client tokens of egress-only internet gateways."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._coming: list[tuple[dict[str, Any], float]] = []
        self.tokens: dict[tuple[str, str], tuple[Ask, str]] = {}

    def comes(self, association: dict[str, Any]) -> None:
        """AWS has begun to associate a range."""
        association["cidr_block_state"]["state"] = "associating"
        self._coming.append((association, self._clock.now()))

    def advance(self) -> None:
        """Let those arrive that are due."""
        due = self._clock.now() - self._clock.latency("ipv6-range")
        for association, _ in (each for each in self._coming if each[1] <= due):
            association["cidr_block_state"]["state"] = "associated"
        self._coming = [each for each in self._coming if each[1] > due]
