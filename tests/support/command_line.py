"""A command line at hand: `main` in this process; session, operations, terminal and environment are the test's."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from eksprov import operations
from eksprov.cli import main
from eksprov.cli.console import Console
from eksprov.cli.display.progress import Display
from eksprov.cli.program import Program
from eksprov.cli.session import StackSession
from eksprov.core.change import Action, Change, FieldChange
from eksprov.core.executor import Node
from eksprov.core.outcome import Outcome, Status
from eksprov.core.plan import Plan, Planned
from eksprov.core.step import FoundResource, Owner
from eksprov.cost.estimate import Estimate
from eksprov.operations.commands.costs import Forecast
from eksprov.operations.commands.provision import Report
from eksprov.operations.commands.removal import Removal
from eksprov.operations.commands.teardown import Teardown
from eksprov.pins.lockfile import NONE, Pins
from eksprov.preflight.findings import Findings
from eksprov.state.record import State
from eksprov.steps.leftovers.pieces import Piece

CONFIG = """\
name: digits
region: us-west-2
target: local
node_groups:
  - name: workers
    instance_types: [m7i.large]
    desired_size: 2
"""

PLAN = Plan(
    (
        Planned("vpc", "vpc", "digits", Change(Action.CREATE, reason="does not exist"), description="10.0.0.0/16"),
        Planned("role", "iam-role", "digits-role", Change(Action.NONE)),
        Planned(
            "node-group/workers",
            "node-group",
            "workers",
            Change(
                Action.UPDATE,
                (FieldChange("desired_size", 2, 3), FieldChange("labels", frozenset("b"), frozenset("a"))),
            ),
        ),
        Planned("cluster", "cluster", "digits", Change(Action.REPLACE, reason="failed: no room")),
        Planned("bucket", "bucket", "digits-1", Change(Action.NONE), "exists and is not this stack's"),
        Planned("old", "subnet", "old", Change(Action.DELETE, reason="no longer in the config")),
    ),
    notes=("Kubernetes 1.37 is out",),
)
CHANGES = Plan(tuple(line for line in PLAN.lines if not line.problem))
NO_CHANGES = Plan((Planned("vpc", "vpc", "digits", Change(Action.NONE)),))


def report(*outcomes: Outcome) -> Report:
    """A run of these outcomes."""
    return Report(tuple(outcomes), State(stack="digits"), 34.2)


GOOD = report(
    Outcome("vpc", Status.CREATED, Change(Action.CREATE), {"id": "vpc-1"}, seconds=0.4),
    Outcome("role", Status.UNCHANGED),
)
BAD = report(
    Outcome("cluster", Status.FAILED, message="cluster: no room", hint="make room", seconds=3.0),
    Outcome("workers", Status.SKIPPED, message="needs cluster, which failed"),
)


SIGHTING = FoundResource("vpc", "digits", "vpc-1", Owner("digits", "1", "vpc"))


@dataclass(frozen=True)
class Samples:
    """Plans, reports and a found resource to render."""

    config: str = CONFIG
    plan: Plan = PLAN
    changes: Plan = CHANGES
    no_changes: Plan = NO_CHANGES
    good: Report = GOOD
    bad: Report = BAD
    report: Callable[..., Report] = report
    resource: FoundResource = SIGHTING


@dataclass
class Scripted:
    """A session and the operations in one: answers what it was told to, and notes what it was asked.

    Where an operation is given the opened stack, it is given the display alone.
    """

    plan_is: Plan = PLAN
    report_is: Report = GOOD
    left: tuple[FoundResource, ...] = ()
    swept: tuple[Piece, ...] = ()
    kept: tuple[Piece, ...] = ()
    delete_retained: bool = False
    paid: bool = False
    stopped: bool = False
    raises: BaseException | None = None
    exists: Mapping[str, int] = field(default_factory=lambda: {"vpc": 1, "subnet": 4})
    asked: list[str] = field(default_factory=list)
    during: Callable[[], None] = lambda: None
    config: Any = field(default_factory=lambda: SimpleNamespace(name="digits", models=()))
    place: str = "us-west-2, local world"
    project: Path = Path()
    store: Any = field(default_factory=lambda: SimpleNamespace(load=lambda: None))
    pins: Pins = NONE
    ahead: Forecast = field(default_factory=lambda: Forecast(Estimate((), Decimal(0), ())))
    found: Findings = field(default_factory=Findings)
    opened_with: list[Opened] = field(default_factory=list)

    def _note(self, what: str) -> None:
        self.asked.append(what)
        if self.raises is not None:
            raise self.raises

    @contextlib.contextmanager
    def locked(self, _command: str) -> Iterator[None]:
        yield

    def opened(self, display: Display, *, mint: bool) -> Opened:
        return Opened(self, display)

    def orderly(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def creating(self, _display: Display) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def stop_requested(self) -> bool:
        return self.stopped

    def forget_readings(self) -> None:
        self._note("forget")

    def token_env(self) -> Mapping[str, str]:
        return {}

    def account(self) -> str:
        return "123456789012"

    def release(self) -> bool:
        self._note("release")
        return True

    def make_plan(self, opened: Opened) -> Plan:
        self._note("plan")
        self.opened_with.append(opened)
        return self.plan_is

    def offline_plan(self, *_: Any) -> Plan:
        self._note("offline plan")
        return Plan(self.plan_is.lines, "record")

    def look_ahead(self, *_: Any) -> Forecast:
        return self.ahead

    def look_ahead_offline(self, *_: Any) -> Forecast:
        return self.ahead

    def cost(self, *_: Any) -> Forecast:
        return self.ahead

    def cost_offline(self, *_: Any) -> Forecast:
        self._note("offline plan")
        return self.ahead

    def find(self, *_: Any) -> Findings:
        return self.found

    def provision(self, opened: Opened) -> Report:
        self._note("provision")
        self.opened_with.append(opened)
        display = opened.display
        display.planned([Node(outcome.name, (), 10.0) for outcome in self.report_is.outcomes], ())
        self.during()
        for outcome in self.report_is.outcomes:
            display.started(outcome.name)
            display.finished(outcome)
        return self.report_is

    def removal(self, _opened: Opened, *, delete_retained: bool) -> Removal:
        self._note("removal")
        self.delete_retained = delete_retained
        return Removal(dict(self.exists), self.swept, () if delete_retained else self.kept)

    def teardown(self, _opened: Opened, *, delete_retained: bool) -> Teardown:
        self._note("teardown")
        kept = () if delete_retained else self.kept
        return Teardown(self.report_is, {"vpc": len(self.left), "subnet": 0}, self.left, kept)


@dataclass(frozen=True)
class Opened:
    """As much of an opened stack as commands touch."""

    of: Scripted
    display: Display
    first_choice: bool = False
    steps: tuple[Any, ...] = ()


@dataclass
class Result:
    """What one command line did."""

    code: int
    out: str
    err: str


class CommandLine:
    """Runs command lines as a shell in `folder` would, but without a terminal unless asked."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys

    def __call__(
        self,
        *arguments: str,
        backend: Scripted | None = None,
        typed: Sequence[str] | None = None,
        environ: Mapping[str, str] | None = None,
        called_as: tuple[str, ...] = ("eksprov",),
    ) -> Result:
        answers = iter(typed or ())
        console = Console(
            environ={"HOME": str(self.folder), **(environ or {})},
            called_as=called_as,
            terminal=lambda: typed is not None,
            type_in=lambda _: next(answers),
        )
        scripted: Any = backend  # keeps to the protocols with `Opened` as above
        if scripted is None:
            program = Program(console, lambda: StackSession(console), operations)
        else:
            program = Program(console, lambda: scripted, scripted)
        code = main(list(arguments), program)
        captured = self._capsys.readouterr()
        return Result(code, captured.out, captured.err)
