"""The facts that preflight's checks are made on, as data: `reading` fills them, the checks only look at them.

A fact is None or empty where there is nothing to check. Where AWS was not asked, refused or failed, it is an `Unread`
with the reason, and each check that needs it says "unknown" with this reason instead of passing or failing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from eksprov.aws.session import Identity
from eksprov.errors import Problem


@dataclass(frozen=True)
class Unread:
    """In place of a fact that could not be read: nobody knows it, and this is why."""

    why: str  # for people, like "not allowed: ec2:DescribeVpcs"


NOT_ASKED = Unread("nothing of this run needs it")


@dataclass(frozen=True)
class Question:
    """What IAM's policy simulator is asked in one call."""

    pairs: frozenset[tuple[str, str]]  # an action and the ARN of a resource
    context: Mapping[str, str]  # condition keys of the request, and their values


@dataclass(frozen=True)
class TypeFacts:
    """What EC2 says of an instance type."""

    vcpus: int
    interfaces: int  # network interfaces at most
    addresses_per_interface: int  # IPv4 addresses at most
    memory_mib: int = 0


@dataclass(frozen=True)
class ReservationFacts:
    """What EC2 says of a capacity reservation."""

    id: str
    state: str  # in EC2's word, like "active"
    free: int  # instances that it still has room for


@dataclass(frozen=True)
class DiskKey:
    """What KMS says of the key of a node group's disks."""

    arn: str
    problem: str = ""  # what is wrong with it; empty: nothing
    cure: str = ""  # what the user can do; empty: nothing is wrong


@dataclass(frozen=True)
class VersionFacts:
    """What EKS says of a Kubernetes version."""

    status: str  # STANDARD_SUPPORT, EXTENDED_SUPPORT or UNSUPPORTED
    standard_until: date | None  # the end of standard support; None: EKS names none


@dataclass(frozen=True)
class Use:
    """How much of its quotas the account uses in the region."""

    vcpus: Mapping[str, int] | Unread  # by quota code
    elastic_ips: int | Unread
    vpcs: int | Unread
    clusters: int | Unread
    nat_gateways: Mapping[str, int] | Unread  # by zone


@dataclass(frozen=True)
class SystemPods:
    """What has to find room on the nodes of the node groups alone: the pods of add-ons."""

    addons: frozenset[str]  # their names
    max_pods: Mapping[str, int] = field(default_factory=dict)  # the config's own limits, by node group
    grows: bool = False  # an autoscaler may bring the nodes up to max_size
    prefixes: bool = False  # network interfaces take prefixes of addresses, not single ones


@dataclass(frozen=True)
class PreflightFacts:
    """Everything that was read, for the checks to decide by."""

    identity: Identity  # who calls AWS
    region: str
    today: date
    zones: tuple[str, ...]  # the stack's, by name
    quotas: Mapping[str, float | Unread] = field(default_factory=dict)  # by quota code
    use: Use = Use(NOT_ASKED, NOT_ASKED, NOT_ASKED, NOT_ASKED, NOT_ASKED)
    types: Mapping[str, TypeFacts] | Unread = NOT_ASKED  # by instance type
    offerings: Mapping[str, frozenset[str]] | Unread = NOT_ASKED
    scores: Mapping[str, int | Unread] = field(default_factory=dict)
    versions: Mapping[str, VersionFacts] | Unread = NOT_ASKED  # by Kubernetes version
    denied: Mapping[str, str] | Unread = NOT_ASKED  # action to IAM's decision
    fallbacks: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Node groups with another choice of types, market or zones: the quota codes of all their choices."""
    impossible: Mapping[str, str] = field(default_factory=dict)  # why a step can never be as the config says, by step
    reservations: Mapping[str, ReservationFacts | Unread] = field(default_factory=dict)  # by node group
    system_pods: SystemPods | None = None  # None: nodes come as pods need them
    homeless: Mapping[str, Problem] = field(default_factory=dict)  # models that no node could ever take
    unservable: tuple[Problem, ...] = ()  # of models' folders, as they lie there
    disk_keys: Mapping[str, DiskKey | Unread] = field(default_factory=dict)  # by node group
