"""Laws of the cure for missing packages: it names what can be installed, and never eksprov, which no index has."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from eksprov.local.extra import cure

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRA = [requirement.partition(";")[0] for requirement in PROJECT["optional-dependencies"]["local"]]
# What hides a package of the extra from this Python; the rest stays.
WITHOUT = """
import importlib.util, sys
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "moto" else found(name, *more)
from eksprov.cli import main
sys.exit(main(["plan"]))
"""


def test_in_a_checkout_it_is_make_and_the_python_that_make_makes() -> None:
    assert cure(ROOT, (), (3, 12)) == f"run `make setup` in {ROOT}, then call it as {ROOT}/.venv/bin/python -m eksprov"
    assert "with PYTHON=python3.12" in cure(ROOT, (), (3, 13))


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13), (3, 14)])
def test_elsewhere_it_names_every_package_of_the_extra_and_nothing_else(
    tmp_path: Path, version: tuple[int, int]
) -> None:
    said = cure(tmp_path, None, version)
    command = shlex.split(said.split(": ")[-1])
    named = command[command.index("install") + 1 :]
    assert {re.split("[=<>]", one)[0] for one in named} == {re.split("[=<>]", one)[0] for one in EXTRA}
    assert (command[0] == sys.executable) is (version < (3, 13))


def test_nothing_tells_anybody_to_install_eksprov_by_name() -> None:
    told = re.compile(r"(pip|uv|pipx|conda) (\w+ )?(install|add) [^\n]*\beksprov\b")
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "eksprov").rglob("*.py")]
    assert [str(page) for page in pages if told.search(page.read_text())] == []


def test_the_command_line_shows_it(tmp_path: Path) -> None:
    (tmp_path / "eksprov.yaml").write_text("name: digits\n")
    done = subprocess.run(
        (sys.executable, "-c", WITHOUT),
        cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "the local world needs packages that are not installed (moto)" in done.stderr
    assert f"hint: {cure()}; or set target: aws in the config" in done.stderr
