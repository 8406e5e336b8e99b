"""What is settled once, when a stack is made, and kept: account, Kubernetes version, zones, the first admin.

A value that the state recorded stands, unless the world has moved on: what the config does not say is no wish, so where
AWS upgrades the cluster by itself, or others change its settings, the record follows and a note says so. Where the
state is lost the living stack says it (the cluster's version, the zones of its subnets, its access entry). Only what
neither knows is decided now: EKS's default version, the first zones by name, and whoever calls as the admin. So a
config that leaves these out means the same stack for ever, whoever runs it and whatever AWS's defaults become.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eksprov import errors
from eksprov.aws.faults import translated
from eksprov.aws.session import Aws, Identity
from eksprov.aws.tags import as_dict, owner_of
from eksprov.core.change import UNKNOWN
from eksprov.core.convergence.converge import is_ours
from eksprov.core.names import InCluster
from eksprov.core.step import Owner
from eksprov.core.words import plural
from eksprov.steps.absent import none_if
from eksprov.steps.addons.versions import lacking_addons
from eksprov.steps.cluster import settled as settled_cluster
from eksprov.steps.cluster.reading import described_cluster
from eksprov.steps.identity.access_entry import AccessEntry
from eksprov.steps.identity.principal import principal_of
from eksprov.steps.network.ec2 import by_tag
from eksprov.steps.network.existing_network import fit
from eksprov.steps.network.existing_subnet import NO_CONTROL_PLANE, subnets_in
from eksprov.steps.network.subnet import Subnet
from eksprov.steps.node_groups import reservations
from eksprov.steps.node_groups.instances import InstanceFacts, as_text, ask, family_name, from_text, types_of
from eksprov.steps.node_groups.reservations import Reservation

if TYPE_CHECKING:
    from eksprov.config.schema import Config


NONE = "none"
WHOEVER_CALLS = "the-caller"  # stands for the first admin of a stack that was never made
WITHOUT = {"metrics-server": ": models cannot scale by load until you install one"}


@dataclass(frozen=True)
class Zone:
    """An availability zone: `name` is the account's ("us-west-2a"), `id` everybody's ("usw2-az1")."""

    name: str
    id: str


@dataclass(frozen=True)
class Settled:
    """`kubernetes_version` is wanted, `created_version` was settled; `admin_principal_arn` counts without `access:`.

    `cluster` has the settings of the control plane that the config leaves open, as JSON by key; `stranger` is the ARN
    of a cluster of the stack's name that is not the stack's.
    """

    account: str
    partition: str
    region: str
    kubernetes_version: str
    created_version: str
    zones: tuple[Zone, ...]
    admin_principal_arn: str = ""
    instances: tuple[InstanceFacts, ...] = ()  # what EC2 said of the config's instance types, those it knows
    reservations: tuple[Reservation, ...] = ()  # the capacity reservations that the config names
    lacking: tuple[str, ...] = ()  # the add-ons of every stack that EKS does not offer here
    cluster: Mapping[str, str] = field(default_factory=dict)
    stranger: str = field(default="", compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False)

    def over(self, config: Config) -> Config:
        """The config as it counts: with the settings of the control plane that it leaves open."""
        return settled_cluster.over(config, self.cluster)


def as_record(settled: Settled) -> dict[str, str]:
    """What is settled as the state keeps it, in flat text."""
    record = {
        "account": settled.account,
        "partition": settled.partition,
        "region": settled.region,
        "kubernetes_version": settled.created_version,
        "zones": ",".join(f"{zone.name}={zone.id}" for zone in settled.zones),
        "admin_principal_arn": settled.admin_principal_arn,
        "instances": as_text(settled.instances),
        "reservations": reservations.as_text(settled.reservations),
        "lacking_addons": ",".join(settled.lacking) or NONE,
        **settled_cluster.as_record(settled.cluster),
    }
    return {key: value for key, value in record.items() if value}


def from_record(config: Config, recorded: Mapping[str, str]) -> Settled | None:
    """What is settled, without asking AWS; None where nothing ever was. Zones not chosen yet are UNKNOWN."""
    version = recorded.get("kubernetes_version", "")
    zones = _recorded_zones(recorded)
    if not (version and zones and "account" in recorded):
        return None
    wanted = len(zones) if config.network.vpc_id else config.network.availability_zones
    more = tuple(Zone(UNKNOWN, UNKNOWN) for _ in range(wanted - len(zones)))
    return Settled(
        account=recorded["account"],
        partition=recorded.get("partition", "aws"),
        region=recorded.get("region", config.region),
        kubernetes_version=config.kubernetes_version or version,
        created_version=version,
        zones=(*zones, *more)[:wanted],
        admin_principal_arn=recorded.get("admin_principal_arn", ""),
        instances=_recorded_instances(config, recorded),
        reservations=tuple(reservations.from_text(recorded.get("reservations", "")).values()),
        lacking=_recorded_lacking(recorded),
        cluster=settled_cluster.from_record(recorded),
    )


def unsettled(config: Config) -> Settled:
    """What a stack that was never made would settle, without asking AWS: what is decided there is UNKNOWN."""
    network, version = config.network, config.kubernetes_version or UNKNOWN
    wanted = len(network.subnet_ids) if network.vpc_id else network.availability_zones
    zones = tuple(Zone(UNKNOWN, UNKNOWN) for _ in range(wanted))
    return Settled(UNKNOWN, "aws", config.region, version, version, zones, WHOEVER_CALLS)


def resolve(aws: Aws, config: Config, recorded: Mapping[str, str]) -> Settled:
    """Living where the config is silent, else recorded, else decided now.

    A fully recorded stack costs a look at its cluster and one at EKS's default version.

    Raises: UsageError (too few zones, or a caller that cannot be an admin), AccessError.
    """
    with translated("settle version, zones and admin of the stack"):
        identity = _identity(aws, recorded)
        before, admin = recorded.get("kubernetes_version", ""), recorded.get("admin_principal_arn", "")
        asks_admin = not admin and not config.access
        found = described_cluster(aws, config.name)
        living = found if found and is_ours(owner_of(found.get("tags")), aws.owner) else None
        default = "" if config.kubernetes_version else _default_version(aws)
        version = str(living["version"]) if living else before or config.kubernetes_version or default
        settings, moved = settled_cluster.settled(config, living, recorded)
        zones, warnings = _places(aws, config, recorded, first=not living)
        instances = _instances(aws, config, recorded)
        reserved = reservations.settled(aws, config, recorded.get("reservations", ""))
        lacking = _recorded_lacking(recorded) if "lacking_addons" in recorded else lacking_addons(aws, version)
        said = (*_without(lacking, aws.region), *_moved(config, version, before), *moved)
        if asks_admin:
            admin = (_living_admin(aws, config.name) if living else "") or principal_of(aws, identity)
    return Settled(
        account=identity.account,
        partition=identity.partition,
        region=aws.region,
        kubernetes_version=config.kubernetes_version or version,
        created_version=version,
        zones=zones,
        admin_principal_arn=admin,
        instances=instances,
        reservations=reserved,
        lacking=lacking,
        cluster=settings,
        stranger=str(found["arn"]) if found and not living else "",
        notes=(*said, *_notes(config, version, default, zones), *_unknown_types(config, instances), *warnings),
    )


def _identity(aws: Aws, recorded: Mapping[str, str]) -> Identity:
    """Who calls; the ARN is only asked for where it may become the admin's."""
    if {"account", "partition", "admin_principal_arn"} <= recorded.keys():
        return Identity(recorded["account"], "", recorded["partition"])
    return aws.identity()


def _living_admin(aws: Aws, stack: str) -> str:
    """The principal of the stack's first access entry; empty where there is none."""
    return next(iter(sorted(InCluster.parse(found.slug).name for found in AccessEntry.list_owned(aws, stack))), "")


def _default_version(aws: Aws) -> str:
    """The version that EKS gives a cluster that asks for none; empty where the caller may not know."""
    eks = aws.clients.eks
    answer = none_if(lambda: eks.describe_cluster_versions(defaultOnly=True), "AccessDenied", "AccessDeniedException")
    versions = answer["clusterVersions"] if answer is not None else []
    return next((found["clusterVersion"] for found in versions if found.get("defaultVersion", True)), "")


def _recorded_instances(config: Config, recorded: Mapping[str, str]) -> tuple[InstanceFacts, ...]:
    known = from_text(recorded.get("instances", ""))
    return tuple(known[name] for name in types_of(config) if name in known)


def _instances(aws: Aws, config: Config, recorded: Mapping[str, str]) -> tuple[InstanceFacts, ...]:
    """What the config's instance types have; only those not recorded yet are asked for."""
    known = {one.name: one for one in _recorded_instances(config, recorded)}
    missing = [name for name in types_of(config) if name not in known]
    known |= {one.name: one for one in (ask(aws, missing) if missing else ())}
    return tuple(known.get(name, InstanceFacts(name)) for name in types_of(config))


def _recorded_zones(recorded: Mapping[str, str]) -> tuple[Zone, ...]:
    pairs = (text.split("=", 1) for text in recorded.get("zones", "").split(",") if "=" in text)
    return tuple(Zone(name, zone_id) for name, zone_id in pairs)


def _places(
    aws: Aws, config: Config, recorded: Mapping[str, str], *, first: bool
) -> tuple[tuple[Zone, ...], tuple[str, ...]]:
    """The zones, and warnings. An existing VPC is examined once, before anything of the stack is made in it.

    Later its subnets fill up with the stack's own nodes; what must always hold is then checked by its steps.
    """
    if not config.network.vpc_id:
        return _zones(aws, config, recorded), ()
    zones = _recorded_zones(recorded)
    if zones:
        return zones, ()
    if first:
        subnets, warnings = fit(aws, config)
    else:
        there = subnets_in(aws, config.network.vpc_id)
        subnets, warnings = tuple(there[i] for i in config.network.subnet_ids if i in there), ()
    return tuple(dict.fromkeys(Zone(subnet.zone, subnet.zone_id) for subnet in subnets)), warnings


def _zones(aws: Aws, config: Config, recorded: Mapping[str, str]) -> tuple[Zone, ...]:
    """As many as the config asks for: those that are in use first. Raises: UsageError where the region has too few."""
    wanted = config.network.availability_zones
    zones = _recorded_zones(recorded) or _living_zones(aws)
    if len(zones) >= wanted:
        return zones[:wanted]
    taken = {zone.name for zone in zones}
    zones = (*zones, *(zone for zone in _usable_zones(aws, config) if zone.name not in taken))
    if len(zones) < wanted:
        raise errors.UsageError(
            f"{aws.region} has only {plural(len(zones), 'zone')} that may be used, "
            f"but network.availability_zones is {wanted}",
            "ask for fewer, exclude fewer, or choose another region",
        )
    return zones[:wanted]


def _living_zones(aws: Aws) -> tuple[Zone, ...]:
    """The zones of the stack's own subnets, in the order of their numbers; read with the listing all subnets share."""
    filters = [by_tag("eksprov:stack", aws.owner.stack)]
    found: dict[int, Zone] = {}
    for item in aws.listing(f"ec2/{Subnet.kind}", lambda: Subnet.load(aws, filters)):
        owner: Owner | None = owner_of(as_dict(item.get("Tags")))
        number = owner.step.rsplit("-", 1)[-1] if owner is not None and is_ours(owner, aws.owner) else ""
        if number.isdecimal():
            found[int(number)] = Zone(item["AvailabilityZone"], item["AvailabilityZoneId"])
    unbroken = [found[number] for number in range(1, len(found) + 1) if number in found]
    return tuple(unbroken) if len(unbroken) == len(found) else ()


def _usable_zones(aws: Aws, config: Config) -> list[Zone]:
    """The region's own zones (no local or wavelength zones) in the order of their names."""
    filters = [{"Name": "zone-type", "Values": ["availability-zone"]}, {"Name": "state", "Values": ["available"]}]
    found = aws.clients.ec2.describe_availability_zones(Filters=filters)["AvailabilityZones"]  # type: ignore[arg-type]  # plain dicts serve
    excluded = NO_CONTROL_PLANE | set(config.network.exclude_zone_ids)
    zones = [Zone(zone["ZoneName"], zone["ZoneId"]) for zone in found if zone["ZoneId"] not in excluded]
    return sorted(zones, key=lambda zone: zone.name)


def _moved(config: Config, version: str, before: str) -> Iterator[str]:
    """AWS upgrades a cluster whose version it no longer supports
    (https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html)."""
    if before not in ("", version) and not config.kubernetes_version:
        yield f"the cluster runs Kubernetes {version} by now, was {before}; the config names none: the record follows"


def _notes(config: Config, version: str, default: str, zones: tuple[Zone, ...]) -> Iterator[str]:
    if default and _number(default) > _number(version):
        yield f"EKS's default is Kubernetes {default} by now; this stack keeps {version}"
    for zone in zones:
        if zone.id in config.network.exclude_zone_ids:
            yield f"zone {zone.id} is excluded by the config but already in use; it is kept"


def _recorded_lacking(recorded: Mapping[str, str]) -> tuple[str, ...]:
    found = recorded.get("lacking_addons", NONE)
    return () if found == NONE else tuple(found.split(","))


def _without(lacking: tuple[str, ...], region: str) -> Iterator[str]:
    """What a stack is like without an add-on that all others have."""
    for name in lacking:
        yield f"EKS has no add-on {name} in {region}, so the stack is made without it{WITHOUT.get(name, '')}"


def _unknown_types(config: Config, instances: tuple[InstanceFacts, ...]) -> Iterator[str]:
    """Types of node pools that EC2 does not know: nobody would ever say so, the pool would just launch none of them."""
    unknown = {one.name for one in instances if not one.architecture}
    for pool in config.node_pools:
        names = (*pool.instance_types, *map(family_name, pool.instance_families))
        if wrong := [name for name in names if name in unknown]:
            yield f"EC2 has no {', '.join(wrong)} in this region: node pool {pool.name} launches none of that"


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
