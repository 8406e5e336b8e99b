"""A subnet that the config brings: it is only looked at, and read as any other."""

from __future__ import annotations

from support.kind_case import KindCase

from eksprov.steps.network.existing_subnet import ExistingSubnet

CASE = KindCase(
    kind=ExistingSubnet,
    read="read among all of its kind, in subnet.py",
    drifts="tests/steps/network/test_existing_network_refusals.py",
    untag="it bears no tags of ours",
    asks="only its descriptions are read",
)
