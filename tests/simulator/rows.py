"""The rows of the matrix: which scenarios each has, found by looking at what undisturbed runs do.

A row is exhaustive where it can be: for each call, or each file operation, of an undisturbed run with the same seed,
one scenario in which the fault strikes just there. Up to the fault the disturbed run is the same run, because the
scheduler follows the seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from simulator import rows_kinds
from simulator.recording import Looking
from simulator.rows_calls import r1, r2, r3, r4, r5
from simulator.rows_world import r6, r7, r8, r9, r10, r11, r12, r14, r15
from simulator.scenario import Scenario

Row = Callable[[Looking, int], Iterator[Scenario]]


def _and(row: Row, more: Row) -> Row:
    return lambda look, seeds: chain(row(look, seeds), more(look, seeds))


ROWS: dict[str, Row] = {
    "R1": _and(r1, rows_kinds.r1), "R2": _and(r2, rows_kinds.r2), "R3": _and(r3, rows_kinds.r3),
    "R4": _and(r4, rows_kinds.r4), "R5": _and(r5, rows_kinds.r5), "R6": _and(r6, rows_kinds.r6),
    "R7": _and(r7, rows_kinds.r7), "R8": _and(r8, rows_kinds.r8), "R9": r9, "R10": r10,
    "R11": _and(r11, rows_kinds.r11), "R12": r12, "R14": r14, "R15": r15,
}  # fmt: skip
