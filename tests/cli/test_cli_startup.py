"""A command imports what it needs and nothing else, so that help and checks are there at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

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
