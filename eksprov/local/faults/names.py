"""The names of what can go wrong in the local world, as `local.faults` and `eksprov local faults set` take them.

A fault is a name; some take an argument after a colon, such as "no-capacity:g5.xlarge/SPOT". Only the words are here,
so that a config is judged without a world; what each of them does is in `named`.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Final

_INSTANCE_TYPE: Final = re.compile(r"[a-z][a-z0-9-]*\.[a-z0-9-]+")
_ZONE: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-\d[a-z]|[a-z]{2,5}\d-az\d")
_BUYING: Final = re.compile(r"ON_DEMAND|SPOT|CAPACITY_BLOCK")
_QUOTA: Final = re.compile(r"(L-[0-9A-F]{8})=(\d{1,9})")
_CODE: Final = re.compile(r"[A-Z][A-Za-z0-9]+")


@dataclass(frozen=True)
class Word:
    """One name: what it does, and how its argument is shown (in brackets: it may be left out; empty: it takes none)."""

    says: str
    argument: str = ""


FAULTS: Final = {
    "no-capacity": Word(
        "EC2 has no such instances; TYPE, ZONE and way of buying may each be left out: no-capacity:g5.xlarge/SPOT",
        "[TYPE/ZONE/BUYING]",
    ),
    "quota": Word("a Service Quota has this value: quota:L-DB2E81BA=0 allows no On-Demand G instance", "CODE=VALUE"),
    "nodes-never-join": Word("instances start, but do not become nodes"),
    "nodegroup-degraded": Word("active node groups have a health issue and are DEGRADED", "[CODE]"),
    "nodegroup-create-failed": Word("the first node group made ends as CREATE_FAILED", "[CODE]"),
    "nodegroup-delete-failed": Word("the first node group deleted ends as DELETE_FAILED", "[CODE]"),
    "cluster-create-failed": Word("the first cluster made ends as FAILED", "[CODE]"),
    "addon-create-failed": Word("the first add-on made ends as CREATE_FAILED", "[CODE]"),
    "update-failed": Word("the first update of a cluster or node group ends as Failed", "[CODE]"),
    "leaked-interface": Word("the first node group (or cluster) deleted leaves an interface in the cluster's group"),
    "left-load-balancer": Word("the first cluster deleted leaves a load balancer, its target group and security group"),
    "left-volume": Word("the first cluster deleted leaves the volume of a claim"),
    "left-security-group": Word("the first cluster deleted leaves the security group that EKS made for it"),
    "guardduty-endpoint": Word("GuardDuty puts an endpoint and its group into the VPC of the first cluster deleted"),
    "lost-answers": Word("one change in eight is made, but its answer never arrives"),
    "server-errors": Word("one call in ten is answered with a server's error (503)"),
    "throttle": Word("EC2's request buckets, and one call in ten is throttled"),
    "stale-reads": Word("what was just made is hidden from some readings, for up to 20 s"),
    "access-entry-lag": Word("a new access entry takes no policies for 20 s"),
    "bucket-name-rests": Word("the name of a deleted bucket is taken for ten minutes more"),
    "role-lag": Word("EKS does not know new roles for up to 60 s"),
}


@dataclass(frozen=True)
class Place:
    """The argument of no-capacity; an empty field stands for all."""

    instance_type: str = ""
    zone: str = ""
    buying: str = ""


def split(fault: str) -> tuple[str, str]:
    """A fault as it is written ("no-capacity:p5.48xlarge") as its name and its argument."""
    name, _, argument = fault.partition(":")
    return name, argument


def shown(name: str) -> str:
    """The name with its argument, for people."""
    argument = FAULTS[name].argument
    bare = argument.strip("[]")
    return f"{name}[:{bare}]" if bare != argument else f"{name}:{bare}" if bare else name


def problem(fault: str) -> tuple[str, str]:
    """Why a text is no fault, and the cure; both empty for one that is."""
    name, colon, argument = fault.partition(":")
    if name not in FAULTS:
        near = difflib.get_close_matches(name, FAULTS, 1)
        nearest = f"did you mean {near[0]}? " if near else ""
        return f"no such fault: {fault!r}", f"{nearest}there are {', '.join(FAULTS)}"
    form = FAULTS[name].argument
    if not colon and (not form or form.startswith("[")):
        return "", ""
    if not form:
        return f"{fault!r}: {name} takes no argument", f"write {name}"
    well = {"[CODE]": _is_code, "CODE=VALUE": _is_quota, "[TYPE/ZONE/BUYING]": _is_place}[form](argument)
    return ("", "") if well else (f"{fault!r} is not of the form {shown(name)}", FAULTS[name].says)


def place(argument: str) -> Place:
    """The argument of no-capacity, its parts in any order. Raises: ValueError where one is none or comes twice."""
    found: dict[str, str] = {}
    for part in argument.split("/") if argument else ():
        kinds = (("instance_type", _INSTANCE_TYPE), ("zone", _ZONE), ("buying", _BUYING))
        kind = next((kind for kind, form in kinds if form.fullmatch(part)), "")
        if not kind or kind in found:
            raise ValueError(f"{part!r} is no instance type, zone or way of buying that is still open")
        found[kind] = part
    return Place(**found)


def quota(argument: str) -> tuple[str, float]:
    """Code and value of a quota. Raises: ValueError."""
    found = _QUOTA.fullmatch(argument)
    if found is None:
        raise ValueError(f"{argument!r} is not of the form L-DB2E81BA=0")
    return found[1], float(found[2])


def _is_code(argument: str) -> bool:
    return _CODE.fullmatch(argument) is not None


def _is_quota(argument: str) -> bool:
    return _QUOTA.fullmatch(argument) is not None


def _is_place(argument: str) -> bool:
    try:
        return place(argument) != Place()
    except ValueError:
        return False
