"""The last broom of a teardown: all that the cluster's controllers left in AWS, as one step that goes piece by piece.

It is never part of a config, never recorded and never created. A teardown adds it behind the cluster, so that nothing
makes anew what is swept, and before the network, which its pieces hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from eksprov.aws.session import Aws
from eksprov.core.step import HERE, Outputs, Owner, Phase, Sighting, State, Step, Timing
from eksprov.steps.left_behind import KINDS, Piece, delete, pieces

NAME = "leftovers"
WHATS = tuple(what for what, _, _ in KINDS)


@dataclass(frozen=True)
class LeftoversFacts:
    """What is left now."""

    pieces: tuple[Piece, ...] = field(default=(), compare=False)
    owner: Owner | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class Leftovers(Step[Aws, LeftoversFacts]):
    """`slug` is the name of a cluster that is, or was, this stack's: the caller has made sure of it."""

    kind: ClassVar[str] = "leftovers"
    timing: ClassVar[Timing] = Timing(create_s=0.0, delete_s=5.0, delete_limit_s=1200.0)
    piecewise: ClassVar[bool] = True
    recorded: ClassVar[bool] = False

    def desired(self, outputs: Outputs) -> LeftoversFacts:  # noqa: ARG002 -- it is only ever removed
        """Nothing."""
        return LeftoversFacts()

    def discover(self, aws: Aws, *, fresh: bool = False) -> LeftoversFacts | None:  # noqa: ARG002 -- always fresh
        """All pieces; None when there is none."""
        found = pieces(aws, self.slug)
        return LeftoversFacts(found, aws.owner) if found else None

    def create(self, aws: Aws, want: LeftoversFacts, token: str) -> dict[str, str]:  # noqa: ARG002 -- nothing to make
        """Nothing."""
        return {}

    def delete(self, aws: Aws, have: LeftoversFacts) -> None:
        """What nothing holds; the rest waits for the next look."""
        for piece in have.pieces:
            if not piece.held:
                delete(aws, piece)

    def outputs(self, have: LeftoversFacts) -> dict[str, str]:  # noqa: ARG002 -- nobody needs any
        """None."""
        return {}

    def phase(self, have: LeftoversFacts) -> Phase:
        """What is being swept, counted."""
        counted = Counter(piece.what for piece in have.pieces)
        return Phase(State.LEAVING, "left by controllers: " + ", ".join(f"{n} x {what}" for what, n in counted.items()))

    def blockers(self, aws: Aws, have: LeftoversFacts) -> tuple[str, ...]:  # noqa: ARG002 -- the facts name them
        """Each piece and what holds it."""
        return tuple(f"{p.what} {p.id} ({p.text}{f'; {p.held}' if p.held else ''})" for p in have.pieces)

    @classmethod
    def survey(cls, aws: Aws, stack: str) -> Iterable[Sighting]:
        """What is left of the cluster that is called like its stack."""
        for piece in pieces(aws, stack):
            yield Sighting(piece.what, piece.text, piece.id, Owner(stack, "", NAME, region=HERE))
