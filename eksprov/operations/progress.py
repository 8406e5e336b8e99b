"""What a run tells while it works; the command line shows it, tests keep it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from eksprov.core.executor import Node
from eksprov.core.outcome import Outcome


class Progress(Protocol):
    """All methods may be called from any thread and must return at once."""

    def doing(self, text: str) -> None:
        """What the run does before and between steps, in a line."""

    def planned(self, nodes: Sequence[Node], settled: Collection[str]) -> None:
        """These steps are about to be walked, expected to take real seconds; `settled` are recorded as ready."""

    def started(self, name: str) -> None: ...

    def waiting(self, name: str, message: str) -> None:
        """The step of that name waits for something in motion; the message says for what."""

    def finished(self, outcome: Outcome) -> None: ...

    def note(self, text: str) -> None:
        """A line worth knowing that is about no step."""


class Silent:
    """The progress of a run that nobody watches."""

    def doing(self, text: str) -> None: ...

    def planned(self, nodes: Sequence[Node], settled: Collection[str]) -> None: ...

    def started(self, name: str) -> None: ...

    def waiting(self, name: str, message: str) -> None: ...

    def finished(self, outcome: Outcome) -> None: ...

    def note(self, text: str) -> None: ...
