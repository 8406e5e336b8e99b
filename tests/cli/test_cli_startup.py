"""A command imports what it needs and nothing else, so that help and checks are there at once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import NoReturn

import pytest

from eksprov import operations
from eksprov.cli import main
from eksprov.cli.console import Console
from eksprov.cli.program import Program
from eksprov.errors import UsageError

ROOT = Path(__file__).parents[2]
HEAVY = ("boto3", "botocore", "kubernetes", "moto", "pydantic", "rich", "aiohttp", "urllib3", "yaml", "tenacity")
PROBE = """
import json, sys
from eksprov.cli import main
code = main(sys.argv[1:])
print(json.dumps([code, sorted(name for name in sys.modules if "." not in name)]), file=sys.stderr)
"""


def imported(folder: Path, *arguments: str) -> tuple[int, set[str]]:
    """The exit code, and the top-level modules loaded at the end."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    code, modules = json.loads(done.stderr.splitlines()[-1])
    return code, set(modules)


@pytest.mark.parametrize(
    "arguments", [("--help",), ("--version",), ("plan", "--help"), ("invoke", "-h"), ("plna",), ("completion", "bash")]
)
def test_help_and_the_like_import_nothing_heavy(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    _, modules = imported(tmp_path, *arguments)
    assert modules.isdisjoint(HEAVY)


@pytest.mark.parametrize("arguments", [("validate",), ("plan", "--offline"), ("schema",)])
def test_what_needs_no_aws_imports_none(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    groups = "node_groups:\n  - {name: workers, instance_types: [m7i.large]}\n"
    (tmp_path / "eksprov.yaml").write_text(f"name: digits\n{groups}")
    code, modules = imported(tmp_path, *arguments)
    assert code == 0
    assert modules.isdisjoint({"boto3", "botocore", "kubernetes", "moto", "rich", "aiohttp", "urllib3", "tenacity"})


def test_token_needs_botocore_alone(tmp_path: Path) -> None:
    code, modules = imported(tmp_path, "token", "--cluster-name", "x", "--region", "us-west-2")
    assert code == 0
    assert "botocore" in modules
    assert modules.isdisjoint({"boto3", "kubernetes", "moto", "pydantic", "rich", "aiohttp"})


def test_a_closed_pipe_ends_the_command_in_silence(tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{sys.executable} -m eksprov schema | head -c 1"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("{", "")


@pytest.mark.real_time
def test_a_command_that_takes_long_to_begin_says_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    spoken = threading.Event()

    class Heard(Console):
        def log(self, text: str) -> None:
            super().log(text)
            if "still" in text:
                spoken.set()

    def slow() -> NoReturn:
        assert spoken.wait(30.0)
        raise UsageError("no config")

    def quick() -> NoReturn:
        raise UsageError("no config")

    assert main(["status"], Program(Heard(patience_s=1.0), slow, operations)) == 2
    assert capsys.readouterr().err.splitlines() == [
        "at work (the first start on a machine takes longest) …",
        "… still at work, 3 s",
        "error: no config",
    ]
    assert main(["status"], Program(Heard(patience_s=30.0), quick, operations)) == 2
    assert capsys.readouterr().err.splitlines() == ["error: no config"]


SLOW_PYTHON = """#!/bin/sh
case "$*" in
    *version_info*|*ensurepip*) exit 0 ;;
    --version) echo Python 3.12.0 ;;
    *venv*) sleep 3; exit 1 ;;
esac
"""


@pytest.mark.real_time
def test_the_set_up_says_a_word_every_few_seconds_and_how_it_failed(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    for name in ("scripts/setup.sh", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    python = tmp_path / "python"
    python.write_text(SLOW_PYTHON)
    python.chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", "scripts/setup.sh"], cwd=tmp_path, env={**os.environ, "PYTHON": str(python)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines()[:3] == [
        "set-up: looking for a Python",
        "set-up: making .venv with Python 3.12.0",
        "set-up: making .venv with Python 3.12.0, 2 s so far",
    ]
    assert "that failed" in done.stderr
