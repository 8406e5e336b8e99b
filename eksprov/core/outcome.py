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
    """The result of one step."""

    name: str  # the step's
    status: Status
    change: Change = NO_CHANGE  # what was found to differ
    outputs: Mapping[str, str] = field(default_factory=dict)  # what the step made known to others
    message: str = ""  # what became of it, for people; empty: nothing to tell
    hint: str = ""  # what the user can do next; empty: nothing
    seconds: float = 0.0  # how long it took

    @property
    def good(self) -> bool:
        """Whether the step is as wanted, so that the steps that need it may go on."""
        return self.status in GOOD
