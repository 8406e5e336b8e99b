"""What changes is one field a line, and no line reads the same on both sides."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eksprov.cli.render.fields import WIDEST_VALUE, field_lines
from eksprov.core.change import UNKNOWN, FieldChange


@dataclass(frozen=True)
class Rule:
    """A value with an inside."""

    number: int = 1
    strategy: str = "DEFAULT"


LONG = tuple(f"subnet-{number:017x}" for number in range(12))


@pytest.mark.parametrize(
    ("have", "want", "lines"),
    [
        (2, 3, ["f 2 -> 3"]),
        ("", "a", ['f "" -> a']),
        ("a", UNKNOWN, ["f a -> (known after apply)"]),
        (frozenset("b"), frozenset("a"), ["f {b} -> {a}"]),
        (("a", "b"), ("a", "c"), ["f [a, b] -> [a, c]"]),
        (frozenset({("env", "test")}), frozenset({("env", "prod")}), ["f {env=test} -> {env=prod}"]),
        ({"a": 1, "b": 2}, {"b": 3, "c": 4}, ["f.a 1 -> (none)", "f.b 2 -> 3", "f.c (none) -> 4"]),
        (Rule(), Rule(2), ["f.number 1 -> 2"]),
        (frozenset(LONG), frozenset((*LONG[1:], "x")), ["f +x", f"f -{LONG[0]}"]),
        (LONG, tuple(reversed(LONG)), ["f in another order"]),
        (json.dumps({"a": {"b": [1]}}), json.dumps({"a": {"b": [2]}}), ["f.a.b [1] -> [2]"]),
        ("x" * 100 + "old", "x" * 100 + "new", ["f …xxxxxxxxxxxxold -> …xxxxxxxxxxxxnew"]),
        ("one\ntwo", "one\nthree", ["f one two -> one three"]),
    ],
)
def test_one_line_a_field_and_only_what_differs_in_it(have: Any, want: Any, lines: list[str]) -> None:
    assert field_lines(FieldChange("f", have, want)) == lines


def test_the_paths_of_an_object_in_kubernetes_need_no_name_before_them() -> None:
    assert field_lines(FieldChange("fields", {"spec.replicas": "1"}, {"spec.replicas": "2"})) == [
        "spec.replicas 1 -> 2"
    ]


texts = st.text("ab {=", max_size=100)
few = st.frozensets(texts, max_size=4)
values = st.one_of(texts, st.integers(), few, few.map(sorted).map(tuple), st.dictionaries(texts, texts, max_size=3))


@given(values, values)
def test_what_differs_is_seen_to_differ(have: Any, want: Any) -> None:
    lines = field_lines(FieldChange("f", have, want))
    assert bool(lines) is (have != want)
    for line in lines:
        assert "\n" not in line
        if have and want and line.count(" -> ") == 1 and line.startswith("f "):
            old, new = line.removeprefix("f ").split(" -> ")
            assert old != new
    if isinstance(have, str) and isinstance(want, str):
        assert all(len(line) <= 2 * WIDEST_VALUE + 10 for line in lines if not have.startswith("{"))
