"""What became of one step in one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from eksprov.core.change import NO_CHANGE, Change


class Status(StrEnum):
    """How a step ended; each is proven by a reading unless it says otherwise."""

    UNCHANGED = "unchanged"
    CREATED = "created"
    UPDATED = "updated"
    REPLACED = "replaced"
    DELETED = "deleted"
    ABSENT = "absent"  # a removal that found nothing
    FAILED = "failed"
    SKIPPED = "skipped"  # never begun; `message` says why
    INTERRUPTED = "interrupted"  # begun, its wait abandoned; AWS goes on by itself


GOOD = frozenset({Status.UNCHANGED, Status.CREATED, Status.UPDATED, Status.REPLACED, Status.DELETED, Status.ABSENT})


@dataclass(frozen=True)
class Outcome:
    """The result of one step: `message` says what became of it, `hint` what to do next; `seconds` it took."""

    name: str
    status: Status
    change: Change = NO_CHANGE
    outputs: Mapping[str, str] = field(default_factory=dict)
    message: str = ""
    hint: str = ""
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Whether dependents may go on."""
        return self.status in GOOD
