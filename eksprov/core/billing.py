"""How a kind is billed, said in the kind's own file. Pure.

What is billed and what is not: the pricing pages of EKS (https://aws.amazon.com/eks/pricing/), VPC
(https://aws.amazon.com/vpc/pricing/), EC2 and EBS (https://aws.amazon.com/ebs/pricing/).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class BilledItem:
    """`quantity` of the priced thing `item` ("ec2.m7i.large"); `what` says it in words."""

    item: str
    quantity: Decimal
    what: str


@dataclass(frozen=True)
class Terms:
    """What a price depends on beside the facts.

    `extended` are the Kubernetes versions in extended support, None where nobody could be asked; `most` counts a node
    group at its max_size instead of its desired_size; `templates` are the facts of launch templates by their steps;
    `zones` is the number of private subnets, for endpoints whose subnets are not known yet. `autoscaled`: sizes of node
    groups are an autoscaler's; `live_sizes` has those that a run leaves as they are, by step.
    """

    extended: frozenset[str] | None = None
    most: bool = False
    templates: Mapping[str, Any] = field(default_factory=dict)
    zones: int = 0
    autoscaled: bool = False
    live_sizes: Mapping[str, int] = field(default_factory=dict)


Itemise = Callable[[str, Any, Terms], Iterable[BilledItem]]  # from a step's name and facts, wanted or found


@dataclass(frozen=True)
class Billing:
    """By `items`; else by `use` that nobody knows beforehand ("SQS requests"), or not at all."""

    items: Itemise | None = None
    use: str = ""


def each(item: str, what: str) -> Billing:
    """Each resource of the kind is one of the priced thing."""
    return Billing(lambda step, facts, terms: (BilledItem(item, Decimal(1), what),))


UNBILLED = Billing()
