"""Row R13: the real command in a real process, killed at a random moment of real time.

Each worker has an emulated AWS behind a real server, without Kubernetes, and runs `eksprov provision` and `eksprov
teardown` against it in turn. A run gets SIGKILL, SIGTERM, one SIGINT or two; then the same command runs again to its
end and the account is read as in every other row.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.stage import QUICK_START

from simulator import oracles
from simulator.scenario import Result, Scenario
from simulator.warm import CREDENTIALS, Clusters

SPEED = 2000.0  # a whole run takes seconds then, most of them calls and not waits
ENDS = ("KILL", "KILL", "TERM", "INT", "INT INT")
PROMPT_S = {"INT": 5.0, "INT INT": 3.0, "TERM": 5.0}  # how soon it ends; a busy machine is given some more than a user
LONGEST_S = 180.0


@dataclass
class Place:
    """A server, a folder with a config, and what is to be there before and after."""

    world: Any
    url: str
    folder: Path
    rights: dict[str, oracles.World] = field(default_factory=dict)
    usual_s: dict[str, float] = field(default_factory=dict)

    def start(self, command: str) -> subprocess.Popen[str]:
        """The real command line, in a process group of its own."""
        environ = {**os.environ, **CREDENTIALS, "AWS_ENDPOINT_URL": self.url, "KUBECONFIG": str(self.folder / "kube")}
        arguments = [sys.executable, "-m", "eksprov", command, "--config", str(self.folder / "eksprov.yaml"), "--yes"]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            arguments, cwd=self.folder, env=environ, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        )

    def run(self, command: str) -> tuple[int, str]:
        """To its end."""
        began = time.monotonic()
        process = self.start(command)
        _, said = process.communicate(timeout=LONGEST_S)
        self.usual_s[command] = min(self.usual_s.get(command, 1e9), time.monotonic() - began)
        return process.returncode, said

    def reading(self) -> oracles.World:
        """The account, while nobody else changes it."""
        with self.world.lock:
            self.world.advance()
            return oracles.reading(self)  # type: ignore[arg-type]

    @property
    def emulator(self) -> Any:
        """What the oracles read."""
        return self.world

    @property
    def kubernetes(self) -> Any:
        """What the oracles read."""
        return self.world.kubernetes


def kills(number: int, seed: int) -> Iterator[Result]:
    """So many kills, one after the other."""
    chance = random.Random(f"R13 {seed}")
    with place() as where:
        where.rights["teardown"] = where.reading()
        for command in ("provision", "teardown"):
            code, said = where.run(command)
            assert code == 0, said
            where.rights.setdefault(command, where.reading())
        for count in range(number):
            command = ("provision", "teardown")[count % 2]
            yield _killed(where, command, chance.choice(ENDS), chance, f"{seed}.{count}")


@contextmanager
def place() -> Iterator[Place]:
    """Start the server, make the folder."""
    from eksprov.local.aws.emulator import LocalAws
    from eksprov.local.aws.server import AwsServer

    world = LocalAws(Clusters(), time.time, SPEED)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION"):
        os.environ.pop(name, None)
    world.keys.add(CREDENTIALS["AWS_ACCESS_KEY_ID"], CREDENTIALS["AWS_SECRET_ACCESS_KEY"], "")
    server = AwsServer(world, key="unused")
    server.start()
    folder = Path(tempfile.mkdtemp(prefix="eksprov-kills-"))
    (folder / "eksprov.yaml").write_text(QUICK_START.read_text().replace("target: local", "target: aws"))
    try:
        yield Place(world, server.url, folder)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _killed(where: Place, command: str, how: str, chance: random.Random, name: str) -> Result:
    began, failures = time.monotonic(), list[str]()
    process = where.start(command)
    after = chance.uniform(0.2, where.usual_s[command])
    time.sleep(after)
    signalled = time.monotonic()
    for one in how.split():
        if process.poll() is None:
            process.send_signal(getattr(signal, f"SIG{one}"))
            time.sleep(0.1)
    process.communicate(timeout=LONGEST_S)
    took = time.monotonic() - signalled
    if took > PROMPT_S.get(how, LONGEST_S):
        failures.append(f"O7: ended {took:.1f} s after SIG{how}")
    if process.returncode not in {"KILL": (0, -9)}.get(how, (0, 130, 143, -2, -15)):
        failures.append(f"O8: exit {process.returncode} after SIG{how}")
    code, said = where.run(command)
    if code != 0:
        failures.append(f"O3: the next {command} ended with {code}: {said[-800:]}")
    right = where.rights[command]
    failures += [f"O1: {one}" for one in oracles.differences(where.reading(), right)]
    scenario = Scenario("R13", f"{command} {name}: SIG{how} after {after:.1f} s", 0, command=command)
    return Result(scenario, tuple(failures), wall_s=time.monotonic() - began)
