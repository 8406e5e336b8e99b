"""A model's answer as text, or as JSON for programs. Pure.

Text is cut, with a count of what is left out; JSON is whole. Numbers that JSON does not have are the texts "NaN",
"Infinity" and "-Infinity", as protobuf's JSON has them (https://protobuf.dev/programming-guides/json/).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from eksprov.cli.render.text import SCHEMA
from eksprov.cli.words import clean
from eksprov.core.words import plural

if TYPE_CHECKING:
    from eksprov.serving.requests.invoke import Answer

ROWS: Final = 20
VALUES: Final = 20  # in a row, or where each row is one value
CHARACTERS: Final = 200  # of one value


def answer_text(answer: Answer) -> str:
    """Each output's rows, then how long it took: one line where a row is one value, else a line a row."""
    lines = [line for output in answer.outputs for line in _output(output)]
    return "\n".join([*lines, f"answered in {answer.seconds:.3f} s"])


def answer_json(answer: Answer) -> dict[str, Any]:
    """The whole response, and how long it took."""
    return {"schema": SCHEMA, "seconds": round(answer.seconds, 6), **answer.response}


def _output(output: Mapping[str, Any]) -> Iterator[str]:
    shape, data = output.get("shape"), output.get("data")
    sizes = shape if isinstance(shape, list) else []
    head = f"{output.get('name', 'output')} ({output.get('datatype', '?')} {'x'.join(map(str, sizes))})"
    values = list(_flat(data)) if isinstance(data, list) else [data]
    width = _width(sizes, len(values))
    if width == 1:
        yield clean(f"{head}: {_row(values)}")
        return
    yield clean(f"{head}:")
    rows = len(values) // width
    for start in range(0, min(rows, ROWS) * width, width):
        yield clean(f"  {_row(values[start : start + width])}")
    if rows > ROWS:
        yield f"  … {rows - ROWS} more rows (--json has all)"


def _width(sizes: Sequence[Any], count: int) -> int:
    """How many values a row has; 1 where the shape does not fit the values."""
    rows = sizes[0] if len(sizes) > 1 and isinstance(sizes[0], int) else 0
    return count // rows if rows > 0 and count and count % rows == 0 else 1


def _row(values: Sequence[Any]) -> str:
    shown = ", ".join(map(_value, values[:VALUES]))
    return f"{shown}, … {len(values) - VALUES} more (--json has all)" if len(values) > VALUES else shown


def _value(value: Any) -> str:
    """One value as JSON writes it; the texts for numbers that JSON does not have, bare."""
    if value in ("NaN", "Infinity", "-Infinity"):
        return str(value)
    text = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()
    return text if len(text) <= CHARACTERS else f"{text[:CHARACTERS]}… ({plural(len(text), 'character')})"


def _flat(data: Sequence[Any]) -> Iterator[Any]:
    """The values row by row: the protocol allows nested lists too."""
    for item in data:
        if isinstance(item, list):
            yield from _flat(item)
        else:
            yield item
