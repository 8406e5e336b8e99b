"""What the machine does to a command: readers that leave, full disks, closed streams, no home, odd files. No bug."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.command_line import CommandLine
from support.models import TINY_MODEL

from eksprov.cli.streams import PatientStream, is_read, unwritten
from eksprov.errors import UsageError
from eksprov.home import home
from eksprov.kube.kubeconfig import Entry, has_entry, remove_entry, write_entry

ROOT = Path(__file__).parents[2]
BARE = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}
CONFIG = "name: digits\nnode_groups: [{name: workers, instance_types: [m7i.large]}]\nmodels: [{name: d, path: m}]\n"
READ_ONLY = (
    "schema",
    "validate",
    "policy",
    "plan --offline",
    "cost --offline",
    "completion bash",
    "--help",
    "--version",
)
ODD: Mapping[str, bytes] = {
    "empty": b"",
    "null": b"null",
    "list": b"[]",
    "number": b"3",
    "text": b'"x"',
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep object": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "latin-1": b'{"n\xe9": 1}',
    "utf-16": '{"a": 1}'.encode("utf-16"),
    "zeros": b"\0\0\0",
    "nan": b'{"inputs": NaN, "name": NaN}',
    "many digits": b"1" * 5000,
    "surrogate": b'{"inputs": "\\ud800", "parameters": "\\ud800"}',
    "nested": b'{"inputs": [3], "parameters": {"uri": {"x": []}}, "name": ["d"]}',
    "uneven": b"[[1, [2]], [3]]",
    "tab": b"\tname: x",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "eksprov.yaml").write_text(CONFIG)
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "model.joblib").write_bytes(TINY_MODEL)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shell(folder: Path, line: str, environ: Mapping[str, str] = BARE, **more: Any) -> subprocess.CompletedProcess[str]:
    """A line of bash, in which `eksprov` is this one; its exit code is the first of the pipe that is not 0."""
    line = line.replace("eksprov ", f"{sys.executable} -m eksprov ")
    call = ["bash", "-o", "pipefail", "-c", line]
    return subprocess.run(call, cwd=folder, env=dict(environ), capture_output=True, text=True, check=False, **more)


@pytest.mark.parametrize("command", READ_ONLY)
def test_a_reader_that_leaves_is_no_error(folder: Path, command: str) -> None:
    done = shell(folder, f"eksprov {command} 2>err | head -c1; echo ${{PIPESTATUS[0]}}")
    assert done.stdout[1:] == "0\n", done
    assert "Error" not in (folder / "err").read_text()


@pytest.mark.parametrize("command", READ_ONLY)
def test_a_full_disk_behind_the_answer_is_one_error(folder: Path, command: str) -> None:
    done = shell(folder, f"eksprov {command} > /dev/full")
    assert done.returncode == 1
    wrong = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert wrong == ["error: the answer could not be written to standard output: No space left on device"]
    assert "hint: free some space" in done.stderr
    assert "Exception ignored" not in done.stderr


def test_whoever_closes_a_stream_gets_nothing_and_the_command_its_code(folder: Path) -> None:
    for closed in (">&-", "2>&-", "<&-", "<&- >&- 2>&-", "2>/dev/full"):
        assert shell(folder, f"eksprov policy --out p {closed}").returncode == 0, closed
        assert shell(folder, f"eksprov outputs {closed}").returncode == 4, closed
    assert sorted(path.name for path in (folder / "p").iterdir()) == [f"digits-all-{n}.json" for n in (1, 2, 3, 4)]
    assert all(json.loads(path.read_text()) for path in (folder / "p").iterdir())


def test_a_folder_that_is_gone_is_said_to_be(folder: Path) -> None:
    done = shell(folder, "mkdir gone && cd gone && rmdir ../gone && eksprov init")
    assert (done.returncode, done.stderr.splitlines()) == (
        1,
        ["error: the current folder does not exist any more", "  hint: cd into one that does"],
    )


def test_a_log_that_is_followed_ends_with_its_reader() -> None:
    read, write = os.pipe()
    stream = open(write, "w", closefd=True)  # noqa: SIM115 -- closed below
    patient: Any = type(
        "Stream", (), {"flush": lambda _: None, "buffer": type("B", (), {"raw": PatientStream(write, "w")})}
    )()
    assert is_read(patient)
    os.close(read)
    assert patient.buffer.raw.write(b"line\n") == 5
    assert not is_read(patient)
    assert unwritten(patient) is None  # nobody to miss it
    patient.buffer.raw.close()
    with pytest.raises(OSError, match="Bad file"):
        stream.close()


@pytest.mark.parametrize("environ", [{}, {"TERM": ""}, {"HOME": ""}, {"LC_ALL": "C", "TERM": "dumb"}], ids=str)
def test_a_bare_environment_is_enough(folder: Path, environ: dict[str, str]) -> None:
    for command in ("validate", "plan --offline", "policy --out p", "state unlock --yes"):
        done = shell(folder, f"eksprov {command}", {**BARE, **environ})
        assert done.returncode == 0, done.stderr
        assert "bug" not in done.stderr


def test_a_user_without_a_home_is_told_to_name_one() -> None:
    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")  # as pathlib says it

    with pytest.raises(UsageError) as refused:
        home({}, nobody)
    assert "set HOME" in refused.value.hint
    assert home({"HOME": "/x"}, nobody) == Path("/x")


def no_room() -> None:
    """Every file that is written is too large, as on a disk that is full; what is read stays readable."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


@pytest.mark.parametrize(
    "command",
    [
        "provision",
        "plan",
        "status",
        "local up",
        "init --config new.yaml",
        "policy --out p",
        "export out",
        "state push state.json",
        "teardown --yes",
        "undeploy-model d --yes",
    ],
)
def test_a_full_disk_is_one_error_with_its_cure(folder: Path, command: str) -> None:
    (folder / "state.json").write_text(json.dumps({"schema": 3, "stack": "digits", "serial": 1}))
    environ = {**BARE, "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    done = shell(folder, f"eksprov {command}", environ, preexec_fn=no_room)
    assert done.returncode in (1, 4), done.stderr  # undeploy-model may see first that there is no cluster
    wrong = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(wrong) == 1, done.stderr
    assert "bug in eksprov" not in done.stderr
    assert "  hint: " in done.stderr


def put_file(path: Path, content: bytes | None) -> None:
    """The content; None is a folder in the file's place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)


# Every place where a user's file comes in, and the command that reads it.
PLACES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "the config": ("odd.yaml", ("validate", "--config", "odd.yaml")),
    "the lock file": ("eksprov.lock.yaml", ("plan", "--offline")),
    "the state": ("state/digits.json", ("outputs",)),
    "the state's journal": ("state/digits.journal", ("state", "show")),
    "a state to push": ("odd.json", ("state", "push", "odd.json")),
    "the model's settings": ("m/model-settings.json", ("export", "out")),
    "the server's settings": ("m/settings.json", ("export", "out")),
    "the request": ("odd.json", ("invoke", "d", "--data", "odd.json")),
    "the sample": ("m/sample.json", ("invoke", "d")),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_users_odd_file_is_never_a_bug(cli: CommandLine, folder: Path, place: str) -> None:
    name, arguments = PLACES[place]
    for what, content in {**ODD, "a folder": None}.items():
        path = folder / name
        kept = path.read_bytes() if path.is_file() else None
        put_file(path, content)
        result = cli(*arguments, environ={"EKSPROV_LOCAL_HOME": "/dev/null/no"})
        assert result.code in (0, 1, 2, 4), (what, result)
        assert "bug in eksprov" not in result.err, (what, result.err)
        assert len([line for line in result.err.splitlines() if line.startswith("error: ")]) <= 9, what
        path.rmdir() if content is None else path.unlink()
        if kept is not None:
            path.write_bytes(kept)


@pytest.mark.parametrize("content", [*ODD.values(), None], ids=[*ODD, "a folder"])
def test_an_odd_kubeconfig_is_left_as_it_is(folder: Path, content: bytes | None) -> None:
    path = folder / "kube.yaml"
    put_file(path, content)
    change: list[Callable[[], Any]] = [
        lambda: write_entry(path, Entry("e", "https://x", "", "c", "r", "/p")),
        lambda: remove_entry(path, "e"),
    ]
    for each in change:
        with contextlib.suppress(UsageError):  # another error would be a bug
            each()
            continue
        assert content is None or path.read_bytes() == content
    assert has_entry(path, "none", "https://x") is False
