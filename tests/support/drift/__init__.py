"""What somebody changes behind our back with plain boto3, field by field of every kind; or why nobody does so here."""

from __future__ import annotations

from support.drift import account, cluster, monitoring, network, nodes
from support.drift.made import Changes

CHANGES: Changes = {
    **network.CHANGES,
    **account.CHANGES,
    **cluster.CHANGES,
    **nodes.CHANGES,
    **monitoring.CHANGES,
}
