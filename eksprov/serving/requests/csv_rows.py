"""CSV as a table: a header, then rows; commas, semicolons or tabs. Pure.

https://www.rfc-editor.org/rfc/rfc4180. What a cell is, only its column can say: see `cells.from_text`.
"""

from __future__ import annotations

import csv
import io
import re
from typing import Final

from eksprov import errors
from eksprov.serving.requests.rows import Table, column_names, table

DELIMITERS: Final = ",;\t"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
HEADER: Final = "the first line names the columns: age,city"


def from_csv(text: str, source: str) -> Table:
    """A table from CSV text. Raises: UsageError naming the header's or the row's fault."""
    lines = _lines(text, source)
    if not lines:
        raise errors.UsageError(f"{source} is empty", HEADER)
    header = [name.strip() for name in lines[0]]
    _refuse_no_header(header, source)
    for index, row in enumerate(lines[1:]):
        if len(row) != len(header):
            said = f"row {index + 1} has {len(row)} value{'' if len(row) == 1 else 's'}, and there are {len(header)}"
            raise errors.UsageError(f"{source}: {said} columns", "a value with the separator in it goes in quotes")
    return table(source, column_names(header, source), lines[1:], as_text=True)


def looks_like_csv(text: str) -> bool:
    """Whether text that is no JSON may be a table: several lines."""
    return "\n" in text.strip()


def _lines(text: str, source: str) -> list[list[str]]:
    """The lines that are not empty, as pandas reads them."""
    first = next((line for line in text.split("\n") if line.strip()), "")
    bare = re.sub(r'"[^"]*"', "", first)
    delimiter = max(DELIMITERS, key=bare.count)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise errors.UsageError(f"{source} is no CSV: {error}", "a quote inside a quoted value is doubled") from error
    return [line for line in lines if line]


def _refuse_no_header(header: list[str], source: str) -> None:
    if header[0] == "" and len(header) > 1 and all(header[1:]):
        raise errors.UsageError(
            f"{source}: column 1 has no name", "an index of pandas? leave it out: to_csv(..., index=False)"
        )
    numbers = all(_NUMBER.fullmatch(name) for name in header)
    counted = len(header) > 2 and header == [str(n) for n in range(len(header))]  # as pandas counts columns
    if numbers and not counted:
        raise errors.UsageError(f"{source}: the first line holds numbers, no names of columns", HEADER)
