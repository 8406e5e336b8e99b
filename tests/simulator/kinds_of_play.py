"""The ways of playing a scenario that are not one command after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from simulator import oracles
from simulator.drift_by_others import MEDDLINGS
from simulator.neighbours import unsettled
from simulator.play import STACK, Judge, edited, nothing_to_do, settle
from simulator.scenario import LEADS_TO, Scenario
from simulator.trouble import Trouble


def once(judge: Judge, scenario: Scenario) -> None:
    """One command, undisturbed: to see what it does."""
    ended = judge.run(scenario.command, None, edited(scenario.edit))
    if not ended.ok:
        judge.failures.append(f"exit {ended.code}: {ended.messages}")


def lagging(judge: Judge, scenario: Scenario) -> None:
    """A crash; the next run, while AWS still hides what was made, must neither make it twice nor forget it."""
    (trouble,) = scenario.troubles
    config = edited(scenario.edit)
    judge.run(scenario.command, trouble, config)
    hidden = Trouble(replace(trouble.plan, faults=()))
    machine = judge.machine
    follow = scenario.detail[0] if scenario.detail else scenario.command
    ended = judge.run(follow, hidden, config)
    machine.wait(300)
    if follow == "teardown" and ended.ok:
        judge.world(scenario.after(follow), "after a teardown that said nothing is left")
    settle(judge, follow, scenario.after(follow), config)


def damage(judge: Judge, scenario: Scenario) -> None:
    """The state has suffered before the command: one clear error, or it is rebuilt; never a second stack."""
    what, disk, name = scenario.detail[0], judge.machine.disk, f"{STACK}.json"
    judge.run(scenario.command, scenario.troubles[0], edited(scenario.edit))
    data = disk.read(name) or b""
    if not data:
        return
    before = oracles.reading(judge.machine.warm)
    match what:
        case "missing":
            disk.remove(name)
        case "torn":
            disk.write(name, data[: len(data) // 2])
        case "flipped":
            disk.write(name, data[:40] + bytes([data[40] ^ 0x80]) + data[41:])
        case "empty":
            disk.write(name, b"")
        case "newer":
            disk.write(name, data.replace(b'"schema": 1', b'"schema": 99'))
        case "older":
            disk.write(name, data.replace(b'"schema": 1', b'"schema": 0'))
        case "foreign":
            disk.write(name, data.replace(b'"account": "123456789012"', b'"account": "999999999999"'))
        case "journal torn":
            disk.write(f"{STACK}.journal", b'{"do": "intend", "step": "vpc", "oper')
        case "backup damaged":
            disk.write(f"{name}.bak", data[:7])
    ended = judge.run(scenario.command, None, edited(scenario.edit))
    if not ended.ok and not nothing_to_do(ended):
        if ended.mutations or not ended.messages or oracles.differences(oracles.reading(judge.machine.warm), before):
            judge.failures.append(f"O4: changed things although the state is {what}: {ended.messages}")
        disk.remove(name)  # what the hint says
    settle(judge, scenario.command, scenario.leads_to, edited(scenario.edit))


def race(judge: Judge, scenario: Scenario) -> None:
    """Two processes at once: one works, the other is told who is at work; never do both change things."""
    delay = float(scenario.detail[1])
    first, second = (*scenario.troubles, Trouble())[:2]
    machine = judge.machine
    ended = machine.race([(scenario.command, first, 0.0), (scenario.detail[0], second, delay)])
    for one in ended:
        judge.after(one)
    spans = [(min(one.changed_at), max(one.changed_at)) for one in ended if one.changed_at]
    if len(spans) == 2 and max(spans[0][0], spans[1][0]) < min(spans[0][1], spans[1][1]):
        judge.failures.append(f"O2: both changed things at the same time: {spans}")
    for one in ended:
        if not one.ok and not one.crashed and not any("is being worked on by" in said for said in one.messages):
            judge.failures.append(f"O8: {one.command} exit {one.code}: {one.messages}")
    last = "deploy" if scenario.detail[0] == "deploy" else scenario.command
    settle(judge, last, LEADS_TO[last], edited(""))


def drift(judge: Judge, scenario: Scenario) -> None:
    """Somebody meddled: `plan` says so, `provision` repairs it or refuses it by name, and `teardown` stays honest."""
    what, expected = scenario.detail
    machine = judge.machine
    meddle = MEDDLINGS[what][0]
    machine.meddle(lambda: meddle(machine.warm))
    machine.wait(60)
    before = oracles.reading(machine.warm)
    seen = judge.run("plan")
    changes = [line.name for line in seen.result.report.changes] if seen.result else []
    if (expected != "unseen") != bool(changes or not seen.ok):
        judge.failures.append(f"O3: the plan names {changes}: {seen.messages}")
    ended = judge.run("provision")
    match expected:
        case "repaired":
            if not ended.ok:
                judge.failures.append(f"O3: not repaired: {ended.messages}")
            settle(judge, "provision", "made", edited(""))
        case "unseen":
            if not ended.ok or ended.mutations:
                judge.failures.append(f"O5: {ended.mutations} changes, exit {ended.code}: {ended.messages}")
        case "refused":
            if ended.ok or not ended.messages:
                judge.failures.append("O8: not refused")
            judge.failures += [f"O5: {one}" for one in oracles.differences(oracles.reading(machine.warm), before)]
            if what.startswith("second"):  # two there are, by the scenario's own doing; and both must be named
                judge.failures = [one for one in judge.failures if not one.startswith("O2")]
                if not any("both carry the tags" in said for said in ended.messages):
                    judge.failures.append(f"O8: does not name both: {ended.messages}")


def clean(judge: Judge, scenario: Scenario) -> None:
    """Nobody meddled: a plan that says otherwise is a false alarm."""
    config = edited(scenario.edit)
    ended = judge.run("plan", None, config)
    if not ended.ok or ended.result.report.changes:
        judge.failures.append(f"O3: false alarm: {ended.result and ended.result.report.changes} {ended.messages}")
    again = judge.run(scenario.command, None, config)
    if not again.ok or again.mutations:
        judge.failures.append(f"O3: {again.mutations} changes, exit {again.code}: {again.messages}")


def program(judge: Judge, scenario: Scenario) -> None:
    """Commands one after the other, with edits and losses between them and trouble in each; then all is undone."""
    edit = ""
    for what, trouble in zip(scenario.detail, scenario.troubles, strict=True):
        word, _, argument = what.partition(":")
        match word:
            case "edit":
                edit = argument
            case "lose-state":
                judge.machine.disk.remove(f"{STACK}.json")
            case "wait":
                judge.machine.wait(float(argument))
            case "together":
                for one in judge.machine.race([(argument, trouble, 0.0), (argument, Trouble(), 1.0)], edited(edit)):
                    judge.after(one)
            case _:
                judge.run(word, trouble, edited(edit))
    judge.machine.wait(200)  # until AWS shows everything
    if "deploy" in scenario.detail:
        _without_models(judge, edit)
    settle(judge, "provision", f"made:{edit}" if edit else "made", edited(edit))
    if not judge.failures:
        settle(judge, "teardown", "empty", edited(edit))


def _without_models(judge: Judge, edit: str) -> None:
    """Take the models off again: the worlds to compare with have none."""
    judge.run("provision", None, edited(edit))
    gone = judge.run("undeploy", None, edited(edit))
    if not gone.ok and not nothing_to_do(gone):
        judge.failures.append(f"O3: undeploy failed with {gone.code}: {gone.messages}")


def beside(judge: Judge, scenario: Scenario) -> None:
    """A crash, perhaps the state lost too; neither run touches a neighbour, and each of them answers for itself."""
    judge.run(scenario.command, scenario.troubles[0], edited(scenario.edit))
    if "lose-state" in scenario.detail:
        for name in (f"{STACK}.json", f"{STACK}.json.bak", f"{STACK}.journal"):
            judge.machine.disk.remove(name)
        judge.machine.wait(200)  # until AWS shows everything: with the state, what was about to be made is forgotten
    settle(judge, scenario.command, scenario.leads_to, edited(scenario.edit))
    found: list[str] = []
    judge.machine.meddle(lambda: found.extend(unsettled(judge.machine.warm)))
    judge.failures += [f"O5: {one}" for one in found]


PLAYS: dict[str, Callable[[Judge, Scenario], None]] = {
    "once": once,
    "lagging": lagging,
    "damage": damage,
    "race": race,
    "drift": drift,
    "clean": clean,
    "program": program,
    "beside": beside,
}
