"""The house stays in order: rooms of a size, one name for one thing, docstrings that say something."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "eksprov"
MOST_FILES = 22
FEWEST_WORDS = 5
# The config's sections are named as its keys are, and the local world's as those that they stand for.
NAMED_ALIKE = ("config", "local")


def trees() -> list[tuple[str, ast.Module]]:
    return [(str(path.relative_to(PACKAGE)), ast.parse(path.read_text())) for path in sorted(PACKAGE.rglob("*.py"))]


def test_no_room_has_more_files_than_one_can_look_over() -> None:
    counted = Counter(path.parent.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
    assert {room: files for room, files in counted.items() if files > MOST_FILES} == {}


def test_a_docstring_says_more_than_the_name() -> None:
    short = [
        f"{where}:{node.lineno} {node.name}"
        for where, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and (said := ast.get_docstring(node)) is not None
        and len(said.split()) < FEWEST_WORDS
    ]
    assert short == []


def test_a_class_has_its_name_alone() -> None:
    named = Counter(
        node.name
        for where, tree in trees()
        if where.split("/")[0] not in NAMED_ALIKE
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    )
    assert {name for name, count in named.items() if count > 1} == set()
