"""A kind is told in its own file: what serves all kinds asks for typed members and knows no list of kinds."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from eksprov.operations.kinds import KINDS

ROOT = Path(__file__).parents[2] / "eksprov"
OF_KINDS = ("steps", "serving", "controllers", "local")  # the rooms of kinds, and the world that plays AWS
NAMES = frozenset(kind.kind for kind in KINDS)
ASKED = frozenset({"step", "facts", "want", "have", "line"})
MOST_COMPARED = 5  # of records and findings of the world, which have no type


def parsed(*without: str) -> Iterator[tuple[str, ast.AST]]:
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT)
        if name.parts[0] not in without:
            for node in ast.walk(ast.parse(path.read_text())):
                yield f"{name}:{getattr(node, 'lineno', 0)}", node


def is_kind(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "kind"


def test_no_field_of_a_step_is_read_by_a_string() -> None:
    found = [
        where
        for where, node in parsed("local")
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "getattr"
        and isinstance(node.args[1], ast.Constant)
        and ast.unparse(node.args[0]).rpartition(".")[2] in ASKED
    ]
    assert found == []


def test_kinds_are_hardly_compared_by_name() -> None:
    found = [
        where
        for where, node in parsed(*OF_KINDS)
        if isinstance(node, ast.Compare)
        and isinstance(node.ops[0], ast.Eq | ast.NotEq)
        and (is_kind(node.left) or is_kind(node.comparators[0]))
        and "line" not in ast.unparse(node)
    ]
    assert len(found) <= MOST_COMPARED, found


def test_there_is_no_set_of_kinds() -> None:
    """Two names of kinds in one display are a list that a new kind would have to be added to."""
    found = [
        where
        for where, node in parsed(*OF_KINDS)
        if isinstance(node, ast.Set | ast.Tuple | ast.List)
        and len({one.value for one in node.elts if isinstance(one, ast.Constant)} & NAMES) >= 2
        and all(isinstance(one, ast.Constant) for one in node.elts)
    ]
    others = ("permissions/sweep.py", "config/schema/preflight.py")  # EC2's types of leftovers; names of findings
    assert [one for one in found if not one.startswith(others)] == []
