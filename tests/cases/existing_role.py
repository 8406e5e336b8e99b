"""A role that the config names: it is only looked at, and read as any other."""

from __future__ import annotations

from support.kind_case import KindCase

from eksprov.steps.identity.existing_role import ExistingRole

CASE = KindCase(
    kind=ExistingRole,
    read="read among all of its kind, in iam_role.py",
    drifts="tests/steps/identity/test_existing_role.py",
    untag="it bears no tags of ours",
    asks="it is only read",
)
