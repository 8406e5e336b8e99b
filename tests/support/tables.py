"""Tables as people have them, every way that they write one down, and how a request is read by the protocol alone."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from eksprov.serving.requests.expected import Expected
from eksprov.serving.requests.invoke import read_data
from eksprov.serving.requests.shaping import request_of

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00"), max_size=8)
NAMES = TEXT.filter(str.strip)
CELLS: dict[str, st.SearchStrategy[Any]] = {
    "whole": st.integers(-(2**53), 2**53),
    "fraction": st.floats(allow_nan=False, allow_infinity=False),
    "truth": st.booleans(),
    "text": TEXT,
    "mixed": st.integers(-(2**53), 2**53) | st.booleans() | TEXT,
}


@dataclass(frozen=True)
class Held:
    """Names and rows, as they are meant."""

    names: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def column(self, index: int) -> list[Any]:
        return [row[index] for row in self.rows]


@st.composite
def tables(draw: st.DrawFn, kinds: tuple[str, ...] = tuple(CELLS), names: st.SearchStrategy[str] = NAMES) -> Held:
    """Tables of one to four columns, each of a kind of its own, with or without nulls."""
    named = st.lists(names, min_size=1, max_size=4, unique=True)
    columns, count = tuple(draw(named)), draw(st.integers(1, 5))
    made = []
    for _ in columns:
        cells = CELLS[draw(st.sampled_from(kinds))]
        cells = (cells | st.none()) if draw(st.booleans()) else cells
        made.append(draw(st.lists(cells, min_size=count, max_size=count)))
    return Held(columns, tuple(zip(*made, strict=True)))


def _records(held: Held) -> list[dict[str, Any]]:
    return [dict(zip(held.names, row, strict=True)) for row in held.rows]


def _split(held: Held) -> dict[str, Any]:
    return {"columns": held.names, "index": list(range(len(held.rows))), "data": held.rows}


def _columns(held: Held) -> dict[str, Any]:
    return {name: held.column(index) for index, name in enumerate(held.names)}


def _by_index(held: Held) -> dict[str, Any]:
    return {name: dict(enumerate(held.column(index))) for index, name in enumerate(held.names)}


WRITTEN: dict[str, Callable[[Held], str]] = {
    "records": lambda held: json.dumps(_records(held)),
    "records, spread out": lambda held: json.dumps(_records(held), indent=2, ensure_ascii=False),
    "one a line": lambda held: "".join(f"{json.dumps(one)}\n" for one in _records(held)),
    "dataframe_records": lambda held: json.dumps({"dataframe_records": _records(held)}),
    "instances": lambda held: json.dumps({"instances": _records(held)}),
    "inputs": lambda held: json.dumps({"inputs": _columns(held)}),
    "split": lambda held: json.dumps(_split(held)),
    "tight": lambda held: json.dumps({**_split(held), "index_names": [None], "column_names": [None]}),
    "dataframe_split": lambda held: json.dumps({"dataframe_split": _split(held)}),
    "columns": lambda held: json.dumps(_columns(held)),
    "columns by index": lambda held: json.dumps(_by_index(held)),
}
"""Every way to write a table with names as JSON; equal tables, equal requests."""


def as_csv(held: Held, delimiter: str = ",") -> str:
    """The table as the csv module writes it."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter)
    writer.writerows([held.names, *held.rows])
    return file.getvalue()


def strict(text: str) -> Any:
    """JSON without the words that Python takes besides."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def read_back(request: dict[str, Any]) -> Held:
    """The table that a request of one input a column holds, by the protocol and the two content types alone."""
    assert request["parameters"] == {"content_type": "pd"}
    columns = []
    for one in request["inputs"]:
        assert one["shape"] == [len(one["data"]), 1]
        each_json = one.get("parameters") == {"content_type": "pd_json"}
        assert each_json or "parameters" not in one
        columns.append([json.loads(cell) for cell in one["data"]] if each_json else one["data"])
        if not each_json:
            allowed = {"BOOL": bool, "INT64": int, "UINT64": int, "FP64": int | float | None, "BYTES": str | None}
            assert all(isinstance(cell, allowed[one["datatype"]]) for cell in one["data"])
            assert one["datatype"] == "BOOL" or not any(isinstance(cell, bool) for cell in one["data"])
    return Held(tuple(one["name"] for one in request["inputs"]), tuple(zip(*columns, strict=True)))


def request_from(text: str, source: str = "the data", described: Any = None) -> dict[str, Any]:
    """A request from text, for a model of this description. Raises: UsageError naming `source`."""
    return request_of(read_data(text, source), Expected.of(described))
