"""Rules of node groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from eksprov.config.document import Path
from eksprov.config.rules.base import Finding, finding, qualified, twice
from eksprov.config.schema import NodeGroup, Taint

LONGEST_LABEL: Final = 63


def node_group(group: NodeGroup, at: Path) -> Iterator[Finding]:
    least, wanted, most = (*at, "min_size"), (*at, "desired_size"), (*at, "max_size")
    if group.min_size > group.max_size:
        yield finding(f"{group.min_size} is more than max_size {group.max_size}", least, most)
    elif group.desired_size < group.min_size:
        yield finding(f"{group.desired_size} is less than min_size {group.min_size}", wanted, least)
    elif group.desired_size > group.max_size:
        yield finding(f"{group.desired_size} is more than max_size {group.max_size}", wanted, most)
    yield from twice((*at, "instance_types"), None, group.instance_types)
    for key, value in group.labels.items():
        where = (*at, "labels", key)
        yield from list(qualified(key, value, where, where)) or _label(key, value, where)
    for index, taint in enumerate(group.taints):
        yield from qualified(taint.key, taint.value, (*at, "taints", index, "key"), (*at, "taints", index, "value"))
    yield from twice((*at, "taints"), None, map(_identity, group.taints))
    yield from twice((*at, "zone_ids"), None, group.zone_ids)
    yield from _buying(group, at)
    yield from _one_zone(group, at)
    yield from _system(group, at)
    yield from _volume(group, at)
    yield from _updates(group, at)
    yield from _pool(group, at)


def _label(key: str, value: str, at: Path) -> Iterator[Finding]:
    """EKS counts a key's prefix too, and takes no empty value, although Kubernetes does
    (https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateNodegroup.html, labels)."""
    if len(key) > LONGEST_LABEL:
        message = f"{len(key)} characters are too many: EKS takes {LONGEST_LABEL}, the prefix included"
        yield finding(message, at, hint="shorten the prefix or the name")
    if not value:
        yield finding("EKS takes no label of a node group without a value", at, hint='give it one, like "true"')


def _identity(taint: Taint) -> str:
    return f"{taint.key}:{taint.effect}"


def _buying(group: NodeGroup, at: Path) -> Iterator[Finding]:
    how, reservation = (*at, "capacity_type"), (*at, "capacity_reservation_id")
    if group.capacity_type == "SPOT" and group.capacity_reservation_id:
        hint = "buy it ON_DEMAND, or as CAPACITY_BLOCK if it is one"
        yield finding("SPOT instances cannot be launched into a reservation", how, reservation, hint=hint)
    if group.capacity_type != "CAPACITY_BLOCK":
        return
    if not group.capacity_reservation_id:
        yield finding("a capacity block is found by its reservation", how, hint="set capacity_reservation_id")
    if len(group.instance_types) > 1:
        types = (*at, "instance_types")
        yield finding("a capacity block is of one instance type", types, how, hint="name that type alone")


def _one_zone(group: NodeGroup, at: Path) -> Iterator[Finding]:
    """A reservation lies in one zone, a cluster placement group too, and EFA does not cross zones.

    Which zone the reservation's is, EC2 says.
    """
    if len(group.zone_ids) == 1 or (group.capacity_reservation_id and not group.zone_ids):
        return
    reasons = {
        "capacity_reservation_id": "a capacity reservation lies in one zone",
        "placement_group": "a cluster placement group lies in one zone",
        "efa": "EFA traffic stays in one zone",
    }
    for key, reason in reasons.items():
        if getattr(group, key):
            named = ", ".join(group.zone_ids) or "none"
            hint = "name that zone alone under zone_ids, like [usw2-az1]"
            yield finding(f"{reason}, but zone_ids names {named}", (*at, key), (*at, "zone_ids"), hint=hint)
            return


def _system(group: NodeGroup, at: Path) -> Iterator[Finding]:
    bottlerocket, named = group.ami_family == "bottlerocket", (group.ami_type or "").startswith("BOTTLEROCKET")
    if group.ami_type and "ami_family" in group.model_fields_set and bottlerocket != named:
        paths = (*at, "ami_type"), (*at, "ami_family")
        yield finding(f"{group.ami_type} is not of the family {group.ami_family}", *paths, hint="name one of them")
    if group.local_storage != "none" and (bottlerocket or named):
        yield finding("local_storage works with al2023 only", (*at, "local_storage"), (*at, "ami_family"))


def _volume(group: NodeGroup, at: Path) -> Iterator[Finding]:
    """gp3: at most 500 IOPS a GiB and a quarter of a MiB/s for each.

    https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html
    """
    if group.disk_size_gib and group.disk_iops > 500 * group.disk_size_gib:
        most = f"{group.disk_size_gib} GiB carry {500 * group.disk_size_gib} at most"
        yield finding(f"{group.disk_iops} is too many: {most}", (*at, "disk_iops"), (*at, "disk_size_gib"))
    through = group.disk_throughput_mib
    if through and 4 * through > group.disk_iops:
        hint = f"set disk_iops to {4 * through} or more"
        paths = (*at, "disk_throughput_mib"), (*at, "disk_iops")
        yield finding(f"{through} MiB/s need {4 * through} operations a second", *paths, hint=hint)


def _updates(group: NodeGroup, at: Path) -> Iterator[Finding]:
    number, percentage = (*at, "max_unavailable"), (*at, "max_unavailable_percentage")
    if group.max_unavailable and group.max_unavailable_percentage:
        yield finding("the number and the percentage exclude each other", percentage, number, hint="leave one out")


def _pool(group: NodeGroup, at: Path) -> Iterator[Finding]:
    """What https://docs.aws.amazon.com/eks/latest/userguide/warm-pools-managed-node-groups.html does not allow.

    Not with Spot: https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutWarmPool.html.
    """
    pool, here = group.warm_pool, (*at, "warm_pool")
    if not pool.enabled:
        for key in sorted(pool.model_fields_set - {"enabled"}):
            off = (*here, "enabled")
            yield finding("has no effect while warm_pool.enabled is false", (*here, key), off, level="warning")
        return
    if group.capacity_type != "ON_DEMAND":
        yield finding(f"{group.capacity_type} groups have no warm pool", (*here, "enabled"), (*at, "capacity_type"))
    most = pool.max_prepared or group.max_size
    if pool.min_size > most:
        yield finding(f"{pool.min_size} is more than the {most} of pool and group together", (*here, "min_size"))
    named = (group.ami_type or "").startswith("BOTTLEROCKET")
    if (named or group.ami_family == "bottlerocket") and (pool.state == "HIBERNATED" or pool.reuse_on_scale_in):
        key, system = (
            "state" if pool.state == "HIBERNATED" else "reuse_on_scale_in",
            "ami_type" if named else "ami_family",
        )
        yield finding("bottlerocket has no such warm pool", (*here, key), (*at, system))
