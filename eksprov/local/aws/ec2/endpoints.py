"""VPC endpoints that come and go in their time, with the network interfaces they leave.

https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models import EC2Backend, ec2_backends

from eksprov.local.aws.clock import Clock
from eksprov.local.aws.keys import ACCOUNT


class VpcEndpoints:
    """The endpoints of all regions that are in motion, and the client tokens they were made with."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._motions: dict[str, tuple[str, float]] = {}  # id to region and since when
        self.tokens: dict[tuple[str, str], tuple[dict[str, Any], str]] = {}
        self.ipv4_only: set[str] = set()  # services, like "ecr.api"

    def moves(self, region: str, endpoint_id: str) -> None:
        """It has begun to come or to go."""
        self._motions[endpoint_id] = (region, self._clock.now())

    def advance(self) -> None:
        """Move on what is due."""
        for key, (region, since) in list(self._motions.items()):
            endpoint: Any = ec2_backends[ACCOUNT][region].vpc_end_points.get(key)
            step = "endpoint-delete" if endpoint is not None and endpoint.state == "deleting" else "endpoint-create"
            if endpoint is None or self._clock.now() >= since + self._clock.latency(step):
                del self._motions[key]
                if endpoint is not None:
                    _arrive(ec2_backends[ACCOUNT][region], endpoint)


def _arrive(ec2: EC2Backend, endpoint: Any) -> None:
    if endpoint.state == "pending":
        endpoint.state = "available"
        return
    for interface in endpoint.network_interface_ids:
        ec2.enis.pop(interface, None)
    del ec2.vpc_end_points[endpoint.id]
