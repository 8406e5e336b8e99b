"""What a session sends to AWS, and a crash at the n-th call that changes something.

Handlers are registered on the session before its clients are made. `Crash` is a BaseException: no `except Exception`
of the code under test can swallow it, just as none survives `kill -9`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Literal

from botocore.exceptions import ConnectionClosedError

READING = ("Describe", "List", "Get", "Head", "Lookup", "BatchGet", "Search", "Simulate")
READING_TOO = frozenset({"AssumeRole"})


Side = Literal["before", "after", "lost"]


class Crash(BaseException):
    """The process ended here."""


@dataclass(frozen=True)
class Call:
    """One call as the code under test made it (botocore's own re-sending is not seen)."""

    service: str
    operation: str
    params: dict[str, Any]

    @property
    def mutating(self) -> bool:
        """Whether it may change something."""
        return not self.operation.startswith(READING) and self.operation not in READING_TOO


@dataclass
class Tape:
    """Every call of a session, in order; ends the process at the n-th mutating one when told to.

    `crash_at` counts from 1. "before": the process ends before AWS sees the call; "after": when AWS has done it;
    "lost": the process lives, but the connection breaks when AWS has done it, and botocore may send the call again.
    """

    crash_at: int = 0
    side: Side = "before"
    calls: list[Call] = field(default_factory=list)
    crashed_in: str = ""
    refusals: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def rewind(self, crash_at: int = 0, side: Side = "before") -> None:
        """Begin again, as a new process would."""
        self.calls, self.crash_at, self.side, self.crashed_in = [], crash_at, side, ""
        self.refusals.clear()

    def refuse(self, operation: str, code: str, message: str = "", times: int = 1) -> None:
        """Answer the next calls of an operation with an error that AWS never saw."""
        self.refusals.setdefault(operation, []).extend([(code, message or code)] * times)

    def listen(self, session: Any) -> Tape:
        """Hear every call of the clients that `session` (boto3) makes from now on."""
        session.events.register("provide-client-params.*.*", self._asked)
        session.events.register("before-call.*.*", self._about_to)
        session.events.register("after-call.*.*", self._answered)
        session.events.register_last("before-send", self._sent)
        return self

    @property
    def mutating(self) -> list[Call]:
        """The calls that may have changed something."""
        return [call for call in self.calls if call.mutating]

    @property
    def reads(self) -> list[Call]:
        """The others."""
        return [call for call in self.calls if not call.mutating]

    def _asked(self, params: Any, model: Any, **_: Any) -> None:
        with self._lock:
            service = model.service_model.service_name
            self.calls.append(Call(service, model.name, dict(params)))

    def _about_to(self, model: Any, **_: Any) -> Any:
        self._maybe_crash("before", model.name)
        if not self.refusals.get(model.name):
            return None
        code, message = self.refusals[model.name].pop(0)
        error = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"RequestId": "req-1"}}
        return SimpleNamespace(status_code=400), error

    def _answered(self, model: Any, **_: Any) -> None:
        self._maybe_crash("after", model.name)

    def _sent(self, request: Any, event_name: str, **_: Any) -> None:
        """Runs after the emulator, which is a handler of the same event, has carried the call out."""
        if self._is_now("lost") and not self.crashed_in:
            self.crashed_in = event_name.rsplit(".", 1)[-1]
            raise ConnectionClosedError(endpoint_url=request.url)

    def _maybe_crash(self, side: Side, operation: str) -> None:
        if self._is_now(side):
            self.crashed_in = operation
            raise Crash(f"{side} {operation}")

    def _is_now(self, side: Side) -> bool:
        return bool(
            self.crash_at and side == self.side and self.calls[-1].mutating and len(self.mutating) == self.crash_at
        )
