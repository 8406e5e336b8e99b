"""A scenario as data: what is there, what is run, what goes wrong. It can be printed, replayed, and made smaller."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from eksprov.local.faults.plan import FaultPlan
from simulator.full_stacks import WHOLES
from simulator.neighbours import BESIDE
from simulator.trouble import DiskFault, Trouble

# What an undisturbed command makes of the world, by the name of the world.
LEADS_TO = {"provision": "made", "teardown": "empty", "deploy": "served", "undeploy": "made"}


MOST_CALLS = 900  # of one process: more means that it asks without end
TIMES_UNDISTURBED = 5  # of larger stacks, that many times the calls of a run without trouble


@dataclass(frozen=True)
class Scenario:
    """From the world `base`, `command` runs once for each of `troubles`, then without any until it succeeds.

    `kind` says how it is played where it is not so ("race", "drift", "damage", "program", "survey"); `detail` is what
    that way needs. `edit` names a change of the config made before the first command. `must_succeed`: the first process
    must do it all, whatever `troubles` says.
    """

    row: str
    name: str
    seed: int
    base: str = "empty"
    command: str = "provision"
    troubles: tuple[Trouble, ...] = ()
    kind: str = "steps"
    edit: str = ""
    detail: tuple[str, ...] = ()
    must_succeed: bool = False
    limit_s: float = 1200.0
    most_calls: int = MOST_CALLS

    @property
    def leads_to(self) -> str:
        """The world that must be there in the end."""
        return self.after(self.command)

    def after(self, command: str) -> str:
        """The world that a command leaves with this config."""
        world = LEADS_TO[command]
        return f"{world}:{self.edit}" if self.edit and (world == "made" or self.edit in (*WHOLES, BESIDE)) else world

    def to_json(self) -> str:
        """One line that `replay` takes."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Scenario:
        """The opposite of `to_json`."""
        body: dict[str, Any] = json.loads(text)
        troubles = tuple(
            Trouble(
                **{
                    **one,
                    "plan": FaultPlan.from_json(json.dumps(one["plan"])),
                    "disk": tuple(DiskFault(**fault) for fault in one["disk"]),
                }
            )
            for one in body.pop("troubles")
        )
        return cls(**{**body, "troubles": troubles, "detail": tuple(body["detail"])})

    def smaller(self) -> Iterator[Scenario]:
        """The scenarios with one thing less going wrong."""
        for index, trouble in enumerate(self.troubles):
            fewer = [replace(trouble, plan=plan) for plan in trouble.plan.parts()]
            fewer += [replace(trouble, disk=trouble.disk[:i] + trouble.disk[i + 1 :]) for i in range(len(trouble.disk))]
            fewer += [replace(trouble, crash_at=0, crash_where="")] if trouble.crash_at else []
            fewer += [replace(trouble, power=False)] if trouble.power and trouble != Trouble() else []
            for one in fewer:
                yield replace(self, troubles=(*self.troubles[:index], one, *self.troubles[index + 1 :]))
            if len(self.troubles) > 1 and self.kind == "steps":
                yield replace(self, troubles=self.troubles[:index] + self.troubles[index + 1 :])
        for index in range(len(self.detail) if self.kind == "program" else 0):
            left = self.troubles[:index] + self.troubles[index + 1 :]
            yield replace(self, detail=self.detail[:index] + self.detail[index + 1 :], troubles=left)


@dataclass(frozen=True)
class Result:
    """What came of a scenario: why it failed (nothing: it did not), and what a search needs to know of it."""

    scenario: Scenario
    failures: tuple[str, ...] = ()
    digest: str = ""
    wall_s: float = 0.0
    # Operations in the order asked, those that change something with "!"; each with what a power cut before it leaves.
    calls: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    seconds: tuple[float, ...] = ()  # of virtual time, a process each
    codes: tuple[int, ...] = ()
    log: tuple[str, ...] = ()
    said: tuple[str, ...] = field(default=())
