"""A newcomer's project folder and the real command line in it, in processes of its own; and plain readings beside it.

Nothing here imports eksprov to find out what eksprov did: AWS is read with boto3 at the endpoint that `local status`
names, processes by the mark that they carry.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest

from eksprov.local.home import cache_home
from support.world import READS

ROOT = Path(__file__).parents[2]
PYTHON = str(Path(sys.executable).absolute())
MARK = "EKSPROV_LOCAL_FOLDER"
PATIENCE_S = 300.0  # a machine may be busy; nothing here is a measurement
REGION = "us-west-2"


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it answered; the command must have gone well."""
        assert self.code == 0, self.err
        return json.loads(self.out)


class Project:
    """A project folder with the repository's config and example, and a local world of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "world"
        self._clients: dict[tuple[str, tuple[str, ...]], Any] = {}
        (folder / "examples/digits").mkdir(parents=True)
        (folder / "user").mkdir()
        shutil.copy(ROOT / "eksprov.yaml", folder)
        shutil.copy(ROOT / "examples/digits/train.py", folder / "examples/digits")
        self.environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "HOME": str(folder / "user"),  # no ~/.kube/config of a person is touched
            "XDG_CACHE_HOME": str(cache_home(os.environ).parent),
            "EKSPROV_LOCAL_HOME": str(self.home),
            **{name: os.environ[name] for name in ("EKSPROV_KUBERNETES",) if name in os.environ},
        }

    @property
    def model(self) -> Path:
        """The example's model."""
        return self.folder / "examples/digits/model/model.joblib"

    def train(self) -> Path:
        """Train the example as `make provision` does; a request with every image."""
        images = self.folder / "all.json"
        command = (PYTHON, "examples/digits/train.py", "--images", str(images))
        subprocess.run(command, cwd=self.folder, env=self.environ, check=True, capture_output=True, timeout=PATIENCE_S)
        return images

    def config(self, file: str, **changes: str) -> Path:
        """Another config beside the first, with these words in place of its own."""
        text = (ROOT / "eksprov.yaml").read_text()
        for key, value in changes.items():
            old = next(line for line in text.splitlines() if line.startswith(f"{key}: "))
            text = text.replace(old, f"{key}: {value}", 1)
        path = self.folder / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    def example(self, name: str, more: str = "") -> str:
        """A copy of `examples/<name>`, with more at its config's end. Gives the config, as `--config` wants it."""
        shutil.copytree(ROOT / "examples" / name, self.folder / name)
        file = self.folder / name / "eksprov.yaml"
        file.write_text(f"{file.read_text()}\n{more}\n")
        return f"{name}/eksprov.yaml"

    def begin(self, *arguments: str, env: Mapping[str, str] | None = None) -> Begun:
        """Start `eksprov …` without a terminal, and leave it running."""
        return Begun(self.folder, arguments, {**self.environ, **(env or {})})

    def __call__(self, *arguments: str, stdin: str = "", env: Mapping[str, str] | None = None) -> Done:
        """Run `eksprov …` without a terminal."""
        done = subprocess.run(
            (PYTHON, "-m", "eksprov", *arguments),
            cwd=self.folder,
            env={**self.environ, **(env or {})},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    @cached_property
    def endpoint(self) -> str:
        """Where the world's AWS answers."""
        return str(self("local", "status", "--json").json["aws_endpoint_url"])

    def aws(self, service: str, keys: tuple[str, ...] = ("test", "test")) -> Any:
        """A plain client; by default the administrator's."""
        if (service, keys) not in self._clients:
            connect: Any = boto3.Session  # its clients by their names
            session = connect(*keys, region_name=REGION)
            self._clients[service, keys] = session.client(service, endpoint_url=self.endpoint)
        return self._clients[service, keys]

    def changes(self) -> int:
        """How many calls that change something AWS has had."""
        return int(self.calls()["mutating"])

    def calls(self) -> Any:
        """The world's log of calls."""
        request = urllib.request.Request(f"{self.endpoint}/eksprov/calls")
        request.add_header("X-Eksprov-Key", (self.home / "control.key").read_text())
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def state(self, stack: str = "quickstart") -> Path:
        """A stack's record."""
        return self.folder / f"state/{stack}.json"

    def processes(self) -> list[psutil.Process]:
        """Every living process of this world."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                ours = process.environ().get(MARK, "").startswith(str(self.home))
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found


class Begun:
    """A command under way; what it says goes to files, so that it never waits for a reader."""

    def __init__(
        self, folder: Path, arguments: tuple[str, ...], environ: Mapping[str, str], name: str = "begun"
    ) -> None:
        self._out, self._err = folder / f"{name}.out", folder / f"{name}.err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                (PYTHON, "-m", "eksprov", *arguments),
                cwd=folder, env=environ, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
            )  # fmt: skip

    @property
    def said(self) -> str:
        """Its stderr so far."""
        return self._err.read_text()

    def until(self, happened: Callable[[], Any], what: str) -> None:
        """Wait for something to happen while it runs."""
        until(lambda: happened() or self.process.poll() is not None, what)
        assert self.process.poll() is None, f"ended before {what}: {self.said}"

    def ended(self) -> Done:
        """Wait for its end."""
        code = self.process.wait(PATIENCE_S)
        return Done(code, self._out.read_text(), self.said)


def until(happened: Callable[[], Any], what: str) -> None:
    """Wait until something is so. Session fixtures have no leave to sleep; an event's wait needs none."""
    pause, deadline = threading.Event(), time.monotonic() + PATIENCE_S
    while not happened():
        if time.monotonic() > deadline:
            pytest.fail(f"in vain waited for: {what}")
        pause.wait(0.1)


def tags_of(item: Mapping[str, Any]) -> dict[str, str]:
    """A resource's tags, however its service writes them."""
    raw = item.get("Tags") or item.get("TagSet") or item.get("tags") or {}
    if isinstance(raw, Mapping):
        return dict(raw)
    return {tag["Key"]: tag["Value"] for tag in raw if isinstance(tag, Mapping)}


def owned(client: Callable[[str], Any], stack: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Every resource of the account that carries the stack's tag: kind, step, tags."""
    for kind, read in READS.items():
        for item in read(client):
            tags = tags_of(item)
            if tags.get("eksprov:stack") == stack:
                yield kind, tags.get("eksprov:step", ""), tags
