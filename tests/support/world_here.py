"""A local world in the process of the test, which the real command line finds as it finds any that runs.

The emulated AWS answers HTTP, the cluster's API server HTTPS with objects in memory; nothing else runs. So a command
needs a second or two of a processor, and afterwards the account can be read out of memory.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from eksprov import __version__
from eksprov.local.aws.emulator import LocalAws
from eksprov.local.aws.server import AwsServer
from eksprov.local.contract import ClusterSpec, ClusterStatus
from eksprov.local.faults.switchboard import Switchboard
from support.journey import PATIENCE_S, PYTHON, ROOT, Begun, Done
from support.kubernetes import StillKubernetes
from support.memory_kube import MemoryKube
from support.models import TINY_MODEL
from support.prices import PRODUCTS
from support.served_kube import served_kube

KEY = "the key of a world in memory"
SPEED = 2000.0  # nothing that AWS takes minutes for takes longer than the shortest pause between two looks


class ServedKubernetes(StillKubernetes):
    """Always done; the API server of the one cluster is reached at `endpoint`."""

    endpoint, ca_data = "", ""

    def cluster_status(self, cluster_arn: str) -> ClusterStatus:
        """Ready while it is there."""
        there = cluster_arn in self.clusters
        return ClusterStatus("ready", self.endpoint, self.ca_data) if there else ClusterStatus("absent")

    def start_cluster(self, spec: ClusterSpec) -> None:
        """There it is; a second one would have the first one's API server."""
        assert self.clusters.keys() <= {spec.arn}
        super().start_cluster(spec)

    @property
    def api(self) -> MemoryKube:
        """What the cluster holds; without one, nothing that is kept."""
        return next(iter(self.apis.values()), MemoryKube())


@dataclass
class WorldHere:
    """The world, and a project folder whose `eksprov` commands use it."""

    emulator: LocalAws
    kubernetes: ServedKubernetes
    folder: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    begun: list[Begun] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where its AWS answers."""
        return self.emulator.url

    def popen(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start `eksprov …` with pipes to what it says."""
        return subprocess.Popen(
            (PYTHON, "-m", "eksprov", *arguments), cwd=self.folder, env={**self.environ, **(env or {})},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def begin(self, *arguments: str, env: Mapping[str, str] | None = None, name: str = "begun") -> Begun:
        """Start `eksprov …` and leave it running; `name` tells several at once apart."""
        run = Begun(self.folder, arguments, {**self.environ, **(env or {})}, name)
        self.begun.append(run)
        return run

    def __call__(self, *arguments: str, env: Mapping[str, str] | None = None) -> Done:
        """Run `eksprov …` to its end."""
        process = self.popen(*arguments, env=env)
        out, err = process.communicate(timeout=PATIENCE_S)
        return Done(process.returncode, out, err)

    def calls(self) -> int:
        """How many calls AWS has had."""
        return int(self.emulator.calls.report()["total"])


@contextmanager
def world_here(speed: float = SPEED, config: str | None = None) -> Iterator[WorldHere]:
    """Start it, with the quick start's config or this one in a new folder."""
    folder = Path(tempfile.mkdtemp(prefix="eksprov-here-"))
    kubernetes = ServedKubernetes()
    world = LocalAws(kubernetes, time.time, speed, products=PRODUCTS)
    faults = Switchboard(world)
    control = {"GET /eksprov/status": lambda: STATUS, "POST /eksprov/prefetch": dict}
    told = {"POST /eksprov/faults": faults.switch}
    server = AwsServer(world, key=KEY, control=control, told=told, trouble=faults)
    _project(folder, config)
    here = WorldHere(world, kubernetes, folder, _environ(folder))
    server.start()
    announce(folder / "world", server.url, speed)
    try:
        with served_kube(folder, lambda _: kubernetes.api) as api:
            kubernetes.endpoint, kubernetes.ca_data = api.url, api.ca_data
            yield here
    finally:
        for run in here.begun:  # a test that failed may have left one standing still
            run.process.kill()
            run.process.wait()
        server.stop()
        shutil.rmtree(folder)


STATUS: dict[str, Any] = {"kubernetes": "", "clusters": []}


def _project(folder: Path, config: str | None) -> None:
    (folder / "eksprov.yaml").write_text(config or (ROOT / "eksprov.yaml").read_text())
    model = folder / "examples" / "digits" / "model"
    model.mkdir(parents=True)
    (model / "model.joblib").write_bytes(TINY_MODEL)
    for name in ("user", "world"):
        (folder / name).mkdir(mode=0o700)


def _environ(folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOME": str(folder / "user"),
        "EKSPROV_LOCAL_HOME": str(folder / "world"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
    }


def announce(home: Path, url: str, speed: float = SPEED) -> None:
    """Write down what `eksprov` looks for (`eksprov.local.world`)."""
    me = psutil.Process()
    found = {"pid": me.pid, "created": me.create_time(), "url": url, "version": __version__, "speed": speed}
    (home / "control.key").write_text(KEY)
    (home / "world.json").write_text(json.dumps({**found, "started_at": ""}))
