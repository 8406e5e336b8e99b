"""Carries a fault plan out: stands round the emulator and sees every request before and after it is answered.

It wraps the one function through which all services of moto are answered. (A handler of botocore's `before-send` would
not do: all handlers run, so moto carries a call out although another handler has already refused it.) Calls are sent
again by botocore itself, as always; each sending counts as a call.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NoReturn

from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from moto.core.models import botocore_stubber

from eksprov.local.aws.conditions import USUAL
from eksprov.local.aws.emulator import LocalAws
from eksprov.local.faults import wire
from eksprov.local.faults.buckets import Buckets
from eksprov.local.faults.fates import Fates
from eksprov.local.faults.lag import Hiding
from eksprov.local.faults.plan import Fault, FaultPlan

CarryOut = Callable[[], Any]
READ_TIMEOUT_S = 30.0
AFTER = frozenset({"crash-after", "drop", "hang-after", "fail-after", "twice", "garble"})


class Crash(BaseException):
    """The process ends here; no `except Exception` stands in the way."""


def _crash(fault: Fault) -> NoReturn:
    raise Crash(fault.kind)


class Faults:
    """One plan over one account. `sleep` lets the world's time pass; `crash` ends the caller.

    `struck` tells which faults have come, and at which operation. `hiding`: what an earlier plan still hides.
    """

    def __init__(
        self,
        world: LocalAws,
        plan: FaultPlan,
        region: str,
        sleep: Callable[[float], object],
        crash: Callable[[Fault], object] = _crash,
        hiding: Hiding | None = None,
    ) -> None:
        self._world, self.plan, self._sleep, self._crash = world, plan, sleep, crash
        self._chance = random.Random(f"faults {plan.seed}")
        self._seen = [0] * len(plan.faults)
        self.hiding = hiding or (Hiding(world, plan.lag, region, self._chance) if plan.lag else None)
        self._fates = Fates(world, plan.fates, region)
        self.buckets = Buckets() if plan.buckets else None
        self._late: list[tuple[float, CarryOut]] = []
        self.struck: list[tuple[str, str]] = []
        if plan.conditions != USUAL:
            world.rule(plan.conditions)

    def around(self, call: wire.Asked, carry_out: CarryOut) -> Any:
        """Answer one request, or fail to."""
        self._deliver_late()
        self._fates.enforce()
        fault = self._due(call)
        if self.plan.noise and self._chance.random() < self.plan.noise:
            return wire.slower(call.service)
        if self.buckets is not None and not self.buckets.takes(call, self._world.now()):
            return wire.slower(call.service)
        if fault is not None and fault.kind not in AFTER:
            return self._before(call, fault)
        answer = self._carried_out(call, carry_out)
        if fault is not None:
            return self._after(call, fault, carry_out, answer)
        return answer

    def _carried_out(self, call: wire.Asked, carry_out: CarryOut) -> Any:
        with ExitStack() as stack:
            if self.hiding is not None:
                stack.enter_context(self.hiding.around(call))
            answer = carry_out()
        if call.mutating and answer is not None and answer[0] < 300:
            if self.hiding is not None:
                self.hiding.note(call)
            self._fates.note(call)
        return answer

    def _before(self, call: wire.Asked, fault: Fault) -> Any:
        match fault.kind:
            case "crash":
                self._crash(fault)
            case "reset":
                raise ConnectionClosedError(endpoint_url=call.path)
            case "hang":
                self._sleep(READ_TIMEOUT_S)
                raise ReadTimeoutError(endpoint_url=call.path)
        return wire.refused(call.service, fault.code, fault.message, fault.status)

    def _after(self, call: wire.Asked, fault: Fault, carry_out: CarryOut, answer: Any) -> Any:
        match fault.kind:
            case "crash-after":
                self._crash(fault)
            case "drop":
                raise ConnectionClosedError(endpoint_url=call.path)
            case "hang-after":
                self._sleep(READ_TIMEOUT_S)
                raise ReadTimeoutError(endpoint_url=call.path)
            case "fail-after":
                return wire.refusal(call.service, fault.code or "InternalError", "An internal error has occurred", 500)
            case "garble":
                return 200, {}, fault.message.encode()
            case "twice" if fault.delay_s:
                self._late.append((self._world.now() + fault.delay_s, lambda: self._carried_out(call, carry_out)))
            case "twice":
                self._carried_out(call, carry_out)
        return answer

    def _due(self, call: wire.Asked) -> Fault | None:
        """The first fault that strikes this call; every fault counts it."""
        found: Fault | None = None
        for index, fault in enumerate(self.plan.faults):
            if not fault.fits(call.operation, mutating=call.mutating):
                continue
            self._seen[index] += 1
            since = self._seen[index] - fault.at
            if since >= 0 and (not fault.times or since < fault.times) and found is None:
                found = fault
                self.struck.append((fault.kind, call.operation))
        return found

    def _deliver_late(self) -> None:
        due = [again for at, again in self._late if at <= self._world.now()]
        self._late = [(at, again) for at, again in self._late if at > self._world.now()]
        for again in due:
            again()


@contextmanager
def injected(around: Callable[[wire.Asked, CarryOut], Any]) -> Iterator[None]:
    """Have every request of this process's emulator go through `around`; inside `emulated_aws`."""
    inner = botocore_stubber.process_request

    def process_request(request: Any) -> Any:
        return around(wire.asked(request), lambda: inner(request))

    botocore_stubber.process_request = process_request  # type: ignore[method-assign]  # for this block only
    try:
        yield
    finally:
        botocore_stubber.process_request = inner  # type: ignore[method-assign]  # as it was
