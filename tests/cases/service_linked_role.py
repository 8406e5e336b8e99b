"""Roles that a service of AWS makes for itself, one an account."""

from __future__ import annotations

from support.kind_case import Iam, KindCase

from eksprov.steps.identity.service_linked_role import ServiceLinkedRole

CASE = KindCase(
    kind=ServiceLinkedRole,
    read="the account's, whichever stack asked for it first; no stack deletes it",
    drifts="tests/steps/identity/test_service_linked_role.py",
    untag="the account's: it bears no tags of ours",
    asks=Iam(
        service="iam",
        creates=("iam:CreateServiceLinkedRole",),
        wide={"iam:CreateServiceLinkedRole": (":role/aws-service-role/", "the service's name holds it")},
    ),
)
