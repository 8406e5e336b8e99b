"""The faults of a running local world: switched on and off over its control paths, carried out in its server."""

from __future__ import annotations

import time
from typing import Any

from eksprov.local.aws.emulator import LocalAws
from eksprov.local.faults.inject import CarryOut, Faults
from eksprov.local.faults.named import NAMED, plan_of, unknown
from eksprov.local.faults.wire import Asked


class Switchboard:
    """What is on in one world; everything here is done under the world's lock."""

    def __init__(self, world: LocalAws) -> None:
        self._world = world
        self._names: tuple[str, ...] = ()
        self._seed = 0
        self._faults: Faults | None = None

    def around(self, call: Asked, carry_out: CarryOut) -> Any:
        """One request, with what is on."""
        return carry_out() if self._faults is None else self._faults.around(call, carry_out)

    @property
    def is_on(self) -> bool:
        """Whether any fault is on."""
        return self._faults is not None

    def report(self) -> dict[str, Any]:
        """What there is, what is on, and what has struck so far."""
        with self._world.lock:
            struck = self._faults.struck if self._faults is not None else []
            return {
                "known": {name: found.says for name, found in NAMED.items()},
                "on": list(self._names),
                "seed": self._seed,
                "struck": [f"{kind} at {operation}" for kind, operation in struck],
            }

    def switch(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Have these faults on and no others: `names`, `seed` and `region`. Gives `unknown` where a name is none."""
        names = tuple(str(name) for name in asked.get("names", ()))
        if wrong := unknown(names):
            return {"unknown": wrong, **self.report()}
        with self._world.lock:
            self._names, self._seed = names, int(asked.get("seed", 0))
            plan = plan_of(names, self._seed)
            region = str(asked.get("region", "us-west-2"))
            self._faults = Faults(self._world, plan, region, time.sleep) if names else None
        return self.report()
