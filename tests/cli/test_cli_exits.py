"""The table of exit codes as a law: every command in every situation ends with the situation's code.

The account is emulated and the cluster in memory; the one that does not answer is a closed port. What goes wrong is
told in one line on stderr, with its cure.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.clock import VirtualClock
from support.kubernetes import StillKubernetes
from support.memory_kube import MemoryKube
from support.models import TINY_MODEL
from support.tls import https_server

from eksprov import operations
from eksprov.cli import main
from eksprov.cli.app import COMMANDS
from eksprov.cli.console import Console
from eksprov.cli.display.progress import Display
from eksprov.cli.places import Connection, keys_only_session
from eksprov.cli.program import Program
from eksprov.cli.session import StackSession
from eksprov.errors import EXITS
from eksprov.kube.api import Reply
from eksprov.kube.client import KubeClient
from eksprov.local.aws.emulator import LocalAws
from eksprov.local.aws.server import AwsServer
from eksprov.operations.stack import Opened

pytestmark = pytest.mark.real_time
SPEED = 2000.0
CONFIG = """\
name: {name}
node_groups: [{{name: workers, instance_types: [m7i.large], desired_size: 2}}]
models: [{{name: digits, path: m}}]
"""
NO_ENDPOINTS = json.dumps({"kind": "Status", "code": 503, "message": "no endpoints available for service"}).encode()
ASKS_REGISTRIES = "lock"  # its own tests bring a registry
Ask = Callable[..., tuple[int, str, str]]


class EmulatedPlace:
    """The emulated account over HTTP; with an ear, so that a situation may break in when it is connected to."""

    name, paid = "emulated account", False

    def __init__(self, url: str) -> None:
        self.url = url
        self.heard: Callable[[], None] = lambda: None

    def connect(self, _display: Display) -> Connection:
        self.heard()
        return Connection(keys_only_session("us-west-2"), self.url, SPEED, {})

    @contextlib.contextmanager
    def creating(self, _display: Display) -> Iterator[None]:
        yield

    def release(self) -> bool:
        return False


class Scene:
    """A folder with a config, an account and a cluster; `ask` runs a command line in it."""

    def __init__(self, folder: Path, place: EmulatedPlace, kubernetes: StillKubernetes) -> None:
        self.folder, self.place, self.kubernetes = folder, place, kubernetes
        self.kube: Any = None
        (folder / "m").mkdir()
        (folder / "m" / "model.joblib").write_bytes(TINY_MODEL)
        self.named("nothing")

    def named(self, name: str) -> None:
        (self.folder / "eksprov.yaml").write_text(CONFIG.format(name=name))

    def api(self, name: str, _known: Any) -> Any:
        arn = next((arn for arn in self.kubernetes.apis if arn.endswith(f"/{name}")), "")
        return self.kube or self.kubernetes.apis.get(arn) or MemoryKube()

    def program(self) -> Program:
        environ = {"HOME": str(self.folder), "EKSPROV_LOCAL_HOME": str(self.folder / "world"), "PATH": "/usr/bin:/bin"}
        console = Console(environ=environ, called_as=("eksprov",), terminal=lambda: False)
        return Program(console, lambda: WithApi(console, self), operations)


class WithApi(StackSession):
    """A stack whose API servers are the scene's."""

    def __init__(self, console: Console, scene: Scene) -> None:
        super().__init__(console, lambda *_: scene.place)
        self._scene = scene

    def opened(self, display: Display, *, mint: bool) -> Opened:
        opened = super().opened(display, mint=mint)
        return replace(opened, stack=replace(opened.stack, kube=self._scene.api))


@pytest.fixture(scope="module")
def account() -> Iterator[tuple[str, StillKubernetes]]:
    kubernetes = StillKubernetes()
    server = AwsServer(LocalAws(kubernetes, time.time, SPEED), key="k")
    server.start()
    yield server.url, kubernetes
    server.stop()


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, account: Any) -> Scene:
    monkeypatch.chdir(tmp_path)
    return Scene(tmp_path, EmulatedPlace(account[0]), account[1])


@pytest.fixture
def ask(scene: Scene, capsys: pytest.CaptureFixture[str]) -> Ask:
    def asked(*arguments: str) -> tuple[int, str, str]:
        code = main(list(arguments), scene.program())
        said = capsys.readouterr()
        return code, said.out, said.err

    return asked


def told(code: int, err: str) -> None:
    """Whatever went wrong is one error, with its cure, and no bug; what went well is none."""
    wrong = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(wrong) == (1 if code not in (0, 3) else 0), err  # that something differs is no error
    assert "bug in eksprov" not in err
    if wrong:
        assert re.search(r"^  hint: |; did you mean |^resume with: |^once mended", err, re.MULTILINE), err


# What there is of each command, with arguments that are right, and its code where there is no stack at all.
NOTHING: dict[tuple[str, ...], int] = {
    ("validate",): 0,
    ("schema",): 0,
    ("plan",): 0,
    ("plan", "--offline"): 0,
    ("plan", "--check"): 3,
    ("cost",): 0,
    ("cost", "--offline"): 0,
    ("doctor",): 0,
    ("policy",): 0,
    ("status",): 4,
    ("status", "--json"): 4,
    ("outputs",): 4,
    ("kubeconfig",): 4,
    ("deploy-model",): 4,
    ("deploy-model", "--dry-run"): 4,
    ("models",): 4,
    ("invoke", "digits"): 4,
    ("logs", "digits"): 4,
    ("undeploy-model", "digits", "--yes"): 4,
    ("export", "out"): 0,
    ("teardown", "--yes"): 0,
    ("state", "show"): 4,
    ("state", "show", "--json"): 4,
    ("state", "pull"): 4,
    ("state", "push", "no-such-file"): 2,
    ("state", "unlock", "--yes"): 0,
    ("local", "status"): 4,
    ("local", "status", "--json"): 4,
    ("local", "env"): 4,
    ("local", "faults", "list"): 0,
    ("local", "faults", "set", "throttle"): 4,
    ("local", "list"): 0,
    ("local", "down"): 0,
    ("token", "--cluster-name", "x", "--region", "us-west-2"): 0,
    ("completion", "bash"): 0,
    ("init",): 2,
    ("provision", "--quux"): 2,
}
# What needs the cluster: with one that has no model on it, with one that does not answer, with a model not ready.
ON_A_CLUSTER: dict[tuple[str, ...], tuple[int, int, int]] = {
    ("status",): (0, 0, 0),
    ("outputs",): (0, 0, 0),
    ("kubeconfig",): (0, 0, 0),
    ("plan", "--check"): (3, 3, 0),
    ("provision",): (0, 0, 0),
    ("state", "show"): (0, 0, 0),
    ("state", "pull"): (0, 0, 0),
    ("models",): (0, 5, 0),
    ("invoke", "digits"): (4, 5, 5),
    ("logs", "digits"): (4, 5, 0),
    ("deploy-model", "--dry-run"): (0, 5, 0),
}
READS_NO_CONFIG = {"schema", "completion", "token", "init", "local"}
OF_MODELS = (
    ("invoke", "digist"),
    ("logs", "digist"),
    ("deploy-model", "digist"),
    ("export", "out", "digist"),
    ("undeploy-model", "digist", "--yes"),
)


def test_the_table_is_the_help_text_and_the_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "exit-codes.md").read_text()
    for code, means in EXITS.items():
        assert f"| {code} | {means.split(':')[0].split(';')[0].split(' (')[0]}" in page, means
    assert sorted(EXITS) == [0, 1, 2, 3, 4, 5, 130]


def test_every_command_is_walked() -> None:
    assert {arguments[0] for arguments in NOTHING} | {ASKS_REGISTRIES} == set(COMMANDS)


@pytest.mark.parametrize("arguments", NOTHING, ids=" ".join)
def test_where_there_is_nothing(ask: Ask, arguments: tuple[str, ...]) -> None:
    code, out, err = ask(*arguments)
    assert code == NOTHING[arguments], err
    told(0 if code == 3 else code, err)
    if "--json" in arguments:
        json.loads(out)


@pytest.mark.parametrize("arguments", [a for a in NOTHING if a[0] not in READS_NO_CONFIG], ids=" ".join)
def test_without_a_config(ask: Ask, scene: Scene, arguments: tuple[str, ...]) -> None:
    (scene.folder / "eksprov.yaml").unlink()
    code, _, err = ask(*arguments)
    assert code == 2
    if "--quux" not in arguments:
        assert "there is no such file" in err


@pytest.mark.parametrize("name", ["plan", "doctor", "cost", "status", "models", "kubeconfig", "teardown"])
def test_stopped(ask: Ask, scene: Scene, name: str) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    scene.place.heard = stop
    code, _, err = ask(name, *(("--yes",) if name == "teardown" else ()))
    assert code == 130
    told(code, err)


@pytest.mark.parametrize("name", ["plan", "doctor", "cost", "status", "models", "kubeconfig", "teardown", "provision"])
def test_where_aws_does_not_answer(ask: Ask, scene: Scene, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    scene.place.url = "http://127.0.0.1:9"  # discard: nobody listens
    code, _, err = ask(name, *(("--yes",) if name == "teardown" else ()))
    assert code == 5, err
    told(code, err)


def test_on_a_cluster(ask: Ask, scene: Scene, tmp_path: Path) -> None:
    """One test, for the stack is dear: no model, then a cluster that does not answer, then a model not ready."""
    scene.named("there")
    assert ask("provision")[0] == 0
    with https_server(tmp_path, lambda _: (200, {}, b"")) as server:
        silent = KubeClient(server.url, server.ca_data, lambda: "t", VirtualClock())  # it has ended when it is asked
    codes: dict[tuple[str, ...], list[int]] = {arguments: [] for arguments in ON_A_CLUSTER}

    def walk() -> None:
        for arguments, seen in codes.items():
            code, _, err = ask(*arguments)
            told(code, err)
            seen.append(code)
        for arguments in OF_MODELS:
            if scene.kube is not silent or arguments[0] != "undeploy-model":
                code, _, err = ask(*arguments)
                assert (code, "digits" in err) == (2, True), (arguments, err)

    walk()
    assert ask("undeploy-model", "digits", "--yes")[0] == 4
    scene.kube = silent
    walk()
    for arguments in (("undeploy-model", "digits", "--yes"), ("deploy-model",)):
        code, _, err = ask(*arguments)
        assert code == 5, err
        told(code, err)
    scene.kube = None
    code, _, err = ask("deploy-model")
    assert code == 0, err
    [api] = [api for arn, api in scene.kubernetes.apis.items() if arn.endswith("/there")]
    api.answer = lambda *_: Reply(503, {}, NO_ENDPOINTS)
    walk()
    assert {arguments: tuple(seen) for arguments, seen in codes.items()} == ON_A_CLUSTER
    assert ask("teardown", "--yes")[0] == 0
