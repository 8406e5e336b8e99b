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
    """So much of one priced thing."""

    item: str  # the priced thing, like "ec2.m7i.large"
    quantity: Decimal  # how many of it, in the item's own unit
    what: str  # what is billed, in words for people


@dataclass(frozen=True)
class Terms:
    """What a price depends on beside a step's facts."""

    extended: frozenset[str] | None = None  # Kubernetes versions in extended support; None: nobody could be asked
    most: bool = False  # count a node group at its max_size, not its desired_size
    templates: Mapping[str, Any] = field(default_factory=dict)  # facts of launch templates, by their steps
    zones: int = 0  # private subnets, for endpoints whose subnets are not known yet
    autoscaled: bool = False  # an autoscaler decides the sizes of node groups
    live_sizes: Mapping[str, int] = field(default_factory=dict)
    """Nodes of groups whose size a run leaves as it is, by step."""


Itemise = Callable[[str, Any, Terms], Iterable[BilledItem]]  # from a step's name and facts, wanted or found


@dataclass(frozen=True)
class Billing:
    """How a kind is billed: by items, by a use that nobody knows beforehand, or not at all."""

    items: Itemise | None = None  # the priced things of one resource; None: none
    use: str = ""  # what is billed by use, like "SQS requests"; empty: nothing is


def each(item: str, what: str) -> Billing:
    """Each resource of the kind is one of the priced thing."""
    return Billing(lambda step, facts, terms: (BilledItem(item, Decimal(1), what),))


UNBILLED = Billing()
