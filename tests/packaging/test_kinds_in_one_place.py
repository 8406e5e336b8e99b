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
DISPLAYS = (ast.Set, ast.Tuple, ast.List)
# EC2's types of leftovers, names of findings and of priced things; the words for kinds whose names are no plain ones.
NOT_OF_KINDS = ("permissions/leftovers.py", "config/schema/preflight.py", "cost/price_list.py", "core/words.py")
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
        if isinstance(node, ast.Compare) and (is_kind(node.left) or is_kind(node.comparators[0]))
    ]
    assert len(found) <= MOST_COMPARED, found


def test_there_is_no_set_of_kinds() -> None:
    """Two names of kinds in one display, or as keys of one table, are what a new kind would have to be added to."""
    found = [where for where, node in parsed(*OF_KINDS) if len(names_in(node)) >= 2]
    assert [one for one in found if not one.startswith(NOT_OF_KINDS)] == []


def names_in(node: ast.AST) -> set[str]:
    """The kinds that a display names, as a text or as `Bucket.kind`."""
    parts = node.keys if isinstance(node, ast.Dict) else node.elts if isinstance(node, DISPLAYS) else []
    texts = {one.value for one in parts if isinstance(one, ast.Constant) and isinstance(one.value, str)} & NAMES
    return texts | {ast.unparse(one) for one in parts if one is not None and is_kind(one)}
