"""The last step of a teardown: all that the cluster's controllers left in AWS, as one step that goes piece by piece.

It is never part of a config, never recorded and never created. A teardown adds it behind the cluster, so that nothing
makes anew what is swept, and before the network, which its pieces hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from eksprov import errors
from eksprov.aws.session import Aws
from eksprov.core.billing import UNBILLED, Billing
from eksprov.core.convergence.converge import Piecewise
from eksprov.core.step import HERE, FoundResource, Outputs, Owner, Phase, PhaseState, Timing
from eksprov.core.words import counted
from eksprov.steps.leftovers.pieces import USUAL, VOLUME, Piece, delete, found_of
from eksprov.steps.leftovers.reclaiming import RECLAIM, Reclaiming

NAME = "leftovers"


@dataclass(frozen=True)
class LeftoversFacts:
    """What the cluster's controllers have left in AWS, as it is now."""

    pieces: tuple[Piece, ...] = field(default=(), compare=False)
    owner: Owner | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class Leftovers(Piecewise[Aws, LeftoversFacts]):
    """`slug` is the name of a cluster that is, or was, this stack's: the caller has made sure of it.

    With `marked_alone` nothing is certain of it but what the tags of volumes say that an earlier teardown has kept.
    """

    kind: ClassVar[str] = "leftovers"
    billing: ClassVar[Billing | None] = UNBILLED
    timing: ClassVar[Timing] = Timing(create_s=0.0, delete_s=5.0, delete_limit_s=1200.0)
    reclaiming: Reclaiming = USUAL
    marked_alone: bool = False

    def found(self, aws: Aws) -> tuple[Piece, ...]:
        """All pieces, those that are kept too."""
        if self.marked_alone:
            found = found_of(aws, self.slug, self.reclaiming, (VOLUME,))
            return tuple(piece for piece in found if RECLAIM in piece.tags)
        return found_of(aws, self.slug, self.reclaiming)

    def left(self, aws: Aws) -> tuple[Piece, ...]:
        return tuple(piece for piece in self.found(aws) if not piece.stays)

    def discover(self, aws: Aws, *, fresh: bool = False) -> LeftoversFacts | None:
        """All pieces that are to go; None when there is none."""
        found = self.left(aws)
        return LeftoversFacts(found, aws.owner) if found else None

    def desired(self, outputs: Outputs) -> LeftoversFacts:
        return LeftoversFacts()

    def delete(self, aws: Aws, have: LeftoversFacts) -> None:
        """What nothing holds; the rest waits for the next look. Raises: ProvisioningError where that is in vain."""
        for piece in have.pieces:
            if not piece.held:
                delete(aws, piece)
        if have.pieces and all(piece.stranger for piece in have.pieces):
            raise errors.ProvisioningError(
                f"{self.name}: cannot delete {'; '.join(self.blockers(aws, have))}",
                "take those rules away, or have their owner do so; then run the same command again",
            )

    def phase(self, have: LeftoversFacts) -> Phase:
        """What is being swept, counted."""
        return Phase(
            PhaseState.LEAVING, f"left by controllers: {counted(Counter(piece.what for piece in have.pieces))}"
        )

    def blockers(self, aws: Aws, have: LeftoversFacts) -> tuple[str, ...]:
        """Each piece and what holds it."""
        return tuple(f"{p.what} {p.id} ({p.text}{f'; {p.held}' if p.held else ''})" for p in have.pieces)

    @classmethod
    def list_owned(cls, aws: Aws, stack: str) -> Iterable[FoundResource]:
        """What is left of the cluster that is called like its stack."""
        for piece in cls(name=NAME, slug=stack).left(aws):
            yield sighted(piece, stack)


def sighted(piece: Piece, stack: str) -> FoundResource:
    """The piece as something that has been seen of the stack."""
    return FoundResource(piece.what, piece.text, piece.id, Owner(stack, "", NAME, region=HERE))
