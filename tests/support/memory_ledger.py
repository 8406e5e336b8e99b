"""A ledger in memory: it keeps what a run writes down, and answers of earlier runs what a test says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from eksprov.core.step import AnyStep, Facts


def _nobody(what: str, name: str) -> None:
    """Nobody hears of it."""


class MemoryLedger:
    """`past` says of every step what earlier runs did: "expected", "unsettled", "was there".

    `hear` is told of an intent, an end and a choice that is begun, in the moment they are written down.
    """

    def __init__(
        self, *past: str, spent: tuple[type[Exception], ...] = (), hear: Callable[[str, str], None] = _nobody
    ) -> None:
        self.past, self._spent, self._hear = past, spent, hear
        self.noted: list[tuple[str, Mapping[str, str]]] = []
        self.told: list[str] = []
        self.ended: Counter[str] = Counter()
        self.begun: list[str] = []

    def token(self, name: str) -> str:
        return f"token of {name}{' again' * self.ended[name]}"

    def intend(self, name: str, want: Facts) -> None:
        self._hear("intend", name)

    def note(self, name: str, outputs: Mapping[str, str]) -> None:
        self.noted.append((name, outputs))

    def gone(self, name: str) -> None:
        self.ended[name] += 1
        self._hear("gone", name)

    def expected(self, name: str) -> bool:
        return "expected" in self.past

    def unsettled(self, name: str) -> bool:
        return "unsettled" in self.past

    def was_there(self, name: str) -> bool:
        return "was there" in self.past

    def hopeless(self, name: str) -> str:
        return ""

    def spent(self, error: Exception) -> bool:
        return isinstance(error, self._spent)

    def tell(self, name: str, text: str) -> None:
        self.told.append(text)

    def remark(self, text: str) -> None:
        self.told.append(text)

    def recorded(self, name: str) -> str:
        return ""

    def elsewhere(self, name: str) -> bool:
        return False

    def adopt(self, choice: AnyStep) -> None:
        """Every step is the one that it was."""

    def begin(self, choice: AnyStep) -> None:
        self.begun.append(choice.slug)
        self._hear("begin", choice.name)
