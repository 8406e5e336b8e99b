"""A kind is told in one file of tests: each has its case, and nothing else in the tests has a table of kinds."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import cases
import pytest
from cases import CASES
from support.kind_case import Iam

TESTS = Path(__file__).parents[1]
FOLDER = Path(cases.__file__).parent
# The emulated account's own tests know resources of AWS, not the kinds; a kind's own tests may list what they look at.
NOT_ASKED = ("cases", "local", "steps")
TABLE = 3  # as many names of kinds make a table


def texts(value: object) -> Iterator[str]:
    """What a case says in words."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for one in value.values() for text in texts(one))
    elif isinstance(value, Iam):
        yield from (text for one in fields(value) for text in texts(getattr(value, one.name)))


@pytest.mark.parametrize("kind", CASES)
def test_a_case_is_in_the_file_of_its_kind_and_names_tests_that_exist(kind: str) -> None:
    assert (FOLDER / f"{kind.replace('-', '_')}.py").is_file()
    said = [text for one in fields(CASES[kind]) for text in texts(getattr(CASES[kind], one.name))]
    named = [path for text in said for path in re.findall(r"tests/[\w/]+\.py", text)]
    beside = [path for text in said for path in re.findall(r"in (\w+\.py)", text)]
    assert [path for path in named if not (TESTS.parent / path).is_file()] == []
    assert [path for path in beside if not (FOLDER / path).is_file()] == []


def tables() -> Iterator[tuple[str, int, set[str]]]:
    """Where the tests have dictionaries by the names of kinds."""
    for path in TESTS.rglob("*.py"):
        if path.relative_to(TESTS).parts[0] in NOT_ASKED:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Dict):
                names = {key.value for key in node.keys if isinstance(key, ast.Constant) and key.value in CASES}
                yield str(path.relative_to(TESTS)), node.lineno, names


def test_no_other_file_of_tests_has_a_table_of_kinds() -> None:
    assert [(path, line) for path, line, names in tables() if len(names) >= TABLE] == [], "each kind's file says it"
