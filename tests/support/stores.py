"""Processes that share one stack's state: in a folder, in S3 from memory, or in moto's S3."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eksprov.state.holder import Me
from eksprov.state.record import Record, State
from eksprov.state.s3_store import S3Store
from eksprov.state.store import FileStore, LockedStore

STATE = State(
    stack="demo",
    stack_id="00ff",
    account="123456789012",
    region="us-west-2",
    choices={"kubernetes_version": "1.36"},
    steps={"vpc": Record("vpc", "demo-vpc", status="ready", outputs={"id": "vpc-1"}, needs=("a",), outlives=("b",))},
)
URL = "s3://team/stacks/eks"
PLACE = ("123456789012", "us-west-2")
BELOW = f"stacks/eks/{PLACE[0]}/{PLACE[1]}/"
BEGINNING = 1_800_000_000.0


@dataclass
class HandClock:
    """Time that a test moves; renewing threads end at once, tests renew by hand. `skew` is this process's error."""

    time: list[float] = field(default_factory=lambda: [BEGINNING])
    skew: float = 0.0

    def utc(self) -> float:
        """Seconds since the epoch, as this process believes."""
        return self.time[0] + self.skew

    def wait(self, over: threading.Event, seconds: float) -> bool:
        """No thread stays."""
        return True

    def skewed(self, seconds: float) -> HandClock:
        """The same time, seen by a machine whose clock is wrong."""
        return HandClock(self.time, seconds)


@dataclass
class Machines:
    """Which processes live, as their hosts would say."""

    dead: set[int] = field(default_factory=set)

    def me(self, pid: int, host: str = "laptop") -> Me:
        """A process."""
        return Me("ana", host, pid, lambda other: other not in self.dead)


@dataclass
class Shop:
    """A place for states; `process(pid)` is a process that keeps the stack `demo` there, `raw()` all it has stored."""

    process: Callable[..., LockedStore]
    raw: Callable[[], dict[str, bytes]]
    write: Callable[[str, bytes], Any]
    clock: HandClock = field(default_factory=HandClock)
    machines: Machines = field(default_factory=Machines)
    open_ended: list[Any] = field(default_factory=list)

    def take_for_good(self, store: LockedStore) -> None:
        """Take the lock and never give it back."""
        lock = store.lock("provision")
        lock.__enter__()
        self.open_ended.append(lock)  # else it would be given back as soon as nothing refers to it


def file_shop(folder: Path) -> Shop:
    """In a folder."""

    def process(pid: int = 1, host: str = "laptop", **_: Any) -> LockedStore:
        return FileStore(folder, "demo", me=Machines().me(pid, host), pause=lambda _: None)

    def raw() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}

    return Shop(process, raw, lambda name, data: (folder / name).write_bytes(data))


def s3_shop(client: Any, raw: Callable[[], dict[str, bytes]]) -> Shop:
    """In S3; keys are told without the prefix, account and region."""
    clock, machines = HandClock(), Machines()

    def process(pid: int = 1, host: str = "laptop", skew: float = 0.0, **more: Any) -> LockedStore:
        more.setdefault("clock", clock.skewed(skew))
        return S3Store(lambda: client, URL, "demo", lambda: PLACE, me=machines.me(pid, host), **more)

    def write(name: str, data: bytes) -> Any:
        return client.put_object(Bucket="team", Key=f"{BELOW}{name}", Body=data)

    def told() -> dict[str, bytes]:
        return {key.removeprefix(BELOW).removeprefix("stacks/eks/"): data for key, data in raw().items()}

    return Shop(process, told, write, clock, machines)
