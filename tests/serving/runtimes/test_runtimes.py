"""Laws of all runtimes: each is the module of its name, has a test of its own, and is told in the documentation."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from eksprov.config.schema.models import RUNTIME_NAMES
from eksprov.serving.runtimes.presets import RUNTIMES

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", RUNTIME_NAMES)
def test_a_runtime_is_the_module_of_its_name_with_a_test_of_its_own(name: str) -> None:
    assert RUNTIMES[name].name == name
    assert (Path(__file__).parent / f"test_{name.replace('-', '_')}.py").is_file()
    assert f"`{name}`" in (ROOT / "docs" / "models.md").read_text()


@pytest.mark.parametrize(
    ("name", "module"), [(one.name, module) for one in RUNTIMES.values() for module in sorted(one.modules)]
)
def test_the_modules_of_a_runtime_come_with_the_installed_server(name: str, module: str) -> None:
    import sklearn._loss._loss  # noqa: F401 - it calls itself _loss

    assert module in sys.modules or importlib.util.find_spec(module) is not None, name


@pytest.mark.parametrize("name", RUNTIME_NAMES)
def test_an_image_is_of_an_exact_version(name: str) -> None:
    runtime = RUNTIMES[name]
    assert f":{runtime.version}" in runtime.image
    assert runtime.usual_mib >= runtime.floor_mib > 0
    assert {"python", "numpy"} <= set(runtime.libraries)


def test_the_server_is_told_in_its_room_alone() -> None:
    """Nothing outside of the runtimes builds on MLServer: another server is another module there."""
    package = ROOT / "eksprov"
    files = [path for path in package.rglob("*.py") if "local" not in path.relative_to(package).parts]
    told = {str(path.relative_to(package)) for path in files if "mlserver" in code_of(path).lower()}
    assert {one for one in told if not one.startswith("serving/runtimes/")} == {
        "config/schema/models.py",  # the names of runtimes
        "serving/inspection/formats.py",  # what to set for a file that another runtime serves
        "serving/inspection/needs.py",
        "cli/commands/init.py",  # which files make a folder a model's
    }


def code_of(path: Path) -> str:
    """A file without its comments and docstrings."""
    import ast

    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node, clean=False
        ):
            node.body[0] = ast.Pass()
    return ast.unparse(tree)
