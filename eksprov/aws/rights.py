"""The words in which a kind says what IAM must allow: an action, on which resources, under which conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar, runtime_checkable

from eksprov.aws.tags import STACK
from eksprov.core.step import AnyStep

S = TypeVar("S", bound=AnyStep)
Condition = tuple[tuple[str, str, tuple[str, ...]], ...]  # operator, key, values; all of them must hold
ANYTHING = ("*",)


@dataclass(frozen=True)
class Need:
    """One action on some resources; whoever asks it of several kinds of resources has a need for each."""

    action: str  # as IAM writes it, like "eks:CreateCluster"
    resources: tuple[str, ...] = ANYTHING  # ARNs, with wildcards
    condition: Condition = ()  # what must hold of the request besides; empty: nothing


@dataclass(frozen=True)
class Rights:
    """What a kind's operator must be allowed in IAM, by what is done with it. Empty: nothing."""

    read: tuple[Need, ...] = ()  # to look whether and how it is there
    make: tuple[Need, ...] = ()  # to create it
    change: tuple[Need, ...] = ()  # to change it in place
    delete: tuple[Need, ...] = ()  # to delete it
    list_owned: tuple[Need, ...] = ()  # to find it by its tags, without a record
    tag: tuple[Need, ...] = ()  # to set and take off tags when the config's have changed
    check: tuple[Need, ...] = ()  # to look at it before a run; where that is not allowed, preflight says "unknown"
    lock: tuple[Need, ...] = ()  # what the command `lock` asks about it


@dataclass(frozen=True)
class Place:
    """Where a stack lives, what it is called, and its steps by kind: what the ARNs of rights are made of."""

    stack: str  # its name
    region: str
    account: str = "*"  # its id; "*": not known
    partition: str = "aws"  # like "aws" or "aws-cn"
    kinds: Mapping[str, tuple[AnyStep, ...]] = field(default_factory=dict)  # the stack's own steps
    models: Mapping[str, tuple[AnyStep, ...]] = field(default_factory=dict)
    """Steps that its models' deployments have in AWS."""
    left: Mapping[str, tuple[AnyStep, ...]] = field(default_factory=dict)
    """Steps recorded and no longer in the config: none is made, all are taken down."""
    models_only: bool = False  # rights are asked for nothing but `models`
    permissions_boundary: str = ""
    """ARN of the policy that bounds every role, without which none may be made or given rights; empty: none."""
    named: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What the config names and does not make, by preflight's name of the look-up, like "kms-key"."""

    @property
    def requested(self) -> Condition:
        """The request tags what it makes as this stack's."""
        return (("StringEquals", f"aws:RequestTag/{STACK}", (self.stack,)),)

    @property
    def owned(self) -> Condition:
        """The condition that the resource is tagged as this stack's."""
        return (("StringEquals", f"aws:ResourceTag/{STACK}", (self.stack,)),)

    @property
    def here(self) -> Condition:
        """The call goes to the stack's region: for actions that know no resource, whose ARN would say so
        (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-requestedregion)."""
        return (("StringEquals", "aws:RequestedRegion", (self.region,)),)

    @property
    def bounded(self) -> Condition:
        """The role has the boundary; nothing where there is none.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html#access_policies_boundaries-delegate
        """
        boundary = self.permissions_boundary
        return (("ArnEquals", "iam:PermissionsBoundary", (boundary,)),) if boundary else ()

    @property
    def of_models(self) -> Place:
        """The same place, where only the models' deployments count, and the bucket that their files are in."""
        bucket = {"bucket": self.kinds.get("bucket", ())}
        return replace(self, kinds={**bucket, **self.models}, models_only=True)

    @property
    def with_left(self) -> Place:
        """The same place, as if the config still named what is left of an earlier one."""
        every = {kind: (*self.kinds.get(kind, ()), *self.left.get(kind, ())) for kind in (*self.kinds, *self.left)}
        return replace(self, kinds=every)

    @property
    def prefix(self) -> str:
        """How the names of the stack's things begin where the account has one name space for all regions.

        Stack (28 characters at most) and region are never cut: a name that is too long keeps its first 55 characters
        (`eksprov.steps.identity.roles.role_name`).
        """
        return f"{self.stack}-{self.region}-{'model-' if self.models_only else ''}"

    def arn(self, service: str, *names: str) -> tuple[str, ...]:
        """ARNs in this account and region: `arn("eks", "cluster/x")`."""
        return tuple(f"arn:{self.partition}:{service}:{self.region}:{self.account}:{name}" for name in names)

    def everywhere(self, service: str, *names: str) -> tuple[str, ...]:
        """ARNs of services that know no region, such as IAM."""
        return tuple(f"arn:{self.partition}:{service}::{self.account}:{name}" for name in names)

    def of(self, kind: type[S]) -> tuple[S, ...]:
        """The stack's steps of a kind."""
        return tuple(step for step in self.kinds.get(kind.kind, ()) if isinstance(step, kind))

    def buckets(self, *names: str) -> tuple[str, ...]:
        """ARNs of buckets, which know neither account nor region."""
        return tuple(f"arn:{self.partition}:s3:::{name}" for name in names)

    def slugs(self, kind: str) -> tuple[str, ...]:
        """The physical names of the stack's steps of a kind."""
        return tuple(sorted(step.slug for step in self.kinds.get(kind, ())))


def on(resources: Iterable[str], *actions: str, condition: Condition = ()) -> tuple[Need, ...]:
    """The same resources and condition for several actions; nothing where there are no resources."""
    where = tuple(resources)
    return tuple(Need(action, where, condition) for action in actions) if where else ()


def node_images(place: Place) -> tuple[str, ...]:
    """The public parameters in which AWS names its node images."""
    return (f"arn:{place.partition}:ssm:{place.region}::parameter/aws/service/*",)


@runtime_checkable
class Governed(Protocol):
    """A kind of AWS, which says itself what its operator must be allowed."""

    @classmethod
    def rights(cls, place: Place) -> Rights:
        """What the steps of this kind need in `place`.

        Each right names the stack's own resources; where others could bear such a name, or AWS chooses it, the right
        asks for the stack's tag as well.
        """
        ...
