"""Rows R1 to R5: what may happen to a process and to its calls."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from eksprov.local.faults.plan import Fault, FaultPlan
from simulator.recording import COMMANDS, Looking, some_crash
from simulator.scenario import Scenario
from simulator.trouble import DiskFault, Trouble


def r1(look: Looking, seeds: int) -> Iterator[Scenario]:
    """A crash before a call, after AWS has done it, after the answer, after the record; and at every file operation.

    Of power cuts that leave the same account and the same disk, one is played.
    """
    del seeds
    for phase in COMMANDS:
        seen = look.at(phase, 11)
        calls, files = seen.cuts
        for n in calls:
            crash = Trouble(FaultPlan(faults=(Fault("crash", at=n),)))
            yield seen.scenario("R1", f"crash before {seen.calls[n - 1]} ({n})", crash)
        for n, name in enumerate(seen.changes, 1):
            after = Fault("crash-after", at=n, mutating=True)
            yield seen.scenario("R1", f"crash after {name} ({n}), no answer", Trouble(FaultPlan(faults=(after,))))
            for where in ("replied", "recorded"):
                yield seen.scenario("R1", f"crash when {name} ({n}) is {where}", Trouble(crash_at=n, crash_where=where))
        for n in files:
            cut = Trouble(disk=(DiskFault("crash", n),))
            yield seen.scenario("R1", f"power cut before {seen.files[n - 1]} ({n})", cut)
        for n, name in list(enumerate(seen.files, 1))[::3]:  # what only a kill leaves are files that nobody synced
            kill = Trouble(disk=(DiskFault("crash-after", n),), power=False)
            yield seen.scenario("R1", f"kill after {name} ({n})", kill)


def r2(look: Looking, seeds: int) -> Iterator[Scenario]:
    """A crash, and another one while the next run makes it good."""
    chance = random.Random("R2")
    for number in range(seeds):
        seen = look.at(chance.choice(list(COMMANDS)), 20 + number % 5)
        first, second = some_crash(chance, seen), some_crash(chance, seen)
        yield replace(seen.scenario("R2", f"pair {number}", first), troubles=(first, second), seed=seen.seed)


def r3(look: Looking, seeds: int) -> Iterator[Scenario]:
    """AWS did it, but the answer is lost: the connection drops, hangs until time is up, or says 500."""
    del seeds
    for phase in COMMANDS:
        seen = look.at(phase, 31)
        for n, name in enumerate(seen.changes, 1):
            for kind in ("drop", "hang-after", "fail-after"):
                plan = FaultPlan(faults=(Fault(kind, at=n, mutating=True),))
                yield seen.scenario("R3", f"{kind} at {name} ({n})", Trouble(plan))


def r4(look: Looking, seeds: int) -> Iterator[Scenario]:
    """The network delivers a call twice, at once or late; EC2, EKS and IAM must not be asked for two things by it."""
    del seeds
    for phase in COMMANDS:
        seen = look.at(phase, 41)
        for n, name in enumerate(seen.changes, 1):
            if name in SENT_ONCE:
                continue  # nobody can undo a copy that the network makes of a call without a token
            for delay in (0.0, 5.0):
                plan = FaultPlan(faults=(Fault("twice", at=n, mutating=True, delay_s=delay),))
                yield seen.scenario("R4", f"{name} ({n}) twice, {delay:.0f} s apart", Trouble(plan))


SENT_ONCE = ("CreateVpc", "AllocateAddress", "CreateInternetGateway", "CreateKey")


def r5(look: Looking, seeds: int) -> Iterator[Scenario]:
    """Throttling in bursts, errors of the server, connections reset before AWS sees the call; AWS's own buckets."""
    for phase in COMMANDS:
        seen = look.at(phase, 51)
        for n, name in enumerate(seen.calls, 1):
            kind, times = (("throttle", 3), ("busy", 2), ("throttle", 3), ("reset", 2))[n % 4]
            plan = FaultPlan(faults=(_passing(kind, n, times),))
            # While the call waits to be sent again, the fault's second time strikes whichever comes next.
            struck = {each.rstrip("!") for each in seen.calls[n - 1 : n - 1 + times]}
            unsure = kind != "throttle" and not struck.isdisjoint(SENT_ONCE)
            yield seen.scenario("R5", f"{kind} x{times} at {name} ({n})", Trouble(plan), must_succeed=not unsure)
    for number in range(max(1, seeds // 10)):
        seen = look.at(list(COMMANDS)[number % 3], 52)
        plan = FaultPlan(seed=number, buckets=True, noise=0.01)
        yield replace(seen.scenario("R5", f"1 % throttled ({number})", Trouble(plan), must_succeed=True), seed=number)


def _passing(kind: str, at: int, times: int) -> Fault:
    if kind == "reset":
        return Fault("reset", at=at, times=times)
    if kind == "busy":
        return Fault("refuse", at=at, times=times, code="InternalError", message="try again", status=503)
    return Fault("refuse", at=at, times=times, code="throttle")
