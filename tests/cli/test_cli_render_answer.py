"""An answer as text and as JSON: all of it readable, long ones cut with a count, JSON whole and valid."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tables import strict

from eksprov.cli.render.answer import answer_json, answer_text
from eksprov.serving.requests.invoke import Answer


def answered(*outputs: Any) -> Answer:
    return Answer(outputs, {"model_name": "m", "outputs": list(outputs)}, 0.0124)


def lines(*outputs: Any) -> list[str]:
    *told, last = answer_text(answered(*outputs)).splitlines()
    assert last == "answered in 0.012 s"
    return told


def output(datatype: str, shape: Any, data: Any) -> dict[str, Any]:
    return {"name": "y", "datatype": datatype, "shape": shape, "data": data}


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (output("INT64", [3, 1], [0, 1, 2]), ["y (INT64 3x1): 0, 1, 2"]),
        (output("INT64", [3], [0, 1, 2]), ["y (INT64 3): 0, 1, 2"]),
        (output("BYTES", [2, 1], ["no", "a, b"]), ['y (BYTES 2x1): "no", "a, b"']),
        (output("FP64", [2, 2], [0.1, 0.9, 1e-09, None]), ["y (FP64 2x2):", "  0.1, 0.9", "  1e-09, null"]),
        (output("FP64", [2, 2], [[1.5, 2], [3, "NaN"]]), ["y (FP64 2x2):", "  1.5, 2", "  3, NaN"]),
        (output("FP64", [2, 1, 2], [1, 2, 3, 4]), ["y (FP64 2x1x2):", "  1, 2", "  3, 4"]),
        (output("BOOL", [1, 1], [True]), ["y (BOOL 1x1): true"]),
        (output("INT64", [0, 4], []), ["y (INT64 0x4): "]),
        (output("INT64", [7, 7], [1, 2]), ["y (INT64 7x7): 1, 2"]),
        (output("INT64", None, [1]), ["y (INT64 ): 1"]),
        (output("INT64", ["a"], None), ["y (INT64 a): null"]),
        (output("BYTES", [1, 1], ["\x1b[31mred\ud800\n"]), ['y (BYTES 1x1): "\\u001b[31mred?\\n"']),
        ({}, ["output (? ): null"]),
    ],
)
def test_each_output_is_told_by_rows(one: Any, told: list[str]) -> None:
    assert lines(one) == told


def test_a_long_answer_is_cut_with_a_count_and_whole_in_json() -> None:
    flat = output("INT64", [1797, 1], list(range(1797)))
    assert lines(flat) == [f"y (INT64 1797x1): {', '.join(map(str, range(20)))}, … 1777 more (--json has all)"]
    wide = output("FP64", [30, 50], [0.5] * 1500)
    told = lines(wide)
    assert len(told) == 22
    assert told[1] == f"  {', '.join(['0.5'] * 20)}, … 30 more (--json has all)"
    assert told[-1] == "  … 10 more rows (--json has all)"
    assert lines(output("BYTES", [1], ["x" * 300])) == [f'y (BYTES 1): "{"x" * 199}… (302 characters)']
    for one in (flat, wide):
        assert answer_json(answered(one))["outputs"] == [one]


NUMBERS = st.integers(-(2**63), 2**64) | st.floats(allow_nan=False, allow_infinity=False) | st.none()


@given(st.lists(NUMBERS | st.text() | st.booleans()), st.lists(st.integers(-2, 9), max_size=3))
def test_any_answer_has_a_text_and_valid_json_that_keeps_each_value(data: list[Any], shape: list[int]) -> None:
    one = output("BYTES", shape, data)
    text = answer_text(answered(one))
    text.encode()
    assert not any(ord(character) < 32 and character != "\n" for character in text)
    assert strict(json.dumps(answer_json(answered(one)))) == answer_json(answered(one))
