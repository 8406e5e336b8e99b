"""What rows R1 to R8 and R11 play beyond the quick start: the stacks that have every kind, once for each operation
that no command on the quick start asks for; or by seed (R2, R11, the lags of R6).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace

from eksprov.local.faults.plan import Fate, Fault, FaultPlan, Lag
from simulator.full_stacks import WHOLES
from simulator.recording import COMMANDS, WHOLE_COMMANDS, Looking, Seen, some_crash
from simulator.rows_calls import SENT_ONCE
from simulator.scenario import Scenario
from simulator.trouble import Trouble

SEED = 151
LONG_S = 2400.0


def r1(look: Looking, seeds: int) -> Iterator[Scenario]:
    """A crash before a call, after AWS has done it, after the answer, after the record."""
    del seeds
    for seen, n, name in _news(look, lambda seen: seen.changes):
        for kind in ("crash", "crash-after"):
            plan = FaultPlan(faults=(Fault(kind, at=n, mutating=True),))
            yield seen.scenario("R1", f"{kind} at {name} ({n})", Trouble(plan), limit_s=LONG_S)
        for where in ("replied", "recorded"):
            trouble = Trouble(crash_at=n, crash_where=where)
            yield seen.scenario("R1", f"crash when {name} ({n}) is {where}", trouble, limit_s=LONG_S)


def r2(look: Looking, seeds: int) -> Iterator[Scenario]:
    """A crash, and another one while the next run makes it good."""
    chance = random.Random("R2, every kind")
    phases = list(WHOLE_COMMANDS)
    for number in range(max(len(phases), seeds // 20)):
        seen = look.at(phases[number % len(phases)], SEED)
        pair = (some_crash(chance, seen), some_crash(chance, seen))
        yield replace(seen.scenario("R2", f"pair {number}", pair[0], limit_s=LONG_S), troubles=pair)


def r3(look: Looking, seeds: int) -> Iterator[Scenario]:
    """The answer is lost."""
    del seeds
    for seen, n, name in _news(look, lambda seen: seen.changes):
        for kind in ("drop", "hang-after", "fail-after"):
            plan = FaultPlan(faults=(Fault(kind, at=n, mutating=True),))
            yield seen.scenario("R3", f"{kind} at {name} ({n})", Trouble(plan), limit_s=LONG_S)


def r4(look: Looking, seeds: int) -> Iterator[Scenario]:
    """The network delivers a call twice."""
    del seeds
    for seen, n, name in _news(look, lambda seen: seen.changes):
        if name not in SENT_ONCE:
            for delay in (0.0, 5.0):
                plan = FaultPlan(faults=(Fault("twice", at=n, mutating=True, delay_s=delay),))
                said = f"{name} ({n}) twice, {delay:.0f} s apart"
                yield seen.scenario("R4", said, Trouble(plan), limit_s=LONG_S)


def r5(look: Looking, seeds: int) -> Iterator[Scenario]:
    """Throttling in a burst, a connection reset before AWS sees the call."""
    del seeds
    for seen, n, name in _news(look, lambda seen: [call.rstrip("!") for call in seen.calls]):
        fault = Fault("reset", at=n, times=2) if n % 2 else Fault("refuse", at=n, times=3, code="throttle")
        said, throttled = f"{fault.kind} x{fault.times} at {name} ({n})", fault.kind == "refuse"
        yield seen.scenario("R5", said, Trouble(FaultPlan(faults=(fault,))), must_succeed=throttled, limit_s=LONG_S)


def r6(look: Looking, seeds: int) -> Iterator[Scenario]:
    """What was made is not seen yet, without and with a crash before it."""
    lag = Lag(ec2_s=110, tags_s=110, iam_s=30, usable_s=170)
    for name in WHOLES:
        for number in range(max(1, seeds // 200)):
            plan = FaultPlan(seed=number, lag=lag)
            seen = look.at(f"create {name}", SEED)
            yield replace(seen.scenario("R6", f"lags ({number})", Trouble(plan), limit_s=LONG_S), seed=number)
    for seen, n, name in _news(look, lambda seen: seen.changes):
        crash = Fault("crash-after", at=n, mutating=True)
        plan = FaultPlan(seed=n, lag=replace(lag, flaps=False), faults=(crash,))
        said = f"crash after {name} ({n}), unseen"
        yield seen.scenario("R6", said, Trouble(plan), kind="lagging", limit_s=LONG_S)
        if seen.phase.startswith("create"):
            torn_down = {"kind": "lagging", "detail": ("teardown",), "limit_s": LONG_S}
            yield seen.scenario("R6", f"{said}, teardown", Trouble(plan), **torn_down)


def r7(look: Looking, seeds: int) -> Iterator[Scenario]:
    """A cluster and an add-on that end badly, with everything round them."""
    del seeds
    for name in WHOLES:
        for fate in (Fate("cluster", "InternalFailure"), Fate("addon", "AdmissionRequestDenied")):
            plan = FaultPlan(fates=(fate,))
            said = f"{fate.of}: {fate.code}"
            yield look.at(f"create {name}", SEED).scenario("R7", said, Trouble(plan), limit_s=LONG_S)


def r8(look: Looking, seeds: int) -> Iterator[Scenario]:
    """The caller may not."""
    del seeds
    for seen, n, name in _news(look, lambda seen: [call.rstrip("!") for call in seen.calls]):
        if not name.startswith("Kube"):
            plan = FaultPlan(faults=(Fault("refuse", at=n, times=1, code="denied"),))
            yield seen.scenario("R8", f"denied at {name} ({n})", Trouble(plan), limit_s=LONG_S)


def r11(look: Looking, seeds: int) -> Iterator[Scenario]:
    """Nobody meddled."""
    del look
    for name in WHOLES:
        for number in range(max(1, seeds // 100)):
            yield Scenario("R11", f"{name}: nobody meddled ({number})", number, f"made:{name}", kind="clean", edit=name)


def _news(look: Looking, asked: Callable[[Seen], list[str]]) -> Iterator[tuple[Seen, int, str]]:
    """The first of each operation that the quick start, and the stacks before, do not have."""
    met = {name for phase in COMMANDS for name in asked(look.at(phase, 11))}
    for phase in WHOLE_COMMANDS:
        seen = look.at(phase, SEED)
        for n, name in enumerate(asked(seen), 1):
            if name not in met:
                met.add(name)
                yield seen, n, name
