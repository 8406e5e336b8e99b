"""The control plane's programs for tests: found, never built; without them a test is skipped loudly."""

from __future__ import annotations

import os

import pytest

from eksprov.local.controlplane.find import Binaries, find
from eksprov.local.home import cache_home

MISSING = "NO CONTROL PLANE: set EKSPROV_KUBERNETES, or let `eksprov provision` build it once"


def control_plane_programs() -> Binaries:
    """The programs from EKSPROV_KUBERNETES or the cache; skips without them, and fails where CI is true."""
    found = find(os.environ, cache_home(os.environ))
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    return found
