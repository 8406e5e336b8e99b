"""The whole product on the emulated account, in virtual time, with as many processes as a test wants to start.

A *process* is what `provision` or `teardown` would be if it were started anew: it remembers nothing but the state
file. Its calls are on `tape`; `world()` reads the account beside it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from eksprov.aws.inventory import Inventory
from eksprov.aws.session import Aws
from eksprov.config.schema import Config
from eksprov.core.convergence.pace import Clock
from eksprov.core.step import Owner
from eksprov.local.aws.emulator import LocalAws
from eksprov.local.aws.inprocess import emulated_aws
from eksprov.operations.commands.provision import Report, provision
from eksprov.operations.commands.teardown import Teardown, teardown
from eksprov.operations.stack import Opened, Stack, open_stack
from eksprov.state.codec import decode, encode
from eksprov.state.record import State
from eksprov.steps.catalog import model_association, model_role
from support.account import REGION, Account
from support.calls import Crash, Side
from support.clock import VirtualClock
from support.kubernetes import EmptyKube, StillKubernetes
from support.memory_journal import MemoryJournal
from support.models import TINY_MODEL
from support.prices import PRODUCTS
from support.world import world

QUICK_START = Path(__file__).parents[2] / "eksprov.yaml"
STACK_ID = "5ac1a1d5ac1a1d00"
MODEL = "digits"
FAST = 200.0  # latencies are over by the second reading; what polling costs is not these tests matter
EVERYTHING = ("everything", "ipv6", "karpenter", "auto-mode")
BEGINNING = 1_800_000_000.0  # of the world's clock, seconds since the epoch


@cache
def project() -> Path:
    """A project folder of the quick start with a file in the model's place: nobody opens it here."""
    folder = Path(tempfile.mkdtemp(prefix="eksprov-project-"))
    model = folder / "examples" / "digits" / "model"
    model.mkdir(parents=True)
    (model / "model.joblib").write_bytes(TINY_MODEL)
    return folder


def quick_start() -> Config:
    """The config that ships with the project."""
    data = yaml.safe_load(QUICK_START.read_text())
    return Config.model_validate_json(json.dumps(data))


def everything(name: str = "everything") -> Config:
    """Every optional capability that can live in one stack; or what excludes these, by the name of a file here."""
    data = yaml.safe_load((Path(__file__).parent / f"{name}.yaml").read_text())
    return Config.model_validate_json(json.dumps(data))


def reserve(emulator: LocalAws, config: Config, where: str = "", kind: str = "") -> None:
    """Somebody has bought what the config's node groups are to be launched into."""
    for group in config.node_groups:
        if group.capacity_reservation_id:
            usual = "capacity-block" if group.capacity_type == "CAPACITY_BLOCK" else "default"
            zone = where or next(iter(group.zone_ids), "usw2-az1")
            more = {"CapacityReservationId": group.capacity_reservation_id, "ReservationType": kind or usual}
            emulator.reservations.add(config.region, zone, group.instance_types[0], 8, **more)


class MemoryStore:
    """A state file without a disk; what is loaded went through the codec."""

    def __init__(self, stack: str) -> None:
        self._stack, self._data = stack, b""
        self.saves = 0

    def load(self) -> State | None:
        """As from a file."""
        return decode(self._data, "memory", self._stack) if self._data else None

    def save(self, state: State) -> None:
        """As to a file."""
        self._data, self.saves = encode(state), self.saves + 1

    def forget(self) -> None:
        """As if the file were deleted."""
        self._data = b""

    def lock(self, command: str) -> AbstractContextManager[None]:
        """Nobody else is there."""
        return nullcontext()

    def where(self) -> str:
        """Not on disk."""
        return "memory"


@dataclass
class Stage:
    """One emulated account and one state file."""

    account: Account
    emulator: LocalAws
    clock: Clock
    config: Config
    store: MemoryStore
    kubernetes: StillKubernetes
    baseline: Mapping[str, list[str]] = field(default_factory=dict)
    minted: list[str] = field(default_factory=list)
    journal: MemoryJournal = field(default_factory=MemoryJournal)

    @property
    def tape(self) -> Any:
        """The calls of the processes since it was rewound."""
        return self.account.tape

    def process(self, config: Config | None = None) -> Stack:
        """A new process over the same state file; its calls begin at one."""
        config = config or self.config
        tags = tuple(sorted(config.tags.items()))
        aws = self.account.aws(Owner(config.name, ""), clock=self.clock, inventory=Inventory(), extra_tags=tags)
        return Stack(
            config=config,
            project=QUICK_START.parent,
            aws=aws,
            store=self.store,
            journal=self.journal,
            clock=self.clock,
            kube=lambda _name, outputs: self.kubernetes.apis.get(outputs["arn"]) or EmptyKube(),
            workers=1,
            mint=self._mint,
        )

    def opened(self, config: Config | None = None, *, mint: bool = True) -> Opened:
        """A process that has opened its stack; with what a model has in AWS, so that every kind is there."""
        opened = open_stack(self.process(config), mint=mint)
        used, settled = opened.stack.config, opened.settled
        role = model_role(used, settled, MODEL)
        association = model_association(used, MODEL, "models", MODEL)
        return replace(opened, steps=(*opened.steps, role, association))

    def provision(self, config: Config | None = None) -> Report:
        """`eksprov provision`."""
        self.tape.rewind(self.tape.crash_at, self.tape.side)
        return provision(self.opened(config))

    def teardown(self, config: Config | None = None, *, delete_retained: bool = False) -> Teardown:
        """`eksprov teardown --yes`."""
        self.tape.rewind(self.tape.crash_at, self.tape.side)
        return teardown(self.opened(config, mint=False), delete_retained=delete_retained)

    def survives(self, command: Callable[[], Any], crash_at: int, side: Side) -> bool:
        """Whether a process ended by itself although it was to crash at this mutating call (it makes fewer)."""
        self.tape.rewind(crash_at, side)
        try:
            command()
        except Crash:
            return False
        else:
            return True
        finally:
            self.tape.rewind()

    def aws(self, owner: Owner) -> Aws:
        """A bare connection."""
        return self.account.aws(owner, clock=self.clock, inventory=Inventory())

    def world(self) -> dict[str, list[str]]:
        """What is in the account."""
        return world(self.account.plain)

    def _mint(self) -> str:
        """A new stack id for each incarnation; the first is known."""
        self.minted.append(STACK_ID if not self.minted else f"{len(self.minted):016x}")
        return self.minted[-1]

    def grown(self) -> dict[str, list[str]]:
        """What is in the account that was not there at the beginning."""
        now = self.world()
        return {kind: [item for item in now[kind] if item not in self.baseline[kind]] for kind in now}


class Theatre:
    """Clients are costly and know nothing of the account; they are made once, on the first stage.

    So is the reading of an empty account: each begins as the first one did.
    """

    def __init__(self, region: str = REGION) -> None:
        self.region = region
        self._account: Account | None = None
        self._empty: dict[str, list[str]] = {}

    @contextmanager
    def stage(
        self,
        config: Config | None = None,
        *,
        role_lag: bool = False,
        speed: float = FAST,
        clock: Clock | None = None,
        reserved_in: str = "",
        reserved_as: str = "",
    ) -> Iterator[Stage]:
        """An empty account."""
        clock, kubernetes = clock or VirtualClock(BEGINNING), StillKubernetes()
        config = config or quick_start()
        with emulated_aws(kubernetes, clock.now, speed, role_lag=role_lag, products=PRODUCTS) as emulator:
            if self._account is None:
                self._account = Account(self.region)
            self._account.tape.rewind()
            stage = Stage(self._account, emulator, clock, config, MemoryStore(config.name), kubernetes)
            reserve(emulator, config, reserved_in, reserved_as)
            self._empty = self._empty or stage.world()
            yield replace(stage, baseline=self._empty)
