"""Runs rows of the matrix over several processes, and makes what fails smaller until nothing can be left out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection, wait

from simulator.fakes import state_folder
from simulator.fork_server import Stems, closed, forked, right_worlds
from simulator.recording import Looking
from simulator.rows import ROWS
from simulator.scenario import Result, Scenario
from simulator.warm import Warm, warmed

Heard = Callable[[Result], None]


@dataclass
class Row:
    """What became of one row; `seconds` are those of all processes together."""

    name: str
    scenarios: int = 0
    seconds: float = 0.0
    failed: list[Result] = field(default_factory=list)


def ready() -> Warm:
    """The warm account, with the worlds that undisturbed runs make of it."""
    warm = warmed(state_folder())
    warm.rights = right_worlds(warm)
    return warm


def scenarios(warm: Warm, rows: list[str], seeds: int) -> Iterator[Scenario]:
    """All scenarios of these rows."""
    stems = Stems(warm)
    look = Looking(stems.play)
    try:
        for row in rows:
            yield from ROWS[row](look, seeds)
    finally:
        stems.close()


def run(warm: Warm, wanted: list[Scenario], workers: int, heard: Heard, rows: dict[str, Row]) -> None:
    """Play them all, each worker the next one when it is free; `heard` is told of each result, `rows` grow with it."""
    queue = iter(wanted)
    pipes: dict[Connection, int] = {}
    for _ in range(min(workers, len(wanted))):
        pid, ours = forked(lambda theirs: _work(warm, theirs))
        pipes[ours] = pid
        ours.send(next(queue))
    while pipes:
        for pipe in wait(list(pipes)):
            assert isinstance(pipe, Connection)
            result: Result = pipe.recv()
            row = rows.setdefault(result.scenario.row, Row(result.scenario.row))
            row.scenarios += 1
            row.seconds += result.wall_s
            if result.failures:
                row.failed.append(result)
            heard(result)
            following = next(queue, None)
            if following is not None:
                pipe.send(following)
            else:
                closed(pipe)
                os.waitpid(pipes.pop(pipe), 0)


def run_real(name: str, number: int, workers: int, heard: Heard, rows: dict[str, Row]) -> None:
    """Row R13 or R16, shared among workers: real processes, in real time."""
    from simulator.kills import kills
    from simulator.terminals import terminals

    def work(theirs: Connection, share: int, seed: int) -> None:
        for result in (terminals if name == "R16" else kills)(share, seed):
            theirs.send(result)
        theirs.send(None)

    row, pipes = rows.setdefault(name, Row(name)), dict[Connection, int]()
    for index in range(workers):
        share = number // workers + (index < number % workers)
        pid, ours = forked(partial(work, share=share, seed=index))
        pipes[ours] = pid
    while pipes:
        for pipe in wait(list(pipes)):
            assert isinstance(pipe, Connection)
            result = pipe.recv()
            if result is None:
                os.waitpid(pipes.pop(pipe), 0)
                closed(pipe)
                continue
            row.scenarios, row.seconds = row.scenarios + 1, row.seconds + result.wall_s
            row.failed += [result] if result.failures else []
            heard(result)


def shrunk(warm: Warm, scenario: Scenario, limit_s: float = 60.0) -> Result:
    """The smallest scenario found that still fails, by leaving out one thing after the other."""
    stems, until = Stems(warm), time.monotonic() + limit_s
    try:
        smallest = stems.play(scenario)
        found = bool(smallest.failures)
        while found and time.monotonic() < until:
            found = False
            for less in smallest.scenario.smaller():
                result = stems.play(less)
                if result.failures:
                    smallest, found = result, True
                    break
        return smallest
    finally:
        stems.close()


def _work(warm: Warm, pipe: Connection) -> None:
    stems = Stems(warm)
    try:
        while True:
            pipe.send(stems.play(pipe.recv()))
    finally:
        stems.close()
