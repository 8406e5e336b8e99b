"""How the account is for as long as something is switched on: what EC2 lacks, quotas, nodes that do not come.

Unlike a failure of one call or one resource, a condition holds for everything while it is on, and what it has kept
waiting goes on when it ends. Nothing here is on unless somebody asked for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from eksprov.local.aws.ec2.capacity import Shortage

AILING = "switched on in the local world"


@dataclass(frozen=True)
class Conditions:
    """`quotas` are codes and values, `ailing` is the health code that active node groups show (empty: none).

    `entry_lag_s` is how long a new access entry is not found by AssociateAccessPolicy, `bucket_name_rests_s` how long
    the name of a deleted bucket stays taken; both in seconds of AWS, divided by the world's speed.
    """

    short: tuple[Shortage, ...] = ()
    quotas: tuple[tuple[str, float], ...] = ()
    nodes_join: bool = True
    ailing: str = ""
    entry_lag_s: float = 0.0
    bucket_name_rests_s: float = 0.0

    def __or__(self, other: Conditions) -> Conditions:
        return Conditions(
            self.short + other.short,
            self.quotas + other.quotas,
            self.nodes_join and other.nodes_join,
            self.ailing or other.ailing,
            max(self.entry_lag_s, other.entry_lag_s),
            max(self.bucket_name_rests_s, other.bucket_name_rests_s),
        )


USUAL = Conditions()
