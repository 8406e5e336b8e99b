"""What has to leave before the cluster does, or EKS leaves the cluster's security group behind for good.

Nodes that no node group has, of EKS Auto Mode or of Karpenter, and the interfaces that the CNI has leaked: all of them
are in that group (https://github.com/aws/aws-k8s-tester/pull/541, https://github.com/aws/aws-k8s-tester/pull/416). By
now their pools have been asked to go. What is still there is terminated; where EC2 leaves that to EKS alone
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/amazon-ec2-managed-instances.html), it is waited for, though not
for ever: EKS ends its own nodes with the cluster, and the leftovers step after it takes the group.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from eksprov.aws.session import Aws
from eksprov.core.convergence.converge import Piecewise
from eksprov.core.step import FoundResource, Outputs, Owner, Phase, PhaseState, Timing
from eksprov.core.words import counted
from eksprov.steps.leftovers.leftovers import LeftoversFacts
from eksprov.steps.leftovers.pieces import Piece, delete, pieces

NAME = "nodes-on-demand"
WHATS = ("instance", "network interface")
PATIENCE_S = 600.0


@dataclass
class Began:
    """When it was first looked for them; nothing before that."""

    at: float | None = None


@dataclass(frozen=True, kw_only=True)
class NodesOnDemand(Piecewise[Aws, LeftoversFacts]):
    """`slug` is the name of this stack's cluster. Never part of a config, never recorded, never created."""

    kind: ClassVar[str] = NAME
    timing: ClassVar[Timing] = Timing(create_s=0.0, delete_s=0.0, delete_limit_s=1200.0)
    began: Began = field(default_factory=Began, compare=False, repr=False)

    def desired(self, outputs: Outputs) -> LeftoversFacts:
        return LeftoversFacts()

    def discover(self, aws: Aws, *, fresh: bool = False) -> LeftoversFacts | None:
        """Those instances, and the interfaces that nothing uses; None when there is none, or it took too long."""
        now = aws.clock.now()
        self.began.at = now if self.began.at is None else self.began.at
        if now - self.began.at > PATIENCE_S / aws.speed:
            return None
        found = pieces(aws, self.slug, whats=WHATS)
        waited_for = tuple(p for p in found if not p.held or p.what == "instance")
        return LeftoversFacts(waited_for, aws.owner) if waited_for else None

    def delete(self, aws: Aws, have: LeftoversFacts) -> None:
        """What nothing holds; EC2 may refuse it to everyone but EKS."""
        for piece in have.pieces:
            if not piece.held:
                delete(aws, piece, *(("UnauthorizedOperation",) if _is_of_auto_mode(piece) else ()))

    def phase(self, have: LeftoversFacts) -> Phase:
        """What has still to go, counted."""
        return Phase(PhaseState.LEAVING, f"before the cluster: {counted(Counter(piece.what for piece in have.pieces))}")

    def blockers(self, aws: Aws, have: LeftoversFacts) -> tuple[str, ...]:
        return tuple(f"{piece.what} {piece.id} ({piece.text})" for piece in have.pieces)

    @classmethod
    def list_owned(cls, aws: Aws, stack: str) -> Iterable[FoundResource]:
        for piece in pieces(aws, stack, whats=WHATS):
            yield FoundResource(piece.what, piece.text, piece.id, Owner(stack, "", NAME))


def _is_of_auto_mode(piece: Piece) -> bool:
    return "eks:kubernetes-node-pool-name" in piece.tags
