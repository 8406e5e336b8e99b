"""Runs the reliability matrix in the simulator and prints one table; `make faults SEEDS=1000 ROWS=R1,R3`.

Exits 1 when any scenario fails. Each failure is printed with its seed, what it says, and the smallest scenario that
still fails, as one line of JSON that `--replay` takes.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
REAL = {"R13": "kills", "R16": "terminals"}  # rows of real processes, in real time


def main() -> int:
    """Run the rows that were asked for."""
    if os.environ.get("PYTHONHASHSEED") != "0":  # sets of strings then have one order, so a seed means one run
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"})
    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
    from simulator.rows import ROWS

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1000, help="how many random scenarios (default 1000)")
    every = (*ROWS, *REAL)
    parser.add_argument("--rows", default=",".join(every), help=f"which rows, of {','.join(every)}")
    parser.add_argument("--every", type=int, default=1, help="run every n-th scenario alone")
    parser.add_argument("--most", type=int, default=0, help="run at most so many scenarios of a row, evenly chosen")
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--replay", default="", help="one scenario as JSON, with everything that happens in it")
    parser.add_argument("--shown", type=int, default=5, help="how many failures of a row are made smaller and shown")
    parser.add_argument("--grep", default="", help="only scenarios whose name contains this")
    arguments = parser.parse_args()
    if arguments.replay:
        return replay(arguments.replay)
    rows = [row for row in arguments.rows.split(",") if row]
    if unknown := [row for row in rows if row not in every]:
        parser.error(f"no such row: {', '.join(unknown)}; there are {', '.join(every)}")
    return matrix(rows, arguments)


def matrix(rows: list[str], asked: argparse.Namespace) -> int:
    """Run them, print the table; Ctrl-C ends the run, and the table is of what was played until then."""
    from simulator import runner

    began = time.monotonic()
    each = asked.most or max(1, min(100, asked.seeds // 10))
    real = [row for row in rows if row in REAL]
    wanted: list[Any] = []
    found: dict[str, Any] = {}
    warm, stopped = None, ""
    try:
        if simulated := [row for row in rows if row not in REAL]:
            warm = runner.ready()
            every = [s for s in runner.scenarios(warm, simulated, asked.seeds) if asked.grep in s.name][:: asked.every]
            wanted += [one for row in simulated for one in chosen([s for s in every if s.row == row], asked.most)]
        beside = "".join(f", {each} {REAL[row]}" for row in real)
        print(f"{len(wanted)} scenarios{beside}, ready after {time.monotonic() - began:.0f} s", file=sys.stderr)
        if warm and wanted:
            runner.run(warm, wanted, asked.workers, Progress(len(wanted), "scenarios").heard, found)
        for row in real:
            runner.run_real(row, each, min(asked.workers, each), Progress(each, REAL[row]).heard, found)
    except KeyboardInterrupt:
        played = sum(row.scenarios for row in found.values())
        stopped = f"; stopped, {len(wanted) + each * len(real) - played} were not played"
    print(f"{'row':4} {'scenarios':>9} {'failures':>9} {'seconds':>8}")
    for row in (found[name] for name in rows if name in found):
        print(f"{row.name:4} {row.scenarios:9} {len(row.failed):9} {row.seconds:8.0f}")
    print(f"{sum(row.scenarios for row in found.values())} scenarios in {time.monotonic() - began:.0f} s{stopped}")
    for row in found.values():
        explain(row, warm if row.name not in REAL and not stopped else None, asked.shown)
    return 130 if stopped else int(any(row.failed for row in found.values()))


def explain(row: Any, warm: Any, shown: int) -> None:
    """Print why a row's scenarios failed; the first few made smaller, where that can be done."""
    from simulator import runner

    for result in row.failed[shown:]:
        print(f"\n{row.name} seed {result.scenario.seed}: {result.scenario.name}: {result.failures[0][:400]}")
    for result in row.failed[:shown]:
        small = runner.shrunk(warm, result.scenario) if warm else result
        print(f"\n{row.name} seed {result.scenario.seed}: {result.scenario.name}")
        for failure in (small.failures or result.failures)[:6]:
            print(f"  {failure}")
        print(f"  replay: {small.scenario.to_json() if small.failures else result.scenario.to_json()}")


class Progress:
    """Lines on stderr: each failure at once; how many are done, and about how long the others take."""

    def __init__(self, number: int, what: str) -> None:
        self._number, self._what, self._began = number, what, time.monotonic()
        self._done = self._failed = 0

    def heard(self, result: Any) -> None:
        """One more is done."""
        self._done, self._failed = self._done + 1, self._failed + bool(result.failures)
        if result.failures:
            said = f"failed: {result.scenario.row} seed {result.scenario.seed}: {result.scenario.name}"
            print(f"{said}: {result.failures[0][:300]}", file=sys.stderr, flush=True)
        last, live = self._done == self._number, sys.stderr.isatty()
        if live or last or self._done % 50 == 0:
            left = (time.monotonic() - self._began) / self._done * (self._number - self._done)
            said = f"{self._done}/{self._number} {self._what}, {self._failed} failed, about {left / 60:.0f} min left"
            end = "\r" if live and not last else "\n"
            print(f"{said:60}", end=end, file=sys.stderr, flush=True)


def chosen(scenarios: list[Any], most: int) -> list[Any]:
    """At most so many of them, evenly spread (0: all)."""
    if not most or len(scenarios) <= most:
        return scenarios
    return [scenarios[index * len(scenarios) // most] for index in range(most)]


def replay(text: str) -> int:
    """Play one scenario and print all that happens."""
    from simulator import runner
    from simulator.fork_server import Stems
    from simulator.scenario import Scenario

    warm = runner.ready()
    result = Stems(warm).play(Scenario.from_json(text))
    print("\n".join((*result.log, *result.said, *result.failures, f"digest {result.digest}")))
    return 1 if result.failures else 0


if __name__ == "__main__":
    sys.exit(main())
