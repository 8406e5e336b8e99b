"""What people have, read: requests, tables as JSON or CSV, nested lists. Pure.

A table is rows as objects or as lists, pandas' orientations "split", "tight", "records", "list" and "columns"
(https://pandas.pydata.org/docs/reference/api/pandas.DataFrame.to_json.html), those in the wrapping of an MLflow server
(`dataframe_split`, `dataframe_records`, `inputs`, https://mlflow.org/docs/latest/ml/deployment/), `instances` of the
first protocol of KServe and TensorFlow Serving, or one JSON value a line. What cannot be sent as it is, is one error
that names the row and the column, or the place in a request.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from eksprov import errors
from eksprov.core.words import article, plural

Cell = bool | int | float | str | None

GIVE_DATA: Final = (
    'give data: --data FILE, --data - (standard input) or --data "[[...]]"; or put a sample.json beside the model'
)
FORMS: Final = "rows as objects or lists, pandas' split, CSV with a header, or a request with `inputs`"
WRAPPINGS: Final = ("dataframe_split", "dataframe_records", "instances", "inputs")
BESIDE_SPLIT: Final = frozenset({"columns", "data", "index", "index_names", "column_names"})


@dataclass(frozen=True)
class Request:
    """A whole request of the protocol, to be sent as it is."""

    body: Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """Rows of equal length; `columns` is None where the data names none. `as_text`: cells are the text of a CSV."""

    source: str
    columns: tuple[str, ...] | None
    rows: tuple[tuple[Cell, ...], ...]
    as_text: bool = False

    def place(self, row: int, column: int) -> str:
        """A cell for people, both counted from 0 here and from 1 there."""
        return place(row, self.columns[column] if self.columns else column + 1)

    def wrong(self, row: int, column: int, what: str, hint: str = "") -> errors.UsageError:
        """The error for one cell."""
        return errors.UsageError(f"{self.source}: {self.place(row, column)}: {what}", hint)


@dataclass(frozen=True)
class Nested:
    """Lists of one shape: `cells` in row-major order. One list of cells has a shape of one number."""

    source: str
    shape: tuple[int, ...]
    cells: tuple[Cell, ...]

    def wrong(self, index: int, what: str, hint: str = "") -> errors.UsageError:
        """The error for one cell, named by its place in the lists, counted from 1."""
        return errors.UsageError(f"{self.source}: {_at(self.shape, index)}: {what}", hint)


Given = Request | Table | Nested


class _Object(dict[str, Any]):
    """An object of JSON, and the key that stood in it twice."""

    doubled: str | None = None


def place(row: int, column: str | int) -> str:
    """A cell for people: "row 2, column 'age'"; `row` is counted from 0."""
    return f"row {row + 1}, column {column!r}" if isinstance(column, str) else f"row {row + 1}, column {column}"


def _at(shape: Sequence[int], index: int) -> str:
    """A place in nested lists for people: "value 3", "place 2, 1"."""
    at: list[str] = []
    for size in reversed(shape):
        index, rest = divmod(index, size)
        at.insert(0, str(rest + 1))
    return f"value {at[0]}" if len(at) == 1 else f"place {', '.join(at)}"


def from_json(text: str, source: str) -> Given:
    """Data from JSON text. Raises: UsageError naming `source` and what is wrong where."""
    try:
        return _given(_parsed(text, source), source)
    except RecursionError as error:
        raise errors.UsageError(f"{source} is nested too deeply", GIVE_DATA) from error


def _given(value: Any, source: str) -> Given:
    if isinstance(value, Mapping):
        return _request(value, source) if _is_request(value) else _object(value, source)
    if isinstance(value, list):
        return _listed(value, source)
    raise errors.UsageError(f"{source} is one {_kind(value)}, no data: give {FORMS}", GIVE_DATA)


def _parsed(text: str, source: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_pairs)
    except json.JSONDecodeError as error:
        lines = [line for line in text.split("\n") if line.strip()]  # within text JSON allows other ends of lines
        if not error.msg.startswith("Extra data") or not all(line.lstrip().startswith(("{", "[")) for line in lines):
            raise errors.UsageError(f"{source} is no JSON: {error}", GIVE_DATA) from error
        return [_parsed(line, f"{source}, line {number}") for number, line in enumerate(lines, 1)]
    except ValueError as error:  # more digits than Python turns into a number
        raise errors.UsageError(f"{source} has a whole number of thousands of digits", "send it as text") from error


def _pairs(pairs: list[tuple[str, Any]]) -> _Object:
    made = _Object(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        made.doubled = next(key for key, count in Counter(keys).items() if count > 1)
    return made


def _is_request(value: Mapping[str, Any]) -> bool:
    inputs = value.get("inputs")
    return isinstance(inputs, list) and all(
        isinstance(one, Mapping) and "name" in one and one.keys() & {"data", "shape", "datatype"} for one in inputs
    )


def _request(value: Mapping[str, Any], source: str) -> Request:
    """Raises: UsageError where it would be misread without a word, or is no JSON once it is written."""
    if not value["inputs"]:
        raise errors.UsageError(f"{source}: `inputs` is empty", GIVE_DATA)
    for name, count in Counter(str(one["name"]) for one in value["inputs"]).items():
        if count > 1:
            raise errors.UsageError(f"{source} has {count} inputs named {name!r}", "the server would read only one")
    _check(value, source, "")
    return Request(value)


def _check(value: Any, source: str, where: str) -> None:
    """Walk a request. Raises: UsageError for what is no JSON, or stands twice."""
    if isinstance(value, Mapping):
        if (twice := getattr(value, "doubled", None)) is not None:
            raise errors.UsageError(f"{source}: {where or 'the request'} has {twice!r} twice")
        for key, inner in value.items():
            _check(inner, source, f"{where}.{key}" if where else key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            if not isinstance(inner, int) or isinstance(inner, bool):
                _check(inner, source, f"{where}[{index}]")
    elif problem := unsendable(value):
        raise errors.UsageError(f"{source}: {where}: {problem}", NULL_HINT)


NULL_HINT: Final = "write null where a value is missing"


def unsendable(value: Any) -> str:
    """Why a value cannot be sent in JSON; empty where it can."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN is no JSON" if math.isnan(value) else "a number beyond FP64, or Infinity, is no JSON"
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            return "half of a surrogate pair is no text"
    return ""


def _object(value: Mapping[str, Any], source: str) -> Given:
    """An object: a wrapping, columns and rows, columns of values, or one row."""
    for key in WRAPPINGS:
        if isinstance(inner := value.get(key), list | Mapping):
            if beside := sorted(value.keys() - {key}):
                raise errors.UsageError(
                    f"{source}: {', '.join(beside)} beside `{key}` would not be sent", "leave it out"
                )
            return _object(inner, source) if isinstance(inner, Mapping) else _listed(inner, source)
    columns, data = value.get("columns"), value.get("data")
    if isinstance(columns, list) and isinstance(data, list):
        if unknown := sorted(value.keys() - BESIDE_SPLIT):
            raise errors.UsageError(f"{source}: {', '.join(unknown)} beside `columns` and `data` would not be sent")
        return _split(columns, data, source)
    if not value:
        raise errors.UsageError(f"{source} is an empty object: give {FORMS}", GIVE_DATA)
    if all(isinstance(inner, list | Mapping) for inner in value.values()):
        return _by_column(value, source)
    return _records([value], source)


def _split(columns: Sequence[Any], data: Sequence[Any], source: str) -> Table:
    names = column_names(columns, source)
    for index, row in enumerate(data):
        if not isinstance(row, list):
            raise errors.UsageError(f"{source}: row {index + 1} is {_a(row)}, not a list")
        if len(row) != len(names):
            raise _ragged(source, index, len(row), f"the table has {plural(len(names), 'column')}")
    return table(source, names, data)


def column_names(given: Sequence[Any], source: str) -> tuple[str, ...]:
    """The names as text. Raises: UsageError for what is no name, and for one that stands twice."""
    names: dict[str, int] = {}
    for index, name in enumerate(given, 1):
        if isinstance(name, bool) or not isinstance(name, str | int) or name == "":
            said = "has no name" if name in ("", None) else f"is named by {_a(name)}"
            raise errors.UsageError(f"{source}: column {index} {said}", "a column's name is text or a whole number")
        if problem := unsendable(str(name)):
            raise errors.UsageError(f"{source}: the name of column {index}: {problem}")
        if (first := names.setdefault(str(name), index)) != index:
            raise errors.UsageError(f"{source}: columns {first} and {index} are both named {str(name)!r}")
    return tuple(names)


def table(source: str, names: tuple[str, ...] | None, rows: Sequence[Sequence[Any]], *, as_text: bool = False) -> Table:
    """Checked rows of equal length. Raises: UsageError naming the first cell that is none."""
    made = Table(source, names, tuple(map(tuple, rows)), as_text)
    if not made.rows or not made.rows[0]:
        raise errors.UsageError(f"{source} has no {'columns' if made.rows else 'rows'}", GIVE_DATA)
    for index, row in enumerate(made.rows):
        for column, cell in enumerate(row):
            if isinstance(cell, list | Mapping):
                raise made.wrong(index, column, f"{_a(cell)}; a cell holds one value", "tensors go as lists of numbers")
            if problem := unsendable(cell):
                raise made.wrong(index, column, problem, NULL_HINT)
    return made


def _by_column(value: Mapping[str, Any], source: str) -> Table:
    """Columns of values: lists, or objects by index."""
    _once(value, f"{source}")
    names = column_names(list(value), source)
    rows: list[Any] | None = None
    for name, inner in value.items():
        own = list(inner) if isinstance(inner, Mapping) else list(range(len(inner)))
        if rows is None:
            rows = own
        elif own != rows:
            first, count = next(iter(value)), len(rows)
            said = (
                f"has {plural(len(own), 'value')}, column {first!r} {count}" if len(own) != count else "has other rows"
            )
            raise errors.UsageError(f"{source}: column {name!r} {said}", "each column has one value a row")
    columns = [list(inner.values()) if isinstance(inner, Mapping) else inner for inner in value.values()]
    return table(source, names, list(zip(*columns, strict=True)))


def _records(rows: Sequence[Any], source: str) -> Table:
    """Rows as objects, with the columns of the first one."""
    names = column_names(list(rows[0]), source)
    for index, row in enumerate(rows):
        _once(row, f"{source}: row {index + 1}")
        if missing := [name for name in names if name not in row]:
            raise errors.UsageError(f"{source}: row {index + 1} has no column {missing[0]!r}", NULL_HINT)
        if more := [name for name in row if name not in names]:
            hint = NULL_HINT
            raise errors.UsageError(f"{source}: row {index + 1} has a column {more[0]!r}, which row 1 has not", hint)
    return table(source, names, [[row[name] for name in names] for row in rows])


def _once(value: Mapping[str, Any], where: str) -> None:
    if (twice := getattr(value, "doubled", None)) is not None:
        raise errors.UsageError(f"{where} has the column {twice!r} twice")


def _listed(value: list[Any], source: str) -> Given:
    if not value:
        raise errors.UsageError(f"{source} is an empty list: give {FORMS}", GIVE_DATA)
    kinds = [dict if isinstance(one, Mapping) else list if isinstance(one, list) else None for one in value]
    for index, kind in enumerate(kinds):
        if kind is not kinds[0]:
            said = f"row 1 is {_a(value[0])}, row {index + 1} {_a(value[index])}"
            raise errors.UsageError(f"{source}: {said}", "rows are all objects or all lists")
    if kinds[0] is dict:
        return _records(value, source)
    if kinds[0] is None or any(isinstance(cell, list) for cell in value[0]):
        return _nested(value, source)
    for index, row in enumerate(value):
        if len(row) != len(value[0]):
            raise _ragged(source, index, len(row), f"row 1 has {len(value[0])}")
    return table(source, None, value)


def _nested(value: list[Any], source: str) -> Nested:
    """Nested lists row by row. Raises: UsageError when they are uneven."""
    shape: list[int] = []
    level: list[Any] = [value]
    while level and any(isinstance(item, list) for item in level):
        if not all(isinstance(item, list) and len(item) == len(level[0]) for item in level):
            odd = next(i for i, item in enumerate(level) if not isinstance(item, list) or len(item) != len(level[0]))
            said = f"{source}: the list at {_at(shape, odd)} is not as long as those before it"
            raise errors.UsageError(said, "lists side by side are all of one length")
        shape.append(len(level[0]))
        level = [inner for item in level for inner in item]
    made = Nested(source, tuple(shape), tuple(level))
    if not level:
        raise errors.UsageError(f"{source} holds no values", GIVE_DATA)
    for index, cell in enumerate(level):
        if problem := f"{_a(cell)}, not a value" if isinstance(cell, Mapping) else unsendable(cell):
            raise made.wrong(index, problem, NULL_HINT)
    return made


def _ragged(source: str, row: int, count: int, other: str) -> errors.UsageError:
    said = f"{source}: row {row + 1} has {count} value{'' if count == 1 else 's'}, and {other}"
    return errors.UsageError(said, "each row has one value for each column; null where one is missing")


def _kind(value: Any) -> str:
    if isinstance(value, Mapping):
        return "object"
    names = {list: "list", str: "text", bool: "truth value", int: "number", float: "number", type(None): "null"}
    return names[type(value)]


def _a(value: Any) -> str:
    kind = _kind(value)
    return kind if kind in ("text", "null") else article(kind)
