"""What a run tells while it works; the command line shows it, tests keep it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from eksprov.core.executor import Node
from eksprov.core.outcome import Outcome


class Progress(Protocol):
    """All methods may be called from any thread and must return at once."""

    def doing(self, text: str) -> None:
        """What goes on before and between steps."""

    def planned(self, nodes: Sequence[Node], settled: Collection[str]) -> None:
        """These steps are about to be walked, expected to take real seconds; `settled` are recorded as ready."""

    def started(self, name: str) -> None: ...

    def waiting(self, name: str, message: str) -> None:
        """A step waits for something in motion."""

    def finished(self, outcome: Outcome) -> None: ...

    def note(self, text: str) -> None:
        """Something worth knowing that is no step."""


class Silent:
    """The progress of a run that nobody watches."""

    def doing(self, text: str) -> None: ...

    def planned(self, nodes: Sequence[Node], settled: Collection[str]) -> None: ...

    def started(self, name: str) -> None: ...

    def waiting(self, name: str, message: str) -> None: ...

    def finished(self, outcome: Outcome) -> None: ...

    def note(self, text: str) -> None: ...
