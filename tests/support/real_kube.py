"""A real control plane for tests, and a `KubeClient` to it whose token the test's own webhook accepts."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from eksprov.kube.client import KubeClient
from eksprov.local.contract import ClusterSpec, Identity
from eksprov.local.controlplane.egress import EgressServer
from eksprov.local.controlplane.process import ControlPlane
from eksprov.local.controlplane.webhook import TokenWebhook
from support.programs import control_plane_programs

ARN = "arn:aws:eks:us-west-2:123456789012:cluster/laws"
TOKENS = {
    "admin": Identity("arn:aws:sts::123456789012:assumed-role/admin/me", "1", ("system:masters",)),
    "nobody": Identity("arn:aws:sts::123456789012:assumed-role/nobody/me", "2", ("system:authenticated",)),
}
READY_WITHIN_S = 90.0


class WallClock:
    """Real time."""

    def now(self) -> float:
        """Seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Really."""
        time.sleep(seconds)


@contextmanager
def control_plane(folder: Path) -> Iterator[ControlPlane]:
    """A running control plane; skips (or with CI=true fails) where there is no program for it."""
    binaries = control_plane_programs()
    webhook = TokenWebhook(lambda _, token: TOKENS.get(token))
    egress = EgressServer(folder / "e.sock", lambda *_: None)
    spec = ClusterSpec(ARN, "laws", "1.36", "172.20.0.0/16", "https://oidc.example/id/1")
    plane = ControlPlane(folder / "plane", spec, binaries, webhook_url=webhook.url(ARN), egress_socket=egress.socket)
    webhook.start()
    egress.start()
    try:
        plane.start()
        _wait(plane)
        yield plane
    finally:
        plane.stop()
        egress.stop()
        webhook.stop()


def client(plane: ControlPlane, token: str = "admin", manager: str = "eksprov") -> KubeClient:
    """A client with one of `TOKENS`, setting fields as `manager`."""
    server, ca_data = plane.address()
    return KubeClient(server, ca_data, lambda: token, WallClock(), manager)


def _wait(plane: ControlPlane) -> None:
    # Set up for a whole session, this runs before any test's leave to sleep; an event's wait needs none.
    pause = threading.Event()
    deadline = time.monotonic() + READY_WITHIN_S
    while not plane.ready():
        if problem := plane.failed():
            pytest.fail(problem)
        if time.monotonic() > deadline:
            pytest.fail("the control plane is not ready in time")
        pause.wait(0.2)
