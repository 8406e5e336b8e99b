"""The words in which a kind says what IAM must allow: an action, on which resources, under which conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from eksprov.aws.tags import STACK
from eksprov.core.step import Step

Condition = tuple[tuple[str, str, tuple[str, ...]], ...]  # operator, key, values; all of them must hold
ANYTHING = ("*",)


@dataclass(frozen=True)
class Need:
    """One action on some resources; whoever asks it of several kinds of resources has a need for each."""

    action: str
    resources: tuple[str, ...] = ANYTHING
    condition: Condition = ()


@dataclass(frozen=True)
class Rights:
    """What a kind needs to look, to make, to set right, to take away, and to be found by tags without a record."""

    read: tuple[Need, ...] = ()
    make: tuple[Need, ...] = ()
    change: tuple[Need, ...] = ()
    delete: tuple[Need, ...] = ()
    survey: tuple[Need, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where a stack lives, what it is called, and its steps by kind; `account` may be "*" where it is not known.

    `models`: whether models may be deployed on it.
    """

    stack: str
    region: str
    account: str = "*"
    partition: str = "aws"
    kinds: Mapping[str, tuple[Step[Any, Any], ...]] = field(default_factory=dict)
    models: bool = True

    @property
    def requested(self) -> Condition:
        """The request tags what it makes as this stack's."""
        return (("StringEquals", f"aws:RequestTag/{STACK}", (self.stack,)),)

    @property
    def owned(self) -> Condition:
        """The resource is tagged as this stack's."""
        return (("StringEquals", f"aws:ResourceTag/{STACK}", (self.stack,)),)

    def arn(self, service: str, *names: str) -> tuple[str, ...]:
        """ARNs in this account and region: `arn("eks", "cluster/x")`."""
        return tuple(f"arn:{self.partition}:{service}:{self.region}:{self.account}:{name}" for name in names)

    def everywhere(self, service: str, *names: str) -> tuple[str, ...]:
        """ARNs of services that know no region, such as IAM."""
        return tuple(f"arn:{self.partition}:{service}::{self.account}:{name}" for name in names)

    def slugs(self, kind: str) -> tuple[str, ...]:
        """The physical names of the stack's steps of a kind."""
        return tuple(sorted(step.slug for step in self.kinds.get(kind, ())))


def on(resources: Iterable[str], *actions: str, condition: Condition = ()) -> tuple[Need, ...]:
    """The same resources and condition for several actions."""
    return tuple(Need(action, tuple(resources), condition) for action in actions)
