"""What people have, as a request that the model takes. Pure.

Columns with names go as one input each, read as a pandas frame by MLServer (`content_type: pd`); numbers without names,
or for a model that takes one tensor, go as one tensor. What the model says that it takes orders and counts the columns;
where it says nothing the data decides.
https://github.com/SeldonIO/MLServer/blob/master/docs/user-guide/content-type.md
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from eksprov import errors
from eksprov.core.words import plural
from eksprov.serving.requests.cells import Column, from_text, typed
from eksprov.serving.requests.expected import Expected
from eksprov.serving.requests.rows import Cell, Given, Nested, Request, Table

INPUT_NAME: Final = "input-0"
FRAME: Final = {"content_type": "pd"}


def request_of(given: Given, expected: Expected) -> dict[str, Any]:
    """The request. Raises: UsageError naming what the model lacks or does not know, or the cell that cannot be sent."""
    if isinstance(given, Request):
        return dict(given.body)
    if isinstance(given, Nested):
        return _of_nested(given, expected)
    return _of_table(given, expected)


def left_out(given: Given, expected: Expected) -> str:
    """Which columns of the data the model does not take, in a sentence; empty where it takes them all.

    A model that uses some of the columns that it was trained with is described by those alone.
    """
    columns = _columns(given, expected) if isinstance(given, Table) else None
    if columns is None or not isinstance(given, Table) or given.columns is None:
        return ""
    unknown = [name for name in given.columns if name not in columns]
    return f"left out, for the model does not take it: {_named(unknown)}" if unknown else ""


def _of_nested(given: Nested, expected: Expected) -> dict[str, Any]:
    """One tensor; a flat list is one row where the model takes rows of its length, or one value a row."""
    count = len(given.cells)
    if len(given.shape) == 1:
        columns, width = expected.columns, expected.width
        if width == 1 and count > 1:
            return _of_table(Table(given.source, None, tuple((cell,) for cell in given.cells)), expected)
        if columns is not None or width is not None:
            return _of_table(Table(given.source, None, (given.cells,)), expected)
    if all(cell is None for cell in given.cells):
        raise errors.UsageError(f"{given.source} holds nothing but nulls")
    column = typed(given.cells, _declared(expected), given.wrong)
    if column.each_json or _null_among_text(given.cells):
        kinds = " and ".join(sorted({_name(cell) for cell in given.cells}))
        hint = "give rows, whose columns may differ: [[…], […]]"
        raise errors.UsageError(f"{given.source} mixes {kinds}; a tensor has one datatype", hint)
    return {"inputs": [_tensor(expected, given.shape, column)]}


def _of_table(given: Table, expected: Expected) -> dict[str, Any]:
    columns, width = _columns(given, expected), expected.width
    if columns is not None:
        return _frame(_ordered(given, columns), expected)
    if width is not None and len(given.rows[0]) != width:
        has = f"{len(given.rows[0])} {'columns' if given.columns else 'values in a row'}"
        raise errors.UsageError(f"{given.source} has {has}, and the model takes {width}", f"it takes {expected}")
    if (given.columns is None or width is not None) and (whole := _as_tensor(given, expected)) is not None:
        return {"inputs": [whole]}
    return _frame(given, expected)


def _columns(given: Table, expected: Expected) -> tuple[str, ...] | None:
    """The columns that the model names. One input of one value a row may be a column or a tensor: its name decides."""
    if len(expected.inputs) == 1 and given.columns == (expected.inputs[0].name,) and expected.inputs[0].one_wide:
        return given.columns
    return expected.columns


def _ordered(given: Table, columns: tuple[str, ...]) -> Table:
    """The table with the model's columns in its order, others left out.

    Raises: UsageError naming those it lacks, and those that the model does not take.
    """
    if given.columns is None:
        if len(given.rows[0]) != len(columns):
            said = (
                f"{given.source} has {plural(len(given.rows[0]), 'value')} in a row, and the model takes {len(columns)}"
            )
            raise errors.UsageError(said, f"its columns are {_named(columns)}")
        return Table(given.source, columns, given.rows, given.as_text)
    if missing := [name for name in columns if name not in given.columns]:
        unknown = [name for name in given.columns if name not in columns]
        knows = f", and has {_named(unknown)}, which the model does not take" if unknown else ""
        said = f"{given.source} lacks {_named(missing)}{knows}"
        raise errors.UsageError(said, f"the model takes the columns {_named(columns)}")
    at = [given.columns.index(name) for name in columns]
    return Table(given.source, columns, tuple(tuple(row[i] for i in at) for row in given.rows), given.as_text)


def _frame(given: Table, expected: Expected) -> dict[str, Any]:
    """One input a column; without names the columns are counted from 0, as pandas does."""
    names = given.columns or tuple(map(str, range(len(given.rows[0]))))
    made = [_column(given, index, expected.datatype(name)).as_input(name) for index, name in enumerate(names)]
    return {"parameters": dict(FRAME), "inputs": made}


def _column(given: Table, index: int, declared: str) -> Column:
    def wrong(row: int, what: str, hint: str) -> errors.UsageError:
        return given.wrong(row, index, what, hint)

    cells: Sequence[Any] = [row[index] for row in given.rows]
    return typed(from_text(cells, declared, wrong) if given.as_text else cells, declared, wrong)


def _as_tensor(given: Table, expected: Expected) -> dict[str, Any] | None:
    """The whole table as one tensor; None where its cells are not of one kind."""
    width, declared = len(given.rows[0]), _declared(expected)

    def wrong(index: int, what: str, hint: str) -> errors.UsageError:
        return given.wrong(index // width, index % width, what, hint)

    cells: list[Cell] = [cell for row in given.rows for cell in row]
    if given.as_text:
        parts = [_column(given, index, declared) for index in range(width)]
        if any(part.each_json for part in parts):
            return None
        cells = [part.data[row] for row in range(len(given.rows)) for part in parts]
    if _null_among_text(cells):
        return None
    column = typed(cells, declared, wrong)
    return None if column.each_json else _tensor(expected, (len(given.rows), width), column)


def _null_among_text(cells: Sequence[Cell]) -> bool:
    """In a tensor numpy reads such a null as the text "None" (MLServer 1.7.1); in a frame it is one."""
    return None in cells and any(isinstance(cell, str) for cell in cells)


def _tensor(expected: Expected, shape: tuple[int, ...], column: Column) -> dict[str, Any]:
    name = expected.inputs[0].name if len(expected.inputs) == 1 else INPUT_NAME
    return {"name": name, "shape": list(shape), "datatype": column.datatype, "data": column.data}


def _declared(expected: Expected) -> str:
    return expected.inputs[0].datatype if len(expected.inputs) == 1 else ""


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:8]))
    return f"{shown} and {len(names) - 8} more" if len(names) > 8 else shown


def _name(cell: Cell) -> str:
    names = {bool: "truth values", int: "numbers", float: "numbers", str: "texts", type(None): "nulls"}
    return names[type(cell)]
