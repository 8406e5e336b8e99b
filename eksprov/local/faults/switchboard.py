"""The faults of a running local world: switched on and off over its control paths, carried out in its server.

They come from two sides: from the config of whoever uses the world, and from `eksprov local faults set`. Each side
replaces what it said before and leaves the other's. A config that says what it said before changes nothing, so that a
fault which has struck once stays struck over many commands.
"""

from __future__ import annotations

import time
from typing import Any

from eksprov.local.aws.conditions import USUAL
from eksprov.local.aws.emulator import LocalAws
from eksprov.local.aws.quotas import QUOTAS
from eksprov.local.faults.inject import CarryOut, Faults
from eksprov.local.faults.named import both, plan_of
from eksprov.local.faults.names import problem, split
from eksprov.local.faults.wire import Asked

CONFIG, COMMAND = "config", "command"
Said = tuple[tuple[str, ...], int]  # names and seed
SILENT: Said = ((), 0)


class Switchboard:
    """What is on in one world; everything here is done under the world's lock."""

    def __init__(self, world: LocalAws) -> None:
        self._world = world
        self._said: dict[str, Said] = {COMMAND: SILENT, CONFIG: SILENT}
        self._faults: Faults | None = None

    def around(self, call: Asked, carry_out: CarryOut) -> Any:
        """One request, with what is on."""
        return carry_out() if self._faults is None else self._faults.around(call, carry_out)

    @property
    def is_on(self) -> bool:
        """Whether any fault is on."""
        return self._faults is not None

    def report(self) -> dict[str, Any]:
        """What is on and by whom, and what has struck so far."""
        with self._world.lock:
            struck = self._faults.struck if self._faults is not None else []
            return {
                "on": list(self._said[COMMAND][0]),
                "seed": self._said[COMMAND][1],
                "on_by_config": list(self._said[CONFIG][0]),
                "struck": [f"{kind} at {operation}" for kind, operation in struck],
            }

    def switch(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Have one side's faults be these and no others: `by`, `names`, `seed` and `region`.

        Gives `refused` and `cure`, and changes nothing, where a name is none or asks for what is not emulated.
        """
        names = tuple(str(name) for name in asked.get("names", ()))
        by, said = str(asked.get("by", COMMAND)), (names, int(asked.get("seed", 0)) if names else 0)
        for name in names:
            why, cure = problem(name)
            if not why:
                why, cure = self._not_here(name)
            if why:
                return {"refused": why, "cure": cure}
        with self._world.lock:
            if by != CONFIG or said != self._said[CONFIG]:
                self._said[by] = said
                self._begin(str(asked.get("region", "us-west-2")))
        return self.report()

    def _begin(self, region: str) -> None:
        (first, seed), (second, other_seed) = self._said[COMMAND], self._said[CONFIG]
        self._world.rule(USUAL)
        self._faults = None
        if first or second:
            plan = both(plan_of(first, seed), plan_of(second, other_seed))
            self._faults = Faults(self._world, plan, region, time.sleep)

    def _not_here(self, name: str) -> tuple[str, str]:
        """Why this world cannot do what a well-formed name asks for, and the cure."""
        word, argument = split(name)
        if word != "quota":
            return "", ""
        code = argument.partition("=")[0]
        if code in {quota.code for quota in QUOTAS}:
            return "", ""
        there = "; ".join(f"{quota.code} {quota.name}" for quota in QUOTAS)
        return f"{name!r}: this local world has no quota {code}", f"there are {there}"
