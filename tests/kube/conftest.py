"""One real control plane for all tests of this folder that want one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.real_kube import control_plane

from eksprov.local.controlplane.process import ControlPlane


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("plane")) as running:
        yield running
