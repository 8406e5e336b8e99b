"""The real commands over the real operations, against the emulated account; Kubernetes stands still behind it."""

from __future__ import annotations

import contextlib
import json
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from support.kubernetes import StillKubernetes
from support.models import TINY_MODEL
from support.prices import PRODUCTS

from eksprov import operations
from eksprov.cli import main
from eksprov.cli.console import Console
from eksprov.cli.display.progress import Display
from eksprov.cli.places import KEYS_ONLY, Connection, keys_only_session
from eksprov.cli.program import Program
from eksprov.cli.session import StackSession
from eksprov.local.aws.emulator import LocalAws
from eksprov.local.aws.server import AwsServer

pytestmark = pytest.mark.real_time
SPEED = 2000.0


class EmulatedPlace:
    """The emulated account over HTTP, as the local world offers it."""

    name, paid = "emulated account", False

    def __init__(self, url: str) -> None:
        self._url = url
        self.released = 0

    def connect(self, display: Display) -> Connection:
        display.doing("connecting")
        session = keys_only_session("us-west-2")
        return Connection(session, self._url, SPEED, {"AWS_ENDPOINT_URL": self._url, KEYS_ONLY: "1"})

    @contextlib.contextmanager
    def creating(self, display: Display) -> Iterator[None]:
        display.aside("kubernetes", "found")
        yield

    def release(self) -> bool:
        self.released += 1
        return True


@pytest.fixture(scope="module")
def place() -> Iterator[EmulatedPlace]:
    server = AwsServer(LocalAws(StillKubernetes(), time.time, SPEED, products=PRODUCTS), key="k")
    server.start()
    yield EmulatedPlace(server.url)
    server.stop()


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, place: EmulatedPlace
) -> Run:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "eksprov.yaml").write_text(
        "name: digits\nnode_groups:\n  - name: workers\n    instance_types: [m7i.large]\n    desired_size: 2\n"
    )

    def call(*arguments: str) -> tuple[int, str, str]:
        console = Console(
            environ={"HOME": str(tmp_path)},
            called_as=("eksprov",),
            terminal=lambda: False,
        )
        code = main(list(arguments), Program(console, lambda: StackSession(console, lambda *_: place), operations))
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_a_stack_from_nothing_to_nothing(run: Run, tmp_path: Path, place: EmulatedPlace) -> None:
    code, out, _ = run("plan", "--check", "--json")
    assert code == 3, out
    wanted = json.loads(out)["counts"]["create"]
    code, out, err = run("provision", "--json")
    assert code == 0, err
    assert json.loads(out)["counts"] == {"created": wanted}
    assert stat.S_IMODE((tmp_path / "state" / "digits.json").stat().st_mode) == 0o600
    _nothing_is_left_to_do(run, wanted)
    _it_is_told_of(run)
    _kubectl_gets_in(run, tmp_path)
    _it_goes_once_that_is_asked_for(run, tmp_path, place)


def _nothing_is_left_to_do(run: Run, wanted: int) -> None:
    code, out, err = run("provision")
    assert code == 0, err
    assert f"no changes: {wanted} resources as wanted" in out
    for arguments in (("plan", "--check"), ("plan", "--check", "--offline")):
        code, out, err = run(*arguments)
        assert code == 0, out + err


def _it_is_told_of(run: Run) -> None:
    code, out, _ = run("outputs", "--json")
    known = json.loads(out)
    assert (code, known["cluster_name"], known["region"]) == (0, "digits", "us-west-2")
    assert known["arns"]["cluster"].endswith(":cluster/digits")
    assert known["endpoint"].startswith("https://127.0.0.1")
    code, out, _ = run("status", "--json")
    steps = {step["name"]: step for step in json.loads(out)["steps"]}
    assert (steps["cluster"]["recorded"], steps["cluster"]["live"]) == ("ready", "ready")
    assert steps["node-group/workers"]["live"] == "ready"


def _kubectl_gets_in(run: Run, tmp_path: Path) -> None:
    code, out, err = run("kubeconfig", "--file", "kube.yaml")
    assert (code, out) == (0, "wrote context eksprov-digits to kube.yaml\n")
    assert err.endswith("next: kubectl --kubeconfig kube.yaml get nodes\n")
    assert stat.S_IMODE((tmp_path / "kube.yaml").stat().st_mode) == 0o600
    user = yaml.safe_load((tmp_path / "kube.yaml").read_text())["users"][0]["user"]["exec"]
    assert user["args"] == ["-m", "eksprov", "token", "--cluster-name", "digits", "--region", "us-west-2"]
    assert Path(user["command"]).is_absolute()
    assert run("kubeconfig")[0] == 0


def _it_goes_once_that_is_asked_for(run: Run, tmp_path: Path, place: EmulatedPlace) -> None:
    assert run("teardown")[0] == 2
    code, out, err = run("teardown", "--yes-if-local", "--down-if-empty")
    assert code == 0, err
    assert "nothing of the stack is left" in out
    assert "this deletes 1 VPC, 4 subnets" in err
    assert place.released == 1
    assert list((tmp_path / "state").glob("*.json")) == []
    assert yaml.safe_load((tmp_path / ".kube/config").read_text())["contexts"] == []
    code, out, err = run("teardown", "--yes")
    assert code == 0, err
    assert "nothing of the stack is left" in out


def test_commands_that_need_a_cluster_say_so_where_there_is_none(run: Run, tmp_path: Path) -> None:
    code, _, err = run("kubeconfig")
    assert (code, "has no cluster yet" in err, "eksprov provision" in err) == (4, True, True)
    assert not (tmp_path / ".kube").exists()
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "model.joblib").write_bytes(TINY_MODEL)
    with (tmp_path / "eksprov.yaml").open("a") as file:
        file.write("models:\n  - name: digits\n    path: m\n")
    for arguments in (
        ("deploy-model",),
        ("deploy-model", "--dry-run"),
        ("models",),
        ("logs", "digits"),
        ("invoke", "digits"),
    ):
        code, out, err = run(*arguments)
        assert (code, out) == (4, ""), err
        assert "has no cluster yet" in err
    code, out, err = run("invoke", "digist")
    assert code == 2
    assert "did you mean 'digits'?" in err


def test_a_second_run_is_told_who_holds_the_stack(run: Run, tmp_path: Path) -> None:
    from eksprov.state.store import FileStore

    with FileStore(tmp_path / "state", "digits").lock("provision"):
        code, out, err = run("provision")
    assert (code, out) == (1, "")
    assert "is being worked on by `eksprov provision` (pid " in err


def test_no_thread_outlives_a_command(run: Run) -> None:
    run("plan")
    assert [thread.name for thread in threading.enumerate() if thread.name in ("display", "watch", "plan_0")] == []


def test_export_needs_neither_aws_nor_a_stack(run: Run, tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "model.joblib").write_bytes(TINY_MODEL)
    with (tmp_path / "eksprov.yaml").open("a") as file:
        file.write("models:\n  - name: digits\n    path: m\n")
    code, out, err = run("export", "out")
    assert code == 0, err
    files = [Path(line) for line in out.splitlines()]
    assert files
    kinds = [yaml.safe_load(path.read_text())["kind"] for path in files]
    assert kinds[0] == "Namespace"
    assert "Deployment" in kinds
    assert "the stack does not exist yet" in err
