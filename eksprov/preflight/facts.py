"""What preflight reads, as data; `Unread` stands where AWS did not answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from eksprov.aws.session import Identity
from eksprov.errors import Problem


@dataclass(frozen=True)
class Unread:
    """In place of a fact that could not be read: nobody knows it, and this is why."""

    why: str


NOT_ASKED = Unread("nothing of this run needs it")


@dataclass(frozen=True)
class Question:
    """What IAM's policy simulator is asked in one call: pairs of an action and a resource, under condition keys."""

    pairs: frozenset[tuple[str, str]]
    context: Mapping[str, str]


@dataclass(frozen=True)
class TypeFacts:
    """An instance type: vCPUs, memory, and how many addresses its network interfaces can hold."""

    vcpus: int
    interfaces: int
    addresses_per_interface: int
    memory_mib: int = 0


@dataclass(frozen=True)
class ReservationFacts:
    """A capacity reservation: EC2's word for its state, and how many instances it has room for."""

    id: str
    state: str
    free: int


@dataclass(frozen=True)
class DiskKey:
    """The key of a node group's disks: what is wrong with it, and the cure; both empty for one that serves."""

    arn: str
    problem: str = ""
    cure: str = ""


@dataclass(frozen=True)
class VersionFacts:
    """A version's support (STANDARD_SUPPORT, EXTENDED_SUPPORT or UNSUPPORTED), and when the standard one ends."""

    status: str
    standard_until: date | None


@dataclass(frozen=True)
class Use:
    """What the account uses in the region: vCPUs by quota code, addresses, VPCs, clusters, NAT gateways by zone."""

    vcpus: Mapping[str, int] | Unread
    elastic_ips: int | Unread
    vpcs: int | Unread
    clusters: int | Unread
    nat_gateways: Mapping[str, int] | Unread


@dataclass(frozen=True)
class SystemPods:
    """What has to find room on the nodes of the node groups alone: the pods of these add-ons.

    `max_pods` are the config's own limits by node group; `grows`: an autoscaler may bring nodes up to max_size;
    `prefixes`: network interfaces take prefixes of addresses, not single ones.
    """

    addons: frozenset[str]
    max_pods: Mapping[str, int] = field(default_factory=dict)
    grows: bool = False
    prefixes: bool = False


@dataclass(frozen=True)
class PreflightFacts:
    """Everything that was read. Zones are the stack's, by name; `scores` are by node group.

    `fallbacks` names the node groups that have another choice of types, market or zones to go to, with the quota codes
    of all their choices; `impossible` the
    steps that can never be as the config says, and why; `reservations` and `disk_keys` are by node group; `system_pods`
    is None where nodes come as pods need them.
    """

    identity: Identity
    region: str
    today: date
    zones: tuple[str, ...]
    quotas: Mapping[str, float | Unread] = field(default_factory=dict)
    use: Use = Use(NOT_ASKED, NOT_ASKED, NOT_ASKED, NOT_ASKED, NOT_ASKED)
    types: Mapping[str, TypeFacts] | Unread = NOT_ASKED
    offerings: Mapping[str, frozenset[str]] | Unread = NOT_ASKED
    scores: Mapping[str, int | Unread] = field(default_factory=dict)
    versions: Mapping[str, VersionFacts] | Unread = NOT_ASKED
    denied: Mapping[str, str] | Unread = NOT_ASKED  # action to IAM's decision
    fallbacks: Mapping[str, frozenset[str]] = field(default_factory=dict)
    impossible: Mapping[str, str] = field(default_factory=dict)
    reservations: Mapping[str, ReservationFacts | Unread] = field(default_factory=dict)
    system_pods: SystemPods | None = None
    homeless: Mapping[str, Problem] = field(default_factory=dict)  # models that no node could ever take
    unservable: tuple[Problem, ...] = ()  # of models' folders, as they lie there
    disk_keys: Mapping[str, DiskKey | Unread] = field(default_factory=dict)
