"""Faults of the running local world, by name: what each of the names in `names` does.

A name gives a plan, and a seed the calls that it strikes; several names make one plan. Some names take an argument,
such as a health code of EKS (https://docs.aws.amazon.com/eks/latest/APIReference/API_Issue.html lists them).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from eksprov.local.aws.conditions import Conditions
from eksprov.local.aws.ec2.capacity import Shortage
from eksprov.local.faults.names import place, problem, quota, split
from eksprov.local.faults.plan import Fate, Fault, FaultPlan, Lag

LAST_CALL: Final = 3000  # calls beyond this one are let through
Make = Callable[[random.Random, str], FaultPlan]


def _sometimes(chance: random.Random, gap: int) -> Iterator[int]:
    """The numbers of the calls that are struck: one in `gap`, and never two in a row."""
    at = 0
    while (at := at + chance.randint(2, 2 * gap - 2)) < LAST_CALL:
        yield at


def _lost_answers(chance: random.Random, _: str) -> FaultPlan:
    return FaultPlan(faults=tuple(Fault("drop", at=at, mutating=True) for at in _sometimes(chance, 8)))


def _server_errors(chance: random.Random, _: str) -> FaultPlan:
    said: dict[str, Any] = {"code": "InternalError", "message": "An internal error has occurred", "status": 503}
    return FaultPlan(faults=tuple(Fault("refuse", at=at, **said) for at in _sometimes(chance, 10)))


def _no_capacity(_: random.Random, argument: str) -> FaultPlan:
    where = place(argument)
    short = Shortage(where.instance_type, where.zone, where.buying)
    return FaultPlan(conditions=Conditions(short=(short,)))


def _quota(_: random.Random, argument: str) -> FaultPlan:
    return FaultPlan(conditions=Conditions(quotas=(quota(argument),)))


def _always(plan: FaultPlan) -> Make:
    return lambda *_: plan


def _fated(of: str, usual_code: str) -> Make:
    said = "switched on in the local world"
    return lambda _, code: FaultPlan(fates=(Fate(of, code or usual_code, said),))


NAMED: Final[dict[str, Make]] = {
    "no-capacity": _no_capacity,
    "quota": _quota,
    "nodes-never-join": _always(FaultPlan(conditions=Conditions(nodes_join=False))),
    "nodegroup-degraded": lambda _, code: FaultPlan(conditions=Conditions(ailing=code or "InstanceLimitExceeded")),
    "nodegroup-create-failed": _fated("nodegroup", "AsgInstanceLaunchFailures"),
    "nodegroup-delete-failed": _fated("nodegroup-delete", "Ec2SecurityGroupDeletionFailure"),
    "cluster-create-failed": _fated("cluster", "InternalFailure"),
    "addon-create-failed": _fated("addon", "AdmissionRequestDenied"),
    "update-failed": _fated("update", "Unknown"),
    "leaked-interface": _fated("leaked-interface", "amazon-vpc-cni"),
    "left-load-balancer": _fated("left-load-balancer", ""),
    "left-volume": _fated("left-volume", ""),
    "left-security-group": _fated("left-security-group", ""),
    "guardduty-endpoint": _fated("guardduty-endpoint", ""),
    "lost-answers": _lost_answers,
    "server-errors": _server_errors,
    "throttle": _always(FaultPlan(buckets=True, noise=0.1)),
    "stale-reads": _always(FaultPlan(lag=Lag(ec2_s=20, tags_s=20, iam_s=10))),
    "access-entry-lag": _always(FaultPlan(conditions=Conditions(entry_lag_s=20))),
    "bucket-name-rests": _always(FaultPlan(conditions=Conditions(bucket_name_rests_s=600))),
    "role-lag": _always(FaultPlan(lag=Lag(usable_s=60))),
}


def plan_of(names: Iterable[str], seed: int) -> FaultPlan:
    """One plan for all of them. Raises: ValueError for a name that is none."""
    plan = FaultPlan(seed)
    for name in names:
        why, _ = problem(name)
        if why:
            raise ValueError(why)
        word, argument = split(name)
        plan = both(plan, NAMED[word](random.Random(f"{word} {seed}"), argument))
    return plan


def both(one: FaultPlan, other: FaultPlan) -> FaultPlan:
    """One plan of two, with the seed of the first."""
    return FaultPlan(
        one.seed,
        one.faults + other.faults,
        _slower(one.lag, other.lag),
        one.fates + other.fates,
        one.buckets or other.buckets,
        max(one.noise, other.noise),
        one.conditions | other.conditions,
    )


def _slower(one: Lag | None, other: Lag | None) -> Lag | None:
    if one is None or other is None:
        return one or other
    pairs = ((one.ec2_s, other.ec2_s), (one.tags_s, other.tags_s), (one.iam_s, other.iam_s))
    ec2, tags, iam = (max(pair) for pair in pairs)
    return Lag(ec2, tags, iam, max(one.usable_s, other.usable_s))
