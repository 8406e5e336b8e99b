"""What a check found, and which findings count. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning", "info"]
_RANK: dict[str, int] = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True)
class Finding:
    """`name` is stable and may be suppressed; `known` is False where something could not be read."""

    name: str
    level: Level
    message: str
    cure: str = ""
    known: bool = True


@dataclass(frozen=True)
class Findings:
    """All that count, worst first, and the names of those that the config suppressed."""

    listed: tuple[Finding, ...] = ()
    suppressed: tuple[str, ...] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that stop a run before its first create."""
        return self.of("error")

    def of(self, *levels: Level) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.listed if finding.level in levels)


def sorted_out(found: Iterable[Finding], suppress: Iterable[str]) -> Findings:
    """Worst first, each once, without what the config suppresses."""
    silent, each = frozenset(suppress), tuple(dict.fromkeys(found))
    listed = sorted((one for one in each if one.name not in silent), key=lambda one: (_RANK[one.level], one.name))
    return Findings(tuple(listed), tuple(sorted({one.name for one in each if one.name in silent})))


def unknown(name: str, what: str, why: str, cure: str = "") -> Finding:
    """Something that could not be read: said, never taken for fine, and no reason to stop."""
    return Finding(name, "warning", f"unknown: {what} ({why})", cure, known=False)
