"""An emulated account with Kubernetes in memory behind its clusters."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.real_kube import control_plane
from support.stage import Theatre

from eksprov.local.controlplane.process import ControlPlane


@pytest.fixture(scope="session")
def theatre() -> Theatre:
    return Theatre()


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("plane")) as running:
        yield running
