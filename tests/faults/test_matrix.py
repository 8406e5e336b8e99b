"""The reliability matrix, as much of it as fits about two minutes; `make faults` runs all of it.

Every row (R1 to R12, R14, R15) takes part with 9 scenarios, evenly chosen from all it has at 20 seeds: crashes at calls
and file operations of all five commands, pairs of crashes, lost answers, copies, throttling, lags, bad ends, refusals,
broken disks, races, drift, random programs, answers that are not AWS's, and neighbours of the same name. They run in a
process of their own, with one worker.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROWS = [f"R{number}" for number in (*range(1, 13), 14, 15)]
ROOT = Path(__file__).parents[2]


def faults(*arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONHASHSEED": "0"}
    command = [sys.executable, str(ROOT / "scripts" / "faults.py"), *arguments]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=900, check=False)


@pytest.fixture(scope="module")
def outcome() -> tuple[dict[str, tuple[int, int]], str]:
    """Of each row: its scenarios and its failures; and all that was said."""
    ended = faults("--seeds", "20", "--most", "9", "--workers", "1", "--rows", ",".join(ROWS))
    lines = [line.split() for line in ended.stdout.splitlines() if line.startswith("R")]
    said = f"{ended.stdout[-6000:]}\n{ended.stderr[-2000:]}"
    return {row: (int(scenarios), int(failures)) for row, scenarios, failures, *_ in lines}, said


@pytest.mark.parametrize("row", ROWS)
def test_a_row_of_the_matrix_holds(outcome: tuple[dict[str, tuple[int, int]], str], row: str) -> None:
    rows, said = outcome
    scenarios, failures = rows.get(row, (0, 1))
    assert failures == 0, said
    assert scenarios >= 5
