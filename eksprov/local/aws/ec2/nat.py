"""NAT gateways that take their time: pending, available, deleting, deleted, forgotten.

moto makes one available at once and leaves its network interface behind when it goes. Here the interface goes when
the gateway is deleted, and with it what keeps the subnet, the elastic IP and the internet gateway in use
(https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from moto.ec2.models import EC2Backend, ec2_backends

from eksprov.local.aws.clock import Clock
from eksprov.local.aws.keys import ACCOUNT

ENDED = ("deleted", "failed")


@dataclass
class _Motion:
    region: str
    since: float


class NatGateways:
    """The gateways of all regions that are in motion, and the client tokens they were made with."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._motions: dict[str, _Motion] = {}
        self._tokens: dict[tuple[str, str], tuple[dict[str, Any], str]] = {}

    def made_with(self, region: str, token: str) -> tuple[dict[str, Any], str] | None:
        """Parameters and id of the gateway that was made with this client token."""
        return self._tokens.get((region, token))

    def created(self, region: str, gateway: Any, token: str, parameters: dict[str, Any]) -> None:
        """A gateway was just made by moto."""
        gateway.state = "pending"
        interface = gateway._eni  # moto keeps it under this name only
        interface.status = "in-use"
        interface.interface_type = "nat_gateway"
        interface.requester_managed = True
        interface.description = f"Interface for NAT Gateway {gateway.id}"
        self._motions[gateway.id] = _Motion(region, self._clock.now())
        if token:
            self._tokens[region, token] = (parameters, gateway.id)

    def deleting(self, region: str, gateway: Any) -> None:
        """A gateway is to go."""
        if gateway.state not in ("deleting", *ENDED):
            gateway.state = "deleting"
            self._motions[gateway.id] = _Motion(region, self._clock.now())

    def advance(self) -> None:
        """Move on what is due."""
        for key, motion in list(self._motions.items()):
            backend = ec2_backends[ACCOUNT][motion.region]
            gateway = backend.nat_gateways.get(key)
            if gateway is None:
                del self._motions[key]
            elif self._clock.now() >= motion.since + self._clock.latency(_STEPS[gateway.state]):
                self._step(backend, gateway, motion)

    def _step(self, backend: EC2Backend, gateway: Any, motion: _Motion) -> None:
        motion.since = self._clock.now()
        if gateway.state == "pending":
            attached = any(
                gateway.vpc_id in {place["VpcId"] for place in each.attachments}
                for each in backend.internet_gateways.values()
            )
            gateway.state = "available" if attached else "failed"
            if gateway.state == "available":
                del self._motions[gateway.id]
                return
            gateway.failure_code = "Gateway.NotAttached"
            gateway.failure_message = f"Network {gateway.vpc_id} has no Internet gateway attached"
            _release(backend, gateway)
        elif gateway.state == "deleting":
            gateway.state = "deleted"
            _release(backend, gateway)
        else:
            del backend.nat_gateways[gateway.id]
            del self._motions[gateway.id]


_STEPS = {"pending": "nat-create", "deleting": "nat-delete", "deleted": "nat-forget", "failed": "nat-forget"}


def living(backend: EC2Backend) -> Iterator[Any]:
    """The gateways that still use something."""
    return (gateway for gateway in backend.nat_gateways.values() if gateway.state not in ENDED)


def _release(backend: EC2Backend, gateway: Any) -> None:
    for address in gateway.address_set:
        found = [each for each in backend.addresses if each.allocation_id == address.get("allocationId")]
        if found and found[0].association_id:
            backend.disassociate_address(association_id=found[0].association_id)
    backend.enis.pop(gateway._eni.id, None)
