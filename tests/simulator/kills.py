"""Row R13: the real command in a real process, killed at a random moment of real time.

Each worker has a local world in its own process (`support.world_here`) and runs `provision`, `deploy-model`,
`undeploy-model` and `teardown` in turn. A run gets SIGKILL, SIGTERM, one SIGINT or two, some moments after a call that
chance has chosen; then the same command runs again to its end, and the account and the cluster are read as in every
other row. What the second run leaves is what the next command begins with, so nothing is made just to be killed.

A signal must end the run promptly: within 2 s, since no emulated call takes longer than some milliseconds; the second
within 0.5 s. On a machine that has more to do than it has processors these limits grow as its work slows down.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

from support.world_here import WorldHere, world_here

from eksprov.errors import EXIT_NOT_THERE
from simulator import oracles
from simulator.scenario import Result, Scenario

COMMANDS = (("provision",), ("deploy-model",), ("undeploy-model", "digits"), ("teardown",))
ENDS = ("KILL", "KILL", "TERM", "INT", "INT INT")
FIRST_S, SECOND_S = 2.0, 0.5
LONGEST_S = 180.0
SAMPLE_S = 0.05  # of a processor
STARTING_S = 0.6  # before its first call a run imports for about so long
BETWEEN_S = 0.3  # no pause between two calls is longer in a world that is this fast
# A signal may come before our handlers stand, or after they are given back: then the interpreter's own end the process.
GOOD = {"KILL": (0, -9), "TERM": (0, 130, -15), "INT": (0, 130, -2), "INT INT": (0, 130, -2)}


class Killer:
    """One world, and what undisturbed runs make of it."""

    row = "R13"
    commands: tuple[tuple[str, ...], ...] = COMMANDS
    ends: tuple[str, ...] = ENDS

    def __init__(self, here: WorldHere, chance: random.Random) -> None:
        self._here, self._chance = here, chance
        self._rights: dict[tuple[str, ...], oracles.World] = {}
        self._calls: dict[tuple[str, ...], int] = {}

    def undisturbed(self) -> None:
        """See what each command makes, and in how many calls."""
        for command in self.commands:
            before = self._here.emulator.calls.count()
            assert not [*self._again(command)]
            self._calls[command] = self._here.emulator.calls.count() - before
            self._rights[command] = self._reading()

    def kill(self, number: int, name: str) -> Result:
        """Kill the next command, run it again, compare."""
        command, how = self.commands[number % len(self.commands)], self._chance.choice(self.ends)
        began, failures = time.monotonic(), list[str]()
        after = self._chance.randrange(self._calls[command] + 1)
        process = self._begin(command, after)
        failures += self._ended(process, how)
        failures += self._again(command)
        failures += [f"O1: {one}" for one in oracles.differences(self._reading(), self._rights[command])]
        failures += [f"O2: {one}" for one in oracles.doubles(self._here, "quickstart")]
        what = f"{command[0]} {name}: {how or 'nothing'} after {after} calls"
        return Result(Scenario(self.row, what, 0, command=command[0]), tuple(failures), wall_s=time.monotonic() - began)

    def _begin(self, command: tuple[str, ...], after: int) -> Any:
        """Start it, and return at a moment after so many of its calls."""
        until = self._here.emulator.calls.count() + after
        process = self._started(command)
        while after and process.poll() is None and self._here.emulator.calls.count() < until:
            self._meanwhile(process)
            time.sleep(0.002)
        time.sleep(self._chance.uniform(0, BETWEEN_S if after else STARTING_S))
        return process

    def _started(self, command: tuple[str, ...]) -> Any:
        return self._here.popen(*command, "--yes")

    def _meanwhile(self, process: Any) -> None:
        """What else goes on while it runs."""

    def _ended(self, process: subprocess.Popen[str], how: str) -> Iterator[str]:
        """Send the signals, wait for the end, and say what is wrong with it."""
        limits = (FIRST_S, SECOND_S) if how == "INT INT" else (FIRST_S,)
        for number, one in enumerate(how.split()):
            if number:
                time.sleep(self._chance.uniform(0, BETWEEN_S))
            signalled = time.monotonic()
            process.send_signal(getattr(signal, f"SIG{one}"))  # nothing, where it has ended
        _, said = process.communicate(timeout=LONGEST_S)
        took = time.monotonic() - signalled
        limit = limits[-1] * busy()
        if took > limit:
            yield f"O7: ended {took:.1f} s after SIG{how}, later than {limit:.1f} s"
        if process.returncode not in GOOD[how]:
            yield f"O8: exit {process.returncode} after SIG{how}: {said[-800:]}"
        elif "Traceback" in said or (process.returncode == 130 and not said.strip()):
            yield f"O8: it says after SIG{how}: {said[-800:]!r}"

    def _again(self, command: tuple[str, ...]) -> Iterator[str]:
        """Run it to its end; a model that the killed run has taken away already may be said to be gone."""
        done = self._here(*command, "--yes")
        gone = done.code == EXIT_NOT_THERE and "not deployed" in done.err
        if done.code != 0 and not (gone and command[0] == "undeploy-model"):
            yield f"O3: {command[0]} ended with {done.code}: {done.err[-800:]}"

    def _reading(self) -> oracles.World:
        """The account and the cluster, while nobody else changes them."""
        with self._here.emulator.lock:
            self._here.emulator.advance()
            return oracles.reading(self._here)


def kills(number: int, seed: int, kind: type[Killer] = Killer, row: str = "R13") -> Iterator[Result]:
    """So many kills, one after the other."""
    with world_here() as here:
        killer = kind(here, random.Random(f"{row} {seed}"))
        killer.undisturbed()
        for count in range(number):
            yield killer.kill(count, f"{seed}.{count}")


def busy() -> float:
    """How many times longer than on a quiet machine things take: at this moment, or over the last minute."""
    began, used = time.monotonic(), time.thread_time()
    while time.thread_time() < used + SAMPLE_S:
        pass
    now = (time.monotonic() - began) / SAMPLE_S
    return max(1.0, now, os.getloadavg()[0] / (os.cpu_count() or 1))
