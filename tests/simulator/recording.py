"""What undisturbed runs do, so that trouble can be placed at each call and each file operation of them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from eksprov.local.faults.plan import Fault, FaultPlan
from simulator.full_stacks import WHOLES
from simulator.neighbours import BESIDE
from simulator.scenario import MOST_CALLS, TIMES_UNDISTURBED, Result, Scenario
from simulator.trouble import DiskFault, Trouble

COMMANDS = {
    "create": ("empty", "provision", ""),
    "update": ("made", "provision", "larger"),
    "destroy": ("made", "teardown", ""),
    "deploy": ("made", "deploy", ""),
    "undeploy": ("served", "undeploy", ""),
}
WHOLE_COMMANDS = {f"create {name}": (f"empty:{name}", "provision", name) for name in WHOLES} | {
    f"destroy {name}": (f"made:{name}", "teardown", name) for name in WHOLES
}
BESIDE_COMMANDS = {
    f"{phase} {BESIDE}": (f"{base}:{BESIDE}", command, BESIDE)
    for phase, (base, command, edit) in COMMANDS.items()
    if not edit
}
PHASES = COMMANDS | WHOLE_COMMANDS | BESIDE_COMMANDS
Play = Callable[[Scenario], Result]


@dataclass(frozen=True)
class Seen:
    """What an undisturbed run asks and writes: operations in order, those that change something, file operations."""

    phase: str
    seed: int
    calls: tuple[str, ...]
    files: tuple[str, ...]
    cuts: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())  # places in both, from 1: see `_apart`

    @property
    def changes(self) -> list[str]:
        """The mutating operations, in order."""
        return [name[:-1] for name in self.calls if name.endswith("!")]

    def scenario(self, row: str, name: str, trouble: Trouble, **more: Any) -> Scenario:
        """This run, with trouble."""
        base, command, edit = PHASES[self.phase]
        most = max(MOST_CALLS, TIMES_UNDISTURBED * len(self.calls))
        begun = Scenario(row, f"{self.phase}: {name}", self.seed, base, command, (trouble,), edit=edit, most_calls=most)
        return replace(begun, **more)


class Looking:
    """Undisturbed runs, each played once."""

    def __init__(self, play: Play) -> None:
        self._play = play
        self._seen: dict[tuple[str, int], Seen] = {}

    def at(self, phase: str, seed: int) -> Seen:
        """What a phase does under this seed."""
        if (phase, seed) not in self._seen:
            base, command, edit = PHASES[phase]
            result = self._play(Scenario("look", phase, seed, base, command, (Trouble(),), kind="once", edit=edit))
            if result.failures:
                raise RuntimeError(f"an undisturbed {phase} fails: {result.failures}")
            calls, files = (tuple(name for name, _ in events) for events in (result.calls, result.files))
            self._seen[phase, seed] = Seen(phase, seed, calls, files, _apart(result))
        return self._seen[phase, seed]


def _apart(result: Result) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The calls and the file operations before which a power cut leaves what no other cut leaves.

    Between two changes of the account, or of what is safe on the disk, it does not matter when the power goes. The one
    before a call that changes something is always among them.
    """
    events = sorted(enumerate(result.calls, 1), key=lambda event: not event[1][0].endswith("!"))
    calls = {left: n for n, (_, left) in reversed(events)}
    files = {left: n for n, (_, left) in reversed(list(enumerate(result.files, 1))) if left not in calls}
    return tuple(sorted(calls.values())), tuple(sorted(files.values()))


def some_crash(chance: random.Random, seen: Seen) -> Trouble:
    power = chance.random() < 0.5
    match chance.randrange(3):
        case 0:
            kind = chance.choice(("crash", "crash-after"))
            at = chance.randint(1, len(seen.changes))
            return Trouble(FaultPlan(faults=(Fault(kind, at=at, mutating=True),)), power=power)
        case 1:
            kind = chance.choice(("crash", "crash-after"))
            return Trouble(disk=(DiskFault(kind, chance.randint(1, len(seen.files))),), power=power)
    where = chance.choice(("replied", "recorded"))
    return Trouble(crash_at=chance.randint(1, len(seen.changes)), crash_where=where, power=power)
