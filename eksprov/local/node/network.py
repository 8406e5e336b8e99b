"""Made-up addresses and what they stand for: pods get addresses of their node's subnet, connections get local ports.

The API server asks its egress socket for `pod address:port`; `DialTable.dial` names the local port behind it.
As with the VPC CNI (https://docs.aws.amazon.com/eks/latest/userguide/managing-vpc-cni.html) pods take
addresses of the subnets; they are taken from the top, since the emulated EC2 hands out from the bottom. IPv6 addresses
are as made up as those of IPv4: none of them has to exist on this machine.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Mapping

KUBELET_PORT = 10250
LOOPBACK = "127.0.0.1"
FALLBACK_RANGE = "10.42.0.0/16"


class DialTable:
    """Which local port answers for an address and port of the cluster. Safe to ask from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ports: dict[tuple[str, int], int] = {}

    def open(self, address: str, ports: Mapping[int, int]) -> None:
        """From now on a call to `address` at one of these ports goes to 127.0.0.1 at its local one."""
        with self._lock:
            self._ports.update({(address, port): local for port, local in ports.items()})

    def shut(self, address: str, ports: Mapping[int, int]) -> None:
        """Take back what `open` was told, unless the port means something else by now."""
        with self._lock:
            for port, local in ports.items():
                if self._ports.get((address, port)) == local:
                    del self._ports[address, port]

    def close(self, address: str) -> None:
        """Forget every port of `address`."""
        with self._lock:
            for key in [key for key in self._ports if key[0] == address]:
                del self._ports[key]

    def dial(self, host: str, port: int) -> tuple[str, int] | None:
        """The local address that stands for `host:port`, or None where nothing listens."""
        with self._lock:
            local = self._ports.get((host, port))
        return None if local is None else (LOOPBACK, local)


class AddressPool:
    """Pod addresses, each given once at a time, from the node's own subnet where it is known.

    `pod_cidrs` are the subnets' IPv6 ranges, in the same order, where pods have addresses of those.
    """

    def __init__(self, subnet_cidrs: tuple[str, ...], pod_cidrs: tuple[str, ...] = ()) -> None:
        self._subnets = [ipaddress.IPv4Network(cidr) for cidr in subnet_cidrs]
        self._ranges = [ipaddress.ip_network(cidr) for cidr in pod_cidrs or subnet_cidrs]
        self._taken: set[str] = set()

    def take(self, node_address: str) -> str:
        """A free address of the subnet `node_address` lies in, else of 10.42.0.0/16."""
        subnet = self._range_of(node_address)
        highest = int(subnet.broadcast_address) - 1
        for number in range(highest, int(subnet.network_address) + 3, -1):
            address = str(type(subnet.network_address)(number))
            if address not in self._taken and address != node_address:
                self._taken.add(address)
                return address
        raise RuntimeError(f"no free address is left in {subnet}")

    def reserve(self, address: str) -> None:
        """Keep `address` from being given: a node has it."""
        self._taken.add(address)

    def give_back(self, address: str) -> None:
        self._taken.discard(address)

    def _range_of(self, node_address: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
        address = ipaddress.IPv4Address(node_address)
        for subnet, pods in zip(self._subnets, self._ranges, strict=True):
            if address in subnet:
                return pods
        return ipaddress.IPv4Network(FALLBACK_RANGE)


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that were free a moment ago; all are held at once so that none repeats."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for held in sockets:
            held.bind((LOOPBACK, 0))
        return [held.getsockname()[1] for held in sockets]
    finally:
        for held in sockets:
            held.close()
