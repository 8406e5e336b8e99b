"""A journal without a disk, with the same meaning as the file's."""

from __future__ import annotations

from collections.abc import Mapping

from eksprov.state.journal import Intent


class MemoryJournal:
    """Open intents by step."""

    def __init__(self) -> None:
        self._open: dict[str, Intent] = {}

    def open_intents(self) -> dict[str, Intent]:
        """Intents without a result."""
        return dict(self._open)

    def intend(self, intent: Intent) -> None:
        """Keep an intent."""
        self._open[intent.step] = intent

    def landed(self, step: str, outputs: Mapping[str, str]) -> None:
        """Settle it."""
        self._open.pop(step, None)

    def clear(self) -> None:
        """Nothing to remove."""
