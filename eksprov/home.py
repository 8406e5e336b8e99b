"""The user's home folder, below which everything lies that eksprov keeps for a user."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from eksprov.errors import UsageError


def home(environ: Mapping[str, str], listed: Callable[[], Path] = Path.home) -> Path:
    """HOME, or what the system's list of users says of this one. Raises: UsageError where neither knows it.

    A container may run as a user that is in no list.
    """
    if named := environ.get("HOME"):
        return Path(named)
    try:
        return listed()
    except RuntimeError as error:
        raise UsageError("no home folder is known for this user", "set HOME to a folder of yours") from error
