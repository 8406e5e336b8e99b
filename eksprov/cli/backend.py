"""What commands ask for, over `operations`: one stack, in the world that `wiring` found for it.

Each method is one request and knows nothing of the terminal but the display it is handed. Nothing of AWS is imported
before a method needs it; the world is connected to once.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eksprov import errors
from eksprov.cli.forecasts import Forecasts
from eksprov.cli.models import Models
from eksprov.cli.states import States
from eksprov.cli.wiring import Connection, Place, interpreter, kube_for, place_of

if TYPE_CHECKING:
    from eksprov.aws.session import Aws
    from eksprov.cli.desk import Desk
    from eksprov.cli.progress import Display
    from eksprov.config.schema import Config
    from eksprov.core.plan import Plan
    from eksprov.core.step import AnyStep
    from eksprov.operations.provision import Report
    from eksprov.operations.removal import Removal
    from eksprov.operations.stack import Opened, Stack
    from eksprov.operations.teardown import Teardown
    from eksprov.state.record import State


@dataclass(frozen=True)
class StepStatus:
    """A step as recorded, and as it is now where the world was asked (`live` is empty where it was not)."""

    name: str
    kind: str
    slug: str
    recorded: str
    changed_at: str
    error: str
    live: str = ""


class Backend:
    """One stack. Raises, while it is made: ConfigError, UsageError."""

    def __init__(self, desk: Desk, place: Callable[[Config, Desk], Place] = place_of) -> None:
        self.desk = desk
        self.config = desk.config()
        self.project = desk.settings.config.absolute().parent
        self.models, self.states, self.forecasts = Models(self), States(self), Forecasts(self)
        self.store = self.states.store
        self._place = place(self.config, desk)
        self.adjusted: Callable[[Opened], Opened] = lambda opened: opened  # what one command wants otherwise
        self._connection: Connection | None = None
        self._stack: Stack | None = None

    @property
    def place(self) -> str:
        """Where the stack lives, for people."""
        return f"{self.config.region}, {self._place.name}"

    @property
    def paid(self) -> bool:
        """Whether changes cost money, so that commands ask first."""
        return self._place.paid

    def locked(self, command: str) -> AbstractContextManager[None]:
        """Hold the stack alone. Raises: StateError naming who holds it."""
        return self.store.lock(command) if self.config.state is None else self._locked_afar(command)

    @contextmanager
    def _locked_afar(self, command: str) -> Iterator[None]:
        with ExitStack() as held:
            with self.desk.progress() as display:
                display.doing("taking the stack's lock")
                held.enter_context(self.store.lock(command))
            yield

    def stop_requested(self) -> bool:
        """Whether the user asked the run to stop."""
        return self._stack is not None and self._stack.stopped()

    def recorded(self) -> State | None:
        """What the record knows; AWS is not asked."""
        return self.store.load()

    def plan(self, display: Display) -> Plan:
        """Compare config and world; nothing is written."""
        from eksprov.operations.plan import make_plan

        return make_plan(self.opened(display, mint=False))

    def offline_plan(self) -> Plan:
        """Compare the config with the record alone."""
        from eksprov.operations.plan import offline_plan

        return offline_plan(self.config, self.store, self.desk.pins())

    def forget_readings(self) -> None:
        """Ask the world anew from here on: time has passed."""
        if self._stack is not None:
            self._stack.aws.inventory.forget()

    def provision(self, display: Display) -> Report:
        """Converge everything; the first Ctrl-C ends it in good order."""
        from eksprov.operations.provision import provision

        opened = self.opened(display, mint=True)
        with self._place.creating(display), self.orderly():
            display.doing("reading what is there")
            return provision(opened)

    def removal(self, display: Display, *, delete_retained: bool) -> Removal:
        """What a teardown would take away now, and what it would keep."""
        from eksprov.operations.removal import removal

        return removal(self.opened(display, mint=False), delete_retained=delete_retained)

    def teardown(self, display: Display, *, delete_retained: bool) -> Teardown:
        """Delete everything and read the account again."""
        from eksprov.operations.teardown import teardown

        opened = self.opened(display, mint=False)
        with self.orderly():
            gone = teardown(opened, delete_retained=delete_retained)
        if gone.ok:
            self._drop_context()
        return gone

    def release(self) -> bool:
        """End the local world when no stack is left in it; whether it was ended. A team's bucket may be in it."""
        if self.config.state is not None or self.paid:
            return False
        with self.desk.progress() as display:
            display.doing("ending the local world")
            return self._place.release()

    def status(self, display: Display) -> tuple[StepStatus, ...]:
        """Every recorded step; the cluster, the node groups and the models as they are now."""
        from eksprov.operations.models import states

        opened = self.opened(display, mint=False)
        live = {step.name: _live(step, opened) for step in opened.steps if step.traits.watched} | states(opened)
        kept = (step.name for step in opened.steps if step.traits.recorded)
        names = list(dict.fromkeys((*kept, *opened.state.steps)))
        by_name = {step.name: step for step in opened.steps}
        return tuple(_status(name, by_name.get(name), opened.state, live.get(name, "")) for name in names)

    def outputs(self) -> dict[str, Any]:
        """What users want to know of the stack, from the record. Raises: NotThereError when it has no cluster."""
        from eksprov.kube.kubeconfig import has_entry

        state = self.recorded()
        cluster = _cluster_of(state)
        if state is None or cluster is None:
            raise errors.NotThereError(
                f"nothing is recorded of a cluster of stack {self.config.name!r} in {self.store.where()}",
                "make it with `eksprov provision`",
            )
        path = self.kubeconfig_path()
        written = has_entry(path, self.context, cluster.get("endpoint", ""))
        arns = {name: record.outputs["arn"] for name, record in state.steps.items() if "arn" in record.outputs}
        return {
            "schema": 1,
            "stack": state.stack,
            "account": state.account,
            "region": state.region,
            "cluster_name": cluster.get("name", ""),
            "endpoint": cluster.get("endpoint", ""),
            "kubernetes_version": cluster.get("version", ""),
            "kubeconfig": str(path) if written else None,
            "kubeconfig_context": self.context,
            "kubeconfig_default": str(path),
            "arns": arns,
            "steps": {name: dict(record.outputs) for name, record in state.steps.items()},
        }

    @property
    def context(self) -> str:
        """The name of the stack's kubeconfig entry."""
        return f"eksprov-{self.config.name}"

    def kubeconfig_path(self) -> Path:
        """The file that kubectl reads by default."""
        from eksprov.kube.kubeconfig import default_path

        return default_path(self.desk.environ)

    def kubeconfig(self, path: Path, display: Display, *, select: bool) -> None:
        """Put the cluster's entry into the file. Raises: NotThereError, NoAnswerError where there is no cluster yet."""
        from eksprov.kube.kubeconfig import Entry, write_entry
        from eksprov.operations.api_server import live_cluster

        opened = self.opened(display, mint=False)
        name, cluster = live_cluster(opened)
        assert self._connection is not None
        entry = Entry(
            name=self.context,
            server=cluster["endpoint"],
            ca_data=cluster["certificate_authority"],
            cluster_name=name,
            region=self.config.region,
            python=interpreter(),
            env=self._connection.token_env,
        )
        self.desk.begins(f"{path} may be written")
        write_entry(path, entry, select=select)

    def _drop_context(self) -> None:
        """Take the entry of a cluster that is gone out of the user's kubeconfig; a file that cannot be is left."""
        from eksprov.kube.kubeconfig import remove_entry

        try:
            remove_entry(self.kubeconfig_path(), self.context)
        except errors.EksprovError as error:
            self.desk.log(f"note: the context {self.context} is still in the kubeconfig: {error.message}")

    def orderly(self) -> AbstractContextManager[None]:
        """While inside, the first Ctrl-C ends the run in good order; for after `opened`."""
        return self.desk.interrupts.orderly(self._stop)

    def opened(self, display: Display, *, mint: bool) -> Opened:
        """The stack, its owner settled. Raises: StateError, AccessError."""
        from eksprov.operations.stack import open_stack

        stack = self._connected()
        display.doing(f"looking at stack {self.config.name}")
        if mint:
            self.desk.begins(f"{self.store.where()} may be written")
        return self.adjusted(open_stack(replace(stack, progress=display), mint=mint))

    def aws(self) -> Aws:
        """The world's AWS side, connected to when first asked for."""
        return self._connected().aws

    def stop(self) -> None:
        """Have the run end in good order, as the first Ctrl-C does."""
        self._stop.set()

    def _connected(self) -> Stack:
        if self._stack is None:
            with self.desk.progress() as display:
                self._stack = self._connect(display)
        return self._stack

    def _connect(self, display: Display) -> Stack:
        display.doing("loading")
        # botocore's API models are a million small objects that all stay: collecting among them costs 0.2 s a start.
        gc.set_threshold(50_000, 20, 50)
        from eksprov.aws.session import Aws
        from eksprov.aws.waiting import RealClock
        from eksprov.core.executor import StopFlag
        from eksprov.core.step import Owner
        from eksprov.operations.stack import Stack

        self._stop = StopFlag()
        clock = RealClock(self._stop)
        self._connection = found = self._place.connect(display)
        aws = Aws.connect(
            found.session,
            Owner(self.config.name, ""),
            clock,
            endpoint_url=found.endpoint_url,
            extra_tags=tuple(self.config.tags.items()),
            speed=found.speed,
        )
        return Stack(
            config=self.config,
            project=self.project,
            aws=aws,
            store=self.store,
            journal=self.store.journal(),
            clock=clock,
            kube=kube_for(aws, clock),
            progress=display,
            stopped=lambda: self._stop.is_set() or self.store.lost(),
            preflight=True,
            pins=self.desk.pins(),
        )


def _live(step: AnyStep, opened: Opened) -> str:
    if step is opened.cluster and opened.strange_cluster:
        return "not this stack's"
    have = opened.read(step, fresh=True)
    if have is None:
        return "absent"
    phase = step.phase(have)
    return f"{phase.state.value}: {phase.message}" if phase.message else phase.state.value


def _status(name: str, step: AnyStep | None, state: State, live: str) -> StepStatus:
    record = state.steps.get(name)
    if record is None:
        assert step is not None
        return StepStatus(name, step.kind, step.slug, "not recorded", "", "", live)
    return StepStatus(name, record.kind, record.slug, record.status, record.changed_at, record.error, live)


def _cluster_of(state: State | None) -> Mapping[str, str] | None:
    record = state.steps.get("cluster") if state else None
    return record.outputs if record is not None and record.outputs else None
