"""What undisturbed runs do, so that trouble can be placed at each call and each file operation of them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from eksprov.local.faults.plan import Fault, FaultPlan
from simulator.scenario import Result, Scenario
from simulator.trouble import DiskFault, Trouble
from simulator.wholes import WHOLES

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
PHASES = COMMANDS | WHOLE_COMMANDS
Play = Callable[[Scenario], Result]


@dataclass(frozen=True)
class Seen:
    """What an undisturbed run asks and writes: operations in order, those that change something, file operations."""

    phase: str
    seed: int
    calls: tuple[str, ...]
    files: tuple[str, ...]

    @property
    def changes(self) -> list[str]:
        """The mutating operations, in order."""
        return [name[:-1] for name in self.calls if name.endswith("!")]

    def scenario(self, row: str, name: str, trouble: Trouble, **more: object) -> Scenario:
        """This run, with trouble."""
        base, command, edit = PHASES[self.phase]
        begun = Scenario(row, f"{self.phase}: {name}", self.seed, base, command, (trouble,), edit=edit)
        return replace(begun, **more)  # type: ignore[arg-type]


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
            self._seen[phase, seed] = Seen(phase, seed, result.calls, result.files)
        return self._seen[phase, seed]


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
