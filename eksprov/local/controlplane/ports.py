"""Free ports of 127.0.0.1 for programs that cannot choose their own."""

from __future__ import annotations

import contextlib
import random
import socket
from collections.abc import Iterable

# Below the ranges from which Linux (32768-60999, ip_local_port_range) and macOS (49152-65535) take ports for
# outgoing connections, so that none of those can slip in between choosing a port and using it.
PORT_RANGE = range(20000, 32768)


def free_ports(count: int, candidates: Iterable[int] | None = None) -> tuple[int, ...]:
    """`count` different ports that nobody listens on now. Raises `OSError` where too few are free."""
    order = random.sample(PORT_RANGE, len(PORT_RANGE)) if candidates is None else candidates
    with contextlib.ExitStack() as held:
        ports: list[int] = []
        for port in order:
            if len(ports) == count:
                break
            probe = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            ports.append(port)
    if len(ports) < count:
        raise OSError(f"fewer than {count} free ports on 127.0.0.1")
    return tuple(ports)
