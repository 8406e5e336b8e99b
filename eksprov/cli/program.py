"""What every command is given: a console, the stack once it asks for it, and the operations to have done.

`cli.main` puts the real ones together; a test brings its own, which keep to the same protocols.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from eksprov.cli.console import Console

if TYPE_CHECKING:
    from eksprov.cli.session import Session
    from eksprov.config.schema import Config
    from eksprov.core.plan import Plan
    from eksprov.operations.commands.costs import Forecast
    from eksprov.operations.commands.model_logs import Which
    from eksprov.operations.commands.models import Deployed
    from eksprov.operations.commands.provision import Report
    from eksprov.operations.commands.removal import Removal
    from eksprov.operations.commands.status import StepStatus
    from eksprov.operations.commands.teardown import Teardown
    from eksprov.operations.serving.states import Listed
    from eksprov.operations.stack import Opened
    from eksprov.pins.lockfile import Pins
    from eksprov.preflight.findings import Findings
    from eksprov.serving.requests.invoke import Answer
    from eksprov.serving.requests.rows import Given
    from eksprov.state.store import StateStore


class Operations(Protocol):
    """The functions of `eksprov.operations` that look at the world or change it."""

    def make_plan(self, opened: Opened, /) -> Plan: ...

    def offline_plan(self, config: Config, store: StateStore, pins: Pins, /) -> Plan: ...

    def look_ahead(self, opened: Opened, plan: Plan, prices_file: Path, /) -> Forecast: ...

    def look_ahead_offline(
        self, config: Config, project: Path, store: StateStore, pins: Pins, plan: Plan, /
    ) -> Forecast: ...

    def cost(self, opened: Opened, prices_file: Path, /) -> Forecast: ...

    def cost_offline(self, config: Config, store: StateStore, pins: Pins, /) -> Forecast: ...

    def find(self, opened: Opened, prices_file: Path, /) -> Findings: ...

    def provision(self, opened: Opened, /) -> Report: ...

    def removal(self, opened: Opened, /, *, delete_retained: bool) -> Removal: ...

    def teardown(self, opened: Opened, /, *, delete_retained: bool) -> Teardown: ...

    def statuses(self, opened: Opened, /) -> tuple[StepStatus, ...]: ...

    def plan_models(self, opened: Opened, names: Sequence[str], /) -> Plan: ...

    def deploy(self, opened: Opened, names: Sequence[str], /) -> Deployed: ...

    def undeployment(self, opened: Opened, names: Sequence[str], /) -> dict[str, int]: ...

    def undeploy(self, opened: Opened, names: Sequence[str], /) -> Report: ...

    def listed(self, opened: Opened, /) -> tuple[Listed, ...]: ...

    def logs(
        self, opened: Opened, namespace: str, name: str, which: Which, /
    ) -> tuple[tuple[str, ...], Iterator[tuple[str, str]]]: ...

    def invoke(self, opened: Opened, namespace: str, name: str, given: Given | None, timeout_s: float, /) -> Answer: ...


@dataclass(frozen=True)
class Program:
    """See the module. `session` is called once a command needs the config. Raises: ConfigError."""

    console: Console
    session: Callable[[], Session]
    operations: Operations
