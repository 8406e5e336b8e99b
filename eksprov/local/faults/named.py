"""Faults of the running local world, by name: what a user can switch on to see how a run copes.

A name gives a plan, and a seed the calls that it strikes; several names make one plan. A name with a health code of
EKS takes another one after a colon, such as "nodegroup-create-failed:InsufficientFreeAddresses"
(https://docs.aws.amazon.com/eks/latest/APIReference/API_Issue.html lists them).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from eksprov.local.faults.plan import Fate, Fault, FaultPlan, Lag

LAST_CALL: Final = 3000  # calls beyond this one are let through
NO_CODE: Final = ""


@dataclass(frozen=True)
class Named:
    """One name: what it does, and its plan by chance and code; `code` is the health code where none is given."""

    says: str
    plan: Callable[[random.Random, str], FaultPlan]
    code: str = NO_CODE


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


def _fated(of: str) -> Callable[[random.Random, str], FaultPlan]:
    said = "switched on by `eksprov local faults`"
    return lambda _, code: FaultPlan(fates=(Fate(of, code, said),))


NAMED: Final = {
    "lost-answers": Named("one change in eight is made, but its answer never arrives", _lost_answers),
    "server-errors": Named("one call in ten is answered with a server's error (503)", _server_errors),
    "throttle": Named(
        "EC2's request buckets, and one call in ten is throttled", lambda *_: FaultPlan(buckets=True, noise=0.1)
    ),
    "stale-reads": Named(
        "what was just made is hidden from some readings, for up to 20 s",
        lambda *_: FaultPlan(lag=Lag(ec2_s=20, tags_s=20, iam_s=10)),
    ),
    "role-lag": Named("EKS does not know new roles for up to 60 s", lambda *_: FaultPlan(lag=Lag(usable_s=60))),
    "leaked-interface": Named(
        "the first node group deleted leaves a network interface in a subnet", _fated("leaked-interface"),
        "amazon-vpc-cni",
    ),
    "nodegroup-create-failed": Named(
        "the first node group made ends as CREATE_FAILED", _fated("nodegroup"), "AsgInstanceLaunchFailures"
    ),
    "nodegroup-delete-failed": Named(
        "the first node group deleted ends as DELETE_FAILED", _fated("nodegroup-delete"),
        "Ec2SecurityGroupDeletionFailure",
    ),
    "cluster-create-failed": Named("the first cluster made ends as FAILED", _fated("cluster"), "InternalFailure"),
    "addon-create-failed": Named(
        "the first add-on made ends as CREATE_FAILED", _fated("addon"), "AdmissionRequestDenied"
    ),
    "update-failed": Named("the first update of a cluster or node group ends as Failed", _fated("update"), "Unknown"),
}  # fmt: skip


def unknown(names: Iterable[str]) -> list[str]:
    """Those that are no names of faults, or give a code where none is taken."""
    return [name for name in names if not _known(name)]


def plan_of(names: Iterable[str], seed: int) -> FaultPlan:
    """One plan for all of them. Raises: ValueError for a name that is none."""
    plan = FaultPlan(seed)
    for name in names:
        if not _known(name):
            raise ValueError(f"no such fault: {name!r}; there are {', '.join(NAMED)}")
        word, _, code = name.partition(":")
        found = NAMED[word]
        plan = _both(plan, found.plan(random.Random(f"{word} {seed}"), code or found.code))
    return plan


def _known(name: str) -> bool:
    word, colon, code = name.partition(":")
    if word not in NAMED:
        return False
    return not colon or bool(code and NAMED[word].code and word != "leaked-interface")


def _both(one: FaultPlan, other: FaultPlan) -> FaultPlan:
    return FaultPlan(
        one.seed,
        one.faults + other.faults,
        _slower(one.lag, other.lag),
        one.fates + other.fates,
        one.buckets or other.buckets,
        max(one.noise, other.noise),
    )


def _slower(one: Lag | None, other: Lag | None) -> Lag | None:
    if one is None or other is None:
        return one or other
    pairs = ((one.ec2_s, other.ec2_s), (one.tags_s, other.tags_s), (one.iam_s, other.iam_s))
    ec2, tags, iam = (max(pair) for pair in pairs)
    return Lag(ec2, tags, iam, max(one.usable_s, other.usable_s))
