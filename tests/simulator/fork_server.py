"""Warmed processes from which scenarios are forked: a scenario begins where its world begins, and leaves no trace.

`Stems` keeps one process for each world ("empty", "made", "served"), made by the product itself. Each scenario gets a
process of its own, forked from the right one, with a state folder of its own.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

from simulator import oracles
from simulator.fakes import state_folder
from simulator.full_stacks import WHOLES
from simulator.machine import Machine
from simulator.neighbours import BESIDE, settle_in
from simulator.play import edited, play
from simulator.scenario import Result, Scenario
from simulator.warm import Warm

LIMIT_S = 120.0  # of real time, for one scenario
_ours: list[Connection] = []  # this process's ends of pipes to those it has forked
GROWTH: dict[str, tuple[str, ...]] = {"empty": (), "made": ("provision",), "served": ("provision", "deploy")}
GROWTH |= {f"empty:{name}": ("provision", "teardown") for name in WHOLES}  # made and unmade: all is warm
GROWTH |= {f"made:{name}": ("provision",) for name in WHOLES}
GROWTH |= {f"{world}:{BESIDE}": commands for world, commands in list(GROWTH.items()) if ":" not in world}
EDITED = ("larger", "second-group", "private")


def forked(work: Callable[[Connection], None]) -> tuple[int, Connection]:
    """A process that does `work` with its end of a pipe, and ours."""
    ours, theirs = Pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        theirs.close()
        _ours.append(ours)
        return pid, ours
    try:
        for pipe in (ours, *_ours):  # held open here, they would keep others from hearing that we have ended
            pipe.close()
        _ours.clear()
        work(theirs)
    except (EOFError, KeyboardInterrupt):
        pass  # who asked for it has ended, or is about to
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(0)


def closed(pipe: Connection) -> None:
    """Close our end: whoever has the other one hears the end."""
    _ours.remove(pipe)
    pipe.close()


def answer_of(work: Callable[[], Any], limit_s: float = LIMIT_S) -> Any:
    """What `work` gives in a process of its own. Raises: TimeoutError, EOFError when it died."""
    pid, pipe = forked(lambda theirs: theirs.send(work()))
    try:
        if not pipe.poll(limit_s):
            raise TimeoutError(f"no answer within {limit_s} s")
        return pipe.recv()
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        closed(pipe)


class Stems:
    """The processes, by world; begun when first needed."""

    def __init__(self, warm: Warm) -> None:
        self._warm = warm
        self._pipes: dict[str, tuple[int, Connection]] = {}

    def play(self, scenario: Scenario) -> Result:
        """One scenario, to its end."""
        if scenario.base not in self._pipes:
            self._pipes[scenario.base] = forked(lambda theirs: self._serve(scenario.base, theirs))
        pipe = self._pipes[scenario.base][1]
        pipe.send(scenario)
        result: Result = pipe.recv()
        return result

    def close(self) -> None:
        """End them all."""
        for pid, pipe in self._pipes.values():
            closed(pipe)
            os.waitpid(pid, 0)
        self._pipes.clear()

    def _serve(self, base: str, pipe: Connection) -> None:
        with_folder(self._warm, lambda: self._grown(base, pipe))

    def _grown(self, base: str, pipe: Connection) -> None:
        grow(self._warm, base)
        while True:
            pipe.send(played(self._warm, pipe.recv()))


def grow(warm: Warm, base: str) -> None:
    """Let the product make a world."""
    if base.endswith(BESIDE):
        settle_in(warm)
    if GROWTH[base]:
        machine = Machine(warm, 0, edited(base.partition(":")[2]))
        for command in GROWTH[base]:
            assert machine.run(command).ok
        machine.wait(7200)  # until EC2 forgets what is gone, and no bucket is short of tokens


def played(warm: Warm, scenario: Scenario) -> Result:
    """One scenario in a process of its own; one that hangs or dies has failed."""
    folder = state_folder()
    shutil.copytree(warm.folder, folder, dirs_exist_ok=True)

    def work() -> Result:
        warm.folder = folder
        return play(warm, scenario)

    try:
        result: Result = answer_of(work)
    except (TimeoutError, EOFError) as error:
        return Result(scenario, (f"the scenario ended without an answer: {error!r}",))
    else:
        return result
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def with_folder(warm: Warm, work: Callable[[], None]) -> None:
    """Give this process a state folder of its own."""
    before, warm.folder = warm.folder, state_folder()
    try:
        shutil.copytree(before, warm.folder, dirs_exist_ok=True)
        work()
    finally:
        shutil.rmtree(warm.folder, ignore_errors=True)


def right_worlds(warm: Warm) -> dict[str, oracles.World]:
    """What undisturbed runs make of the account, by name; each made in a process of its own."""

    def after(name: str, commands: tuple[tuple[str, str], ...]) -> oracles.World:
        found: list[oracles.World] = []

        def work() -> None:
            if name.endswith(BESIDE):
                settle_in(warm)
            machine = Machine(warm, 0, edited(""))
            for command, edit in commands:
                ended = machine.run(command, None, edited(edit))
                assert ended.ok, (ended.messages, ended.bug)
            found.append(oracles.reading(warm, wide=warm.client if name.partition(":")[2] in WHOLES else None))

        with_folder(warm, work)
        return found[0]

    ways: dict[str, tuple[tuple[str, str], ...]] = {
        name: tuple((command, name.partition(":")[2]) for command in commands) for name, commands in GROWTH.items()
    }
    ways |= {f"made:{edit}": (("provision", ""), ("provision", edit)) for edit in EDITED}
    return {name: answer_of(partial(after, name, way)) for name, way in ways.items()}
