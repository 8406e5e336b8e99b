"""One stack as commands have it: its config, its record and lock, its world; nothing is asked before a command asks.

The world is connected to once, and `opened` gives the stack that operations work on. Nothing of AWS is imported before.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from eksprov.cli.console import Console
from eksprov.cli.places import Connection, StackPlace, place_of

if TYPE_CHECKING:
    from eksprov.aws.session import Aws
    from eksprov.cli.display.progress import Display
    from eksprov.config.schema import Config
    from eksprov.core.convergence.pace import Clock
    from eksprov.kube.api import KubeApi
    from eksprov.operations.stack import Opened, Stack
    from eksprov.pins.lockfile import Pins
    from eksprov.state.store import LockedStore


class Session(Protocol):
    """What a command may ask of its stack."""

    config: Config

    @property
    def place(self) -> str:
        """Where it lives, for people: "us-west-2, local world"."""
        ...

    @property
    def paid(self) -> bool:
        """Whether changes cost money, so that commands ask first."""
        ...

    @property
    def project(self) -> Path:
        """The folder of the config, to which its paths are relative."""
        ...

    @property
    def store(self) -> LockedStore:
        """Where the record is kept."""
        ...

    @property
    def pins(self) -> Pins:
        """What the lock file beside the config says."""
        ...

    def locked(self, command: str) -> AbstractContextManager[None]:
        """Hold the stack alone. Raises: StateError naming who holds it."""
        ...

    def opened(self, display: Display, *, mint: bool) -> Opened:
        """The stack, its owner settled; with `mint`, one is recorded where there was none."""
        ...

    def orderly(self) -> AbstractContextManager[None]:
        """While inside, the first Ctrl-C ends the run in good order; for after `opened`."""
        ...

    def creating(self, display: Display) -> AbstractContextManager[None]:
        """While inside, whatever a cluster will need is made ready beside the steps, and shown."""
        ...

    def stop_requested(self) -> bool:
        """Whether the user asked the run to stop."""
        ...

    def forget_readings(self) -> None:
        """Ask the world anew from here on: time has passed."""
        ...

    def token_env(self) -> Mapping[str, str]:
        """What `eksprov token` needs in its environment to reach the same world."""
        ...

    def account(self) -> str:
        """The account that the credentials belong to."""
        ...

    def release(self) -> bool:
        """End the local world when no stack is left in it; whether it was ended."""
        ...


class StackSession:
    """See `Session`. Raises, while it is made: ConfigError, UsageError."""

    def __init__(self, console: Console, place: Callable[[Config, Console], StackPlace] = place_of) -> None:
        self.config = console.settings.read_config()
        self.project = console.settings.config.absolute().parent
        self._console = console
        self._place = place(self.config, console)
        self._connection: Connection | None = None
        self._stack: Stack | None = None

    @property
    def place(self) -> str:
        return f"{self.config.region}, {self._place.name}"

    @property
    def paid(self) -> bool:
        return self._place.paid

    @cached_property
    def store(self) -> LockedStore:
        """The folder beside the config, or the bucket that the config names; nothing is asked yet."""
        from eksprov.state.store import FileStore

        if self.config.state is None:
            return FileStore(self._console.settings.state_folder, self.config.name)
        from eksprov.state.s3_store import S3Store

        return S3Store(
            lambda: self._aws().clients.s3,
            self.config.state,
            self.config.name,
            lambda: (self.account(), self.config.region),
            lost=self.stop,
            say=self._console.log,
        )

    @cached_property
    def pins(self) -> Pins:
        return self._console.settings.pins()

    def locked(self, command: str) -> AbstractContextManager[None]:
        return self.store.lock(command) if self.config.state is None else self._locked_afar(command)

    @contextmanager
    def _locked_afar(self, command: str) -> Iterator[None]:
        with ExitStack() as held:
            with self._console.progress() as display:
                display.doing("taking the stack's lock")
                held.enter_context(self.store.lock(command))
            yield

    def opened(self, display: Display, *, mint: bool) -> Opened:
        """The stack, its owner settled. Raises: StateError, AccessError."""
        from eksprov.operations.stack import open_stack

        stack = self._connected()
        display.doing(f"looking at stack {self.config.name}")
        if mint:
            self._console.begins(f"{self.store.where()} may be written")
        return open_stack(replace(stack, progress=display), mint=mint)

    def orderly(self) -> AbstractContextManager[None]:
        return self._console.interrupts.orderly(self._stop)

    def creating(self, display: Display) -> AbstractContextManager[None]:
        return self._place.creating(display)

    def stop_requested(self) -> bool:
        return self._stack is not None and self._stack.stopped()

    def stop(self) -> None:
        """Have the run end in good order, as the first Ctrl-C does."""
        self._stop.set()

    def forget_readings(self) -> None:
        if self._stack is not None:
            self._stack.aws.inventory.forget()

    def token_env(self) -> Mapping[str, str]:
        self._connected()
        assert self._connection is not None
        return self._connection.token_env

    def account(self) -> str:
        return self._aws().identity().account

    def release(self) -> bool:
        """A team's bucket may be in a local world; then it stays."""
        if self.config.state is not None or self.paid:
            return False
        with self._console.progress() as display:
            display.doing("ending the local world")
            return self._place.release()

    def _aws(self) -> Aws:
        return self._connected().aws

    def _connected(self) -> Stack:
        if self._stack is None:
            with self._console.progress() as display:
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
            kube=_kube(aws, clock),
            progress=display,
            stopped=lambda: self._stop.is_set() or self.store.lost(),
            preflight=True,
            pins=self.pins,
        )


def _kube(aws: Aws, clock: Clock) -> Callable[[str, Mapping[str, str]], KubeApi]:
    """What opens a cluster's API server, given the cluster's name and outputs."""

    def api(cluster: str, outputs: Mapping[str, str]) -> KubeApi:
        from eksprov.kube.client import KubeClient
        from eksprov.kube.token import TokenSource, eks_token

        token = TokenSource(lambda: eks_token(aws.clients.sts, cluster))
        return KubeClient(outputs["endpoint"], outputs["certificate_authority"], token, clock)

    return api
