"""What docstrings and comments name is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from eksprov.config.schema import Config

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "eksprov").rglob("*.py"))


def misnamed(path: Path, package: Path) -> list[str]:
    """Files and modules that docstrings and comments of a file name in backquotes and that aren't in the package.

    A file is named like `tokens.py`, below the file's folder or the package; a module like `core.convergence.pace`, by
    its path in the package, with up to two names of what is in it after that.
    """
    text = path.read_text()
    files = (name for name in re.findall(r"`([\w/]+\.py)`", text) if "/" in name or path.name == "__init__.py")
    found = [name for name in files if not any((folder / name).exists() for folder in (*path.parents, package))]
    rooms = "|".join(sorted(one.name for one in package.iterdir() if one.is_dir()))
    modules = re.findall(rf"`(?:{package.name}\.)?((?:{rooms})(?:\.\w+)+)`", text)
    return found + [name for name in modules if not (name.endswith(".py") or is_key(name) or is_in(package, name))]


def is_key(name: str) -> bool:
    """Whether a name is a key of the config: some sections are called like a package."""
    section, key, *_ = name.split(".")
    known = Config.model_fields.get(section)
    return known is not None and key in getattr(known.annotation, "model_fields", ())


def is_in(package: Path, name: str) -> bool:
    """Whether a name leads to a module of the package, or to what a module defines."""
    place, rest = package, name.split(".")
    while rest and ((place / rest[0]).is_dir() or (place / f"{rest[0]}.py").exists()):
        place /= rest.pop(0)
    file = place.with_suffix(".py") if place.with_suffix(".py").exists() else place / "__init__.py"
    return not rest or (len(rest) <= 2 and rest[0] in defined(file))


def defined(file: Path) -> set[str]:
    """The names that a module defines or imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name)
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_the_words_name_is_there(path: Path) -> None:
    assert not misnamed(path, ROOT / "eksprov")


def test_a_module_that_has_moved_is_seen(tmp_path: Path) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "__init__.py").write_text('"""`pace.py` waits; see `core.pace.pause`, `core.gone.pause`."""')
    (tmp_path / "core" / "pace.py").write_text("def pause(): ...")
    assert misnamed(tmp_path / "core" / "__init__.py", tmp_path) == ["core.gone.pause"]
