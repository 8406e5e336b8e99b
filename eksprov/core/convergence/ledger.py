"""What a run writes down of its steps, and what it reads there of earlier runs.

`converge` and the choice among alternatives ask it, each question by a step's name; where it is kept they do not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from eksprov.core.step import AnyStep, Facts


class Ledger(Protocol):
    """The book of a run. An incarnation of a step lasts from one create of its resource to the deletion of it."""

    def token(self, name: str) -> str:
        """The idempotency token of the step's present incarnation."""

    def intend(self, name: str, want: Facts) -> None:
        """Write down, on the disk, that a create is about to be sent."""

    def note(self, name: str, outputs: Mapping[str, str]) -> None:
        """Write down the outputs that a create has answered, before the step is done."""

    def gone(self, name: str) -> None:
        """Write down that an incarnation has ended, so that the next one gets another token."""

    def expected(self, name: str) -> bool:
        """Whether a create of this incarnation was sent, or may have been.

        Kinds that AWS does not recognise when they are sent twice are then looked for first.
        """

    def unsettled(self, name: str) -> bool:
        """Whether a run was cut off before a create was read back: a removal then looks for longer."""

    def was_there(self, name: str) -> bool:
        """Whether this incarnation has been read back before."""

    def hopeless(self, name: str) -> str:
        """Why waiting for the step makes no sense any more; empty while it does."""

    def spent(self, error: Exception) -> bool:
        """Whether an error means that a token was used for something else."""

    def tell(self, name: str, text: str) -> None:
        """Show what the step is waiting for."""

    def remark(self, text: str) -> None:
        """Say to the user, in a line that stays, what was chosen and why."""

    def recorded(self, name: str) -> str:
        """The slug that the record gives the step; empty where there is none."""

    def elsewhere(self, name: str) -> bool:
        """Whether the step's resource is known to stand under another name than the config's first choice."""

    def adopt(self, choice: AnyStep) -> None:
        """Take this choice, which is there or recorded already, as the step of its name from now on."""

    def begin(self, choice: AnyStep) -> None:
        """Take this choice as the step of its name, and record that with a new token before anything of it is sent."""
