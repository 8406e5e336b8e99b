"""One step of the core and the world it is tried on: scripted readings, kept calls, time that only sleeping moves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from eksprov.core.convergence.converge import Run
from eksprov.core.step import READY, FoundResource, Outputs, Owner, Phase, PhaseState, Step, Timing
from support.memory_ledger import MemoryLedger

US = Owner("shop", "id-1")


@dataclass(frozen=True)
class Facts:
    """One field that changes in place, one that does not, and what the world assigns."""

    size: int = 1
    kind: str = field(default="a", metadata={"replace": True})
    colour: str = "red"
    state: PhaseState = field(default=PhaseState.READY, compare=False)
    owner: Owner | None = field(default=US, compare=False)


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        """Virtual seconds."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Move on at once."""
        assert seconds > 0, "a busy loop"
        self.slept.append(seconds)
        self.seconds += seconds


class World:
    """Gives the scripted readings one by one (the last for ever) and keeps the calls."""

    def __init__(self, *readings: Facts | None) -> None:
        self.readings = list(readings)
        self.calls: list[tuple[Any, ...]] = []

    def read(self) -> Facts | None:
        """The next reading."""
        return self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]


@dataclass(frozen=True)
class FakeStep(Step[World, Facts]):
    """A step that wants `want` of a scripted world."""

    kind: ClassVar[str] = "thing"
    timing: ClassVar[Timing] = Timing(create_s=20, delete_s=20, create_limit_s=100, delete_limit_s=100)
    want: Facts = Facts()

    def desired(self, outputs: Outputs) -> Facts:
        """What the test wants."""
        return self.want

    def discover(self, client: World, *, fresh: bool = False) -> Facts | None:
        """The next scripted reading."""
        return client.read()

    def create(self, client: World, want: Facts, token: str) -> dict[str, str]:
        """Keep the call."""
        client.calls.append(("create", want, token))
        return {"id": "early"}

    def update(self, client: World, want: Facts, have: Facts, fields: tuple[str, ...]) -> str | None:
        """Keep the call."""
        client.calls.append(("update", fields))
        return None

    def delete(self, client: World, have: Facts) -> None:
        """Keep the call."""
        client.calls.append(("delete",))

    def outputs(self, have: Facts) -> dict[str, str]:
        """The size."""
        return {"size": str(have.size)}

    def phase(self, have: Facts) -> Phase:
        """As the reading says."""
        return READY if have.state is PhaseState.READY else Phase(have.state, f"is {have.state}")

    def blockers(self, client: World, have: Facts) -> Sequence[str]:
        """What a test can look for."""
        return ("eni-1",)

    @classmethod
    def list_owned(cls, client: World, stack: str) -> Iterable[FoundResource]:
        """None."""
        return ()


STEP = FakeStep(name="thing/a", slug="a")
MOVING, LEAVING, FAILED = (Facts(state=state) for state in (PhaseState.MOVING, PhaseState.LEAVING, PhaseState.FAILED))
STRANGE = Facts(owner=Owner("other", "id-9"))


def run_of(
    world: World, time: Time | None = None, ledger: MemoryLedger | None = None, *, speed: float = 1.0
) -> Run[World]:
    """A run of ours."""
    return Run(US, time or Time(), world, ledger or MemoryLedger(), speed)


def names(world: World) -> list[str]:
    """The calls that were sent."""
    return [call[0] for call in world.calls]
