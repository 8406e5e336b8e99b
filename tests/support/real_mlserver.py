"""The real MLServer as a local process, and its service as the API server's proxy would reach it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eksprov.kube.api import Reply
from eksprov.local.node import model_server
from eksprov.local.node.network import free_ports

READY_WITHIN_S = 90.0


@contextmanager
def mlserver(folder: Path) -> Iterator[int]:
    """Serve a model's folder with no workers, as in a pod; its HTTP port. It may still be loading."""
    ports = free_ports(3)
    argv = [sys.executable, "-P", model_server.__file__, str(folder), *map(str, ports)]
    env = {"MLSERVER_PARALLEL_WORKERS": "0", "HOME": str(folder), "PATH": "/usr/bin:/bin"}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(argv, env=env, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield ports[0]
    finally:
        server.kill()
        server.wait()


def answer(port: int, method: str, path: str, body: bytes | None) -> Reply:
    """Whatever it answers."""
    url, headers = f"http://127.0.0.1:{port}/{path}", {"Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method), timeout=60) as reply:
            return Reply(reply.status, {}, reply.read())
    except urllib.error.HTTPError as error:
        with error:
            return Reply(error.code, {}, error.read())


def wait_until_ready(port: int, model: str) -> None:
    """Until the model is loaded."""
    # Set up for a whole module, this runs before any test's leave to sleep; an event's wait needs none.
    pause, deadline = threading.Event(), time.monotonic() + READY_WITHIN_S
    while True:
        try:
            if answer(port, "GET", f"v2/models/{model}/ready", None).status == 200:
                return
        except urllib.error.URLError:
            pass  # it does not listen yet
        assert time.monotonic() < deadline, "the model is not loaded"
        pause.wait(0.2)
