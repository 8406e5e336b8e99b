"""What rows R1, R3, R7 and R8 play beyond the quick start: the stacks that have every kind, once for each operation
that no command on the quick start asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from eksprov.local.faults.plan import Fate, Fault, FaultPlan
from simulator.looking import COMMANDS, WHOLE_COMMANDS, Looking, Seen
from simulator.scenario import Scenario
from simulator.trouble import Trouble
from simulator.wholes import WHOLES

SEED = 151
LONG_S = 2400.0


def r1(look: Looking) -> Iterator[Scenario]:
    """A crash before a call, after AWS has done it, after the answer, after the record."""
    for seen, n, name in _news(look, lambda seen: seen.changes):
        for kind in ("crash", "crash-after"):
            plan = FaultPlan(faults=(Fault(kind, at=n, mutating=True),))
            yield seen.scenario("R1", f"{kind} at {name} ({n})", Trouble(plan), limit_s=LONG_S)
        for where in ("replied", "recorded"):
            trouble = Trouble(crash_at=n, crash_where=where)
            yield seen.scenario("R1", f"crash when {name} ({n}) is {where}", trouble, limit_s=LONG_S)


def r3(look: Looking) -> Iterator[Scenario]:
    """The answer is lost."""
    for seen, n, name in _news(look, lambda seen: seen.changes):
        for kind in ("drop", "hang-after", "fail-after"):
            plan = FaultPlan(faults=(Fault(kind, at=n, mutating=True),))
            yield seen.scenario("R3", f"{kind} at {name} ({n})", Trouble(plan), limit_s=LONG_S)


def r7(look: Looking) -> Iterator[Scenario]:
    """A cluster and an add-on that end badly, with everything round them."""
    for name in WHOLES:
        for fate in (Fate("cluster", "InternalFailure"), Fate("addon", "AdmissionRequestDenied")):
            plan = FaultPlan(fates=(fate,))
            said = f"{fate.of}: {fate.code}"
            yield look.at(f"create {name}", SEED).scenario("R7", said, Trouble(plan), limit_s=LONG_S)


def r8(look: Looking) -> Iterator[Scenario]:
    """The caller may not."""
    for seen, n, name in _news(look, lambda seen: [call.rstrip("!") for call in seen.calls]):
        if not name.startswith("Kube"):
            plan = FaultPlan(faults=(Fault("refuse", at=n, times=1, code="denied"),))
            yield seen.scenario("R8", f"denied at {name} ({n})", Trouble(plan), limit_s=LONG_S)


def _news(look: Looking, asked: Callable[[Seen], list[str]]) -> Iterator[tuple[Seen, int, str]]:
    """The first of each operation that the quick start, and the stacks before, do not have."""
    met = {name for phase in COMMANDS for name in asked(look.at(phase, 11))}
    for phase in WHOLE_COMMANDS:
        seen = look.at(phase, SEED)
        for n, name in enumerate(asked(seen), 1):
            if name not in met:
                met.add(name)
                yield seen, n, name
