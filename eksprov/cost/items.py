"""From the facts of a step to what is billed for it, as its kind says. Pure; facts are those wanted or those found."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from eksprov.controllers import KINDS as CONTROLLER_KINDS
from eksprov.core.billing import BilledItem, Billing, Terms
from eksprov.core.step import AnyStep
from eksprov.serving import KINDS as SERVING_KINDS
from eksprov.steps import KINDS as AWS_KINDS

KINDS: Final[tuple[type[AnyStep], ...]] = (*AWS_KINDS, *CONTROLLER_KINDS, *SERVING_KINDS)
BILLING: Final = {kind.kind: kind.billing for kind in KINDS}
TRAFFIC: Final = ("data processed by NAT gateways", "data transfer", "taxes")


def items_of(step: str, kind: str, facts: Any, terms: Terms) -> tuple[BilledItem, ...]:
    """Everything that is billed for a step's resource; an item that has no price for a kind that says nothing."""
    billing = BILLING.get(kind)
    if billing is None:
        return (BilledItem(f"unknown.{kind}", Decimal(1), kind),)
    return tuple(billing.items(step, facts, terms)) if billing.items is not None else ()


def is_itemised(kind: str) -> bool:
    """Whether something is billed for each resource of the kind."""
    billing = BILLING.get(kind)
    return billing is not None and billing.items is not None


def by_use(kind: str) -> str:
    """What of a kind is billed by use; empty where nothing is."""
    return (BILLING.get(kind) or Billing()).use
