"""Programs for tests: found, never built. Without them a test is skipped loudly; where CI is true, it fails."""

from __future__ import annotations

import os
import shutil
from typing import TypeVar

import pytest

from eksprov.local.controlplane.find import Binaries, find
from eksprov.local.home import cache_home

T = TypeVar("T")
MISSING = "NO CONTROL PLANE: set EKSPROV_KUBERNETES, or let `eksprov provision` build it once"


def control_plane_programs() -> Binaries:
    """The control plane's, from EKSPROV_KUBERNETES or the cache."""
    return _there(find(os.environ, cache_home(os.environ)), MISSING)


def kubectl_program() -> str:
    """The path of kubectl; eksprov itself never runs it, so a machine need not have it."""
    return _there(shutil.which("kubectl"), "NO KUBECTL on PATH")


def _there(found: T | None, missing: str) -> T:
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)  # a machine without the program can run all other tests
    return found
