"""Plays a scenario and judges it by the oracles; runs in a process forked for it alone."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

from support.stage import quick_start

from eksprov import errors
from eksprov.config.schema import Config
from eksprov.state.codec import decode
from simulator import oracles
from simulator.full_stacks import WHOLES, whole
from simulator.machine import Machine
from simulator.neighbours import BESIDE
from simulator.scenario import Result, Scenario
from simulator.trouble import NO_EXIT, Ended, Trouble
from simulator.warm import CANARY, Warm

STACK = quick_start().name


def edited(edit: str) -> Config:
    """The quick-start config with a change; or a whole other one."""
    if edit in WHOLES:
        return whole(edit)
    data = quick_start().model_dump(mode="json")
    if edit:
        EDITS[edit](data)
    return Config.model_validate_json(json.dumps(data))


def _larger(data: dict[str, Any]) -> None:
    data["node_groups"][0] |= {"desired_size": 3, "labels": {"team": "ml"}}
    data["cluster"]["log_types"] = ["api", "audit"]
    data["tags"] = {"team": "ml"}


def _second_group(data: dict[str, Any]) -> None:
    more = {**data["node_groups"][0], "name": "more", "desired_size": 1}
    data["node_groups"].append(more)


def _private(data: dict[str, Any]) -> None:
    data["cluster"]["endpoint_public_access"] = False


def _nothing(data: dict[str, Any]) -> None:
    """The quick start as it is; others stand beside it."""


EDITS = {"larger": _larger, "second-group": _second_group, "private": _private, BESIDE: _nothing}


class Judge:
    """Collects what is wrong with a world and with the processes in it."""

    def __init__(self, machine: Machine, scenario: Scenario) -> None:
        self.machine, self.scenario, self.failures = machine, scenario, list[str]()
        self.ended: list[Ended] = []

    def run(self, command: str, trouble: Trouble | None = None, config: Config | None = None) -> Ended:
        """One process, and what must hold after any process."""
        ended = self.machine.run(command, trouble, config)
        self.after(ended)
        return ended

    def after(self, ended: Ended) -> None:
        """What must hold after any process, killed or not (O2, O4, O6, O7, O8)."""
        self.ended.append(ended)
        where = f"after {ended.command} ({ended.crashed or f'exit {ended.code}'})"
        self.failures += [f"O2 {where}: {twice}" for twice in oracles.doubles(self.machine.warm, STACK)]
        self._state(where)
        self._canary(where, ended)
        if ended.bug:
            self.failures.append(f"O8 {where}: {ended.bug}")
        elif ended.code not in (0, NO_EXIT) and not ended.messages:
            self.failures.append(f"O8 {where}: says nothing")
        if ended.calls > self.scenario.most_calls or ended.seconds > self.scenario.limit_s:
            self.failures.append(f"O7 {where}: {ended.calls} calls, {ended.seconds:.0f} s")

    def worlds(self, names: tuple[str, ...]) -> None:
        """The account must be one of these."""
        found = oracles.reading(self.machine.warm)
        if all(oracles.differences(found, self.machine.warm.rights[name]) for name in names):
            self.world(names[0])

    def world(self, name: str, where: str = "in the end") -> None:
        """The account must be as an undisturbed run leaves it (O1, O5)."""
        warm = self.machine.warm
        found = oracles.reading(warm, wide=warm.client if self.scenario.edit in WHOLES else None)
        self.failures += [f"O1 {where}: {one}" for one in oracles.differences(found, self.machine.warm.rights[name])]

    def recorded(self) -> None:
        """The state knows every id of ours (O4)."""
        text = (self.machine.disk.read(f"{STACK}.json") or b"").decode()
        lost = [one for one in oracles.identities(self.machine.warm, STACK) if f'"{one}"' not in text]
        self.failures += [f"O4: the state does not know {one}" for one in sorted(lost)]

    def tidy(self) -> None:
        """Nothing is left in the state folder after a teardown but locks."""
        left = [path.name for path in self.machine.warm.folder.iterdir() if not path.name.endswith(".lock")]
        self.failures += [f"O4: {name} is left in the state folder" for name in sorted(left)]

    def _state(self, where: str) -> None:
        if self.scenario.kind == "damage" or any(
            fault.kind not in ("crash", "crash-after") for t in self.scenario.troubles for fault in t.disk
        ):
            return
        for name in (f"{STACK}.json", f"{STACK}.json.bak"):
            data = self.machine.disk.read(name)
            if data is not None:
                try:
                    decode(data, name, STACK)
                except errors.StateError as error:
                    self.failures.append(f"O4 {where}: {error.message}")

    def _canary(self, where: str, ended: Ended) -> None:
        said = " ".join(ended.messages) + ended.bug
        if CANARY in said:
            self.failures.append(f"O6 {where}: a secret in what it says")
        for path in self.machine.warm.folder.iterdir():
            if CANARY.encode() in path.read_bytes():
                self.failures.append(f"O6 {where}: a secret in {path.name}")


def play(warm: Warm, scenario: Scenario) -> Result:
    """From beginning to end."""
    from simulator.kinds_of_play import PLAYS

    began = time.perf_counter()
    machine = Machine(warm, scenario.seed, edited(""))
    judge = Judge(machine, scenario)
    try:
        PLAYS.get(scenario.kind, steps)(judge, scenario)
    except Exception as error:
        import traceback

        judge.failures.append(f"the scenario itself: {''.join(traceback.format_exception(error))[-1500:]}")
    return Result(
        scenario=scenario,
        failures=tuple(judge.failures),
        digest=machine.digest(),
        wall_s=time.perf_counter() - began,
        calls=tuple((f"{call.operation}{'!' * call.mutating}", left) for call, left in machine.seen_calls),
        files=tuple(machine.seen_files),
        seconds=tuple(one.seconds for one in judge.ended),
        codes=tuple(one.code for one in judge.ended),
        log=tuple(machine.log) if judge.failures else (),
        said=tuple(message for one in judge.ended for message in one.messages),
    )


def steps(judge: Judge, scenario: Scenario) -> None:
    """Trouble after trouble, then a run without any; and that again, which must change nothing."""
    config = edited(scenario.edit)
    for index, trouble in enumerate(scenario.troubles):
        ended = judge.run(scenario.command, trouble, config)
        if scenario.must_succeed and index == 0 and not ended.ok:
            judge.failures.append(f"O3: did not succeed under the fault: {ended.messages} {ended.struck}")
    settle(judge, scenario.command, scenario.leads_to, config)


def settle(judge: Judge, command: str, leads_to: str, config: Config) -> None:
    """The command without any trouble ends in the right world, and once more changes nothing (O1, O3)."""
    ended = judge.run(command, None, config)
    if not ended.ok and not nothing_to_do(ended):
        judge.failures.append(f"O3: the next {command} failed with {ended.code}: {ended.messages}")
        return
    judge.world(leads_to)
    if command == "teardown":
        judge.tidy()
        return
    if ended.ok or judge.machine.disk.read(f"{STACK}.json"):  # who has nothing to do makes no lost state anew
        judge.recorded()
    again = judge.run(command, None, config)
    if not (again.ok or nothing_to_do(again)) or again.mutations:
        judge.failures.append(f"O3: {command} again: exit {again.code}, {again.mutations} changes: {again.messages}")


def nothing_to_do(ended: Ended) -> bool:
    """Whether it said that what was to be taken away is not there."""
    return ended.code == errors.EXIT_NOT_THERE and any("not deployed" in said for said in ended.messages)


__all__ = ["EDITS", "Judge", "edited", "play", "replace", "settle", "steps"]
