"""One column's cells as one typed input of the Open Inference Protocol. Pure.

What MLServer's pandas codec does with them decides (mlserver/codecs/pandas.py, tried with 1.7.1): null in FP64 is NaN,
in BYTES None; null in BOOL is read as False without a word, and in INT64 it is an error. So whole numbers with nulls go
as FP64, and truth values with nulls as BYTES that hold JSON each (`content_type: pd_json`), as a column of mixed types
does. A whole number that its datatype cannot hold exactly is an error, never rounded.
https://github.com/SeldonIO/MLServer/blob/master/mlserver/codecs/pandas.py
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from eksprov import errors
from eksprov.core.words import plural
from eksprov.serving.requests.rows import Cell

Wrong = Callable[[int, str, str], errors.UsageError]  # a cell's index, what is wrong, the cure
FLOATS: Final = {"FP16": 65504.0, "FP32": 3.4028234663852886e38, "FP64": 1.7976931348623157e308}
EXACT: Final = {"FP16": 2**11, "FP32": 2**24, "FP64": 2**53}  # up to here every whole number is held exactly
WHOLE: Final = {
    **{f"INT{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": (0, 2**bits - 1) for bits in (8, 16, 32, 64)},
}
NUMBERS: Final = FLOATS.keys() | WHOLE.keys()
NULLS: Final = frozenset({"", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"})
_WHOLE_TEXT = re.compile(r"[+-]?(0|[1-9]\d*)")
_NUMBER_TEXT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
_TRUTH: Final = {"true": True, "false": False}


@dataclass(frozen=True)
class Column:
    """Values of one datatype; `each_json` where each value is the text of a JSON value."""

    datatype: str
    data: list[Cell]
    each_json: bool = False

    def as_input(self, name: str) -> dict[str, Any]:
        """As an input of one column."""
        made: dict[str, Any] = {"name": name, "shape": [len(self.data), 1], "datatype": self.datatype}
        if self.each_json:
            made["parameters"] = {"content_type": "pd_json"}
        return {**made, "data": self.data}


def typed(cells: Sequence[Cell], declared: str, wrong: Wrong) -> Column:
    """The cells in the datatype that holds them all; in the model's `declared` one where it does.

    A declared datatype that does not hold them is passed over: whether the model takes another, it says itself.
    Raises: the error that `wrong` makes for a number that no datatype holds as it is.
    """
    kinds = {type(cell) for cell in cells if cell is not None}
    gaps = any(cell is None for cell in cells)
    if not kinds:
        return Column(declared if declared in FLOATS or declared == "BYTES" else "FP64", list(cells))
    if kinds == {str}:
        return Column("BYTES", list(cells))
    if kinds == {bool} and not gaps:
        return Column("BOOL", list(cells))
    if kinds == {int} and not gaps and (declared not in FLOATS or not _holds(declared, cells)):
        return Column(_whole(cells, declared, wrong), list(cells))
    if kinds <= {int, float}:
        if declared in FLOATS and _holds(declared, cells):
            return Column(declared, list(cells))
        _refuse_rounding(cells, wrong)
        return Column("FP64", list(cells))
    _whole([cell if type(cell) is int else 0 for cell in cells], "", wrong)
    return Column("BYTES", [json.dumps(cell) for cell in cells], each_json=True)


def from_text(cells: Sequence[str], declared: str, wrong: Wrong) -> list[Cell]:
    """The cells of a CSV's column: numbers or truth values where all are, else text; an empty one is null.

    Beside numbers and truth values the usual words for a missing value (NA, NaN, null, …) are null too; among text they
    are text. A column that the model declares as BYTES is text.
    """
    bare = [cell.strip() for cell in cells]
    told = [cell for cell in bare if cell not in NULLS]
    if declared != "BYTES":
        if all(cell.lower() in _TRUTH for cell in told):
            return [_TRUTH.get(cell.lower()) for cell in bare]
        numbers = [cell for cell in told if not _INFINITE.fullmatch(cell)]
        if all(_NUMBER_TEXT.fullmatch(cell) and _counts(cell) for cell in numbers):
            return [_number(cell, index, wrong) for index, cell in enumerate(bare)]
    return [cell or None for cell in cells]


def _counts(cell: str) -> bool:
    """Whether digits are a number: those of a postcode or a key ("007") are not."""
    return not cell.lstrip("+-").isdigit() or _WHOLE_TEXT.fullmatch(cell) is not None


def _number(cell: str, index: int, wrong: Wrong) -> Cell:
    if cell in NULLS:
        return None
    if _WHOLE_TEXT.fullmatch(cell) and len(cell) < 100:
        return int(cell)
    value = float(cell)
    if value in (float("inf"), float("-inf")):
        raise wrong(
            index, f"{cell[:40]} is beyond FP64, and Infinity is no JSON", "leave the cell empty where it is missing"
        )
    return value


def _whole(cells: Sequence[Any], declared: str, wrong: Wrong) -> str:
    """The datatype of whole numbers: the declared one, else INT64, else UINT64."""
    low, high = min(cells), max(cells)
    for datatype in (declared, "INT64", "UINT64"):
        if datatype in WHOLE and WHOLE[datatype][0] <= low and high <= WHOLE[datatype][1]:
            return datatype
    far = high if high > WHOLE["INT64"][1] else low
    raise wrong(cells.index(far), f"{_short(far)} is too large for INT64", f"send it as text, or as {_near(far)}")


def _holds(datatype: str, cells: Sequence[Any]) -> bool:
    """Whether a floating-point datatype reaches every number, and holds the whole ones exactly."""
    reach, whole = FLOATS[datatype], EXACT[datatype]
    return all(cell is None or abs(cell) <= (whole if type(cell) is int else reach) for cell in cells)


def _refuse_rounding(cells: Sequence[Any], wrong: Wrong) -> None:
    for index, cell in enumerate(cells):
        if type(cell) is not int or abs(cell) <= EXACT["FP64"]:
            continue
        if abs(cell) >= 2**1023 or int(float(cell)) != cell:
            said = f"{_short(cell)} beside fractions or nulls goes as FP64, which cannot hold it exactly"
            raise wrong(index, said, f"send it as text, or as {_near(cell)}")


def _short(number: int) -> str:
    return f"{number}" if abs(number) < 10**40 else f"a number of {plural(len(str(abs(number))), 'digit')}"


def _near(number: int) -> str:
    return f"{float(number)!r}" if abs(number) < 2**1023 else "a fraction"
