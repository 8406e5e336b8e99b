"""Who holds a stack, as it is written beside the lock; and who we are.

Whether a process still lives can only be said on its own host. A pid means nothing elsewhere, so for another host's
holder nobody here can tell.
"""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


def process_lives(pid: int) -> bool:
    """Whether a process of this host has this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # another user's
    return True


@dataclass(frozen=True)
class Me:
    """This process, as a holder of locks."""

    user: str
    host: str
    pid: int  # of this process, on `host`
    lives: Callable[[int], bool] = process_lives  # whether a pid of this host is a running process


def this_process() -> Me:
    """Ourselves, as the operating system names us."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a uid without a name, as in containers
        user = f"uid {os.getuid()}"
    return Me(user, socket.gethostname(), os.getpid())


@dataclass(frozen=True)
class Holder:
    """Who works on a stack, and since when."""

    command: str  # of eksprov, like "provision"
    user: str  # as the operating system names them; empty: not recorded
    host: str
    pid: int  # on `host`
    since: str  # ISO 8601, UTC
    expires_at: str = ""  # end of the lease, ISO 8601, UTC; empty: the lock is a file and has none
    lease_s: float = 0.0  # length of the lease in seconds; 0: none
    nonce: str = ""  # random, tells one lease from another; empty: none

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Holder:
        """From its JSON. Raises: KeyError, TypeError, ValueError when that is not a holder's."""
        return cls(
            command=str(body["command"]),
            user=str(body.get("user", "")),
            host=str(body["host"]),
            pid=int(body["pid"]),
            since=str(body["since"]),
            expires_at=str(body.get("expires_at", "")),
            lease_s=float(body.get("lease_s", 0.0)),
            nonce=str(body.get("nonce", "")),
        )

    def __str__(self) -> str:
        whose = f", {self.user}" if self.user else ""
        until = f", lease until {self.expires_at}" if self.expires_at else ""
        return f"`eksprov {self.command}` (pid {self.pid} on {self.host}{whose}, since {self.since}{until})"

    def lives(self, me: Me) -> bool | None:
        """Whether it runs; None where it is another host's, so that nobody here can say."""
        return me.lives(self.pid) if self.host == me.host else None


def stamp(seconds: float) -> str:
    """Seconds since the epoch as ISO 8601 in UTC, whole seconds."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
