"""What the operator of a stack must be allowed in IAM, from the stack's steps alone: nothing is asked of AWS.

A phase is what the operator does: provision, lock, deploy-model, teardown. A need is one IAM action on some resources
(`aws.rights.Need`). Each kind of step lists its own by what is done with it: read, make, change, delete, … (its method
`rights`, a `Rights`). `needs` gathers those of a phase; `checks` adds what preflight reads, `leftovers` what a teardown
does with leftovers of controllers; `document` writes policies of them, small enough for IAM. tests/permissions compares
them with the calls that are really made, in both directions: every call is allowed, and nothing is allowed that no call
needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final, Literal

from eksprov.aws.rights import ANYTHING, Governed, Need, Place, Rights, on
from eksprov.core.replacement import Order
from eksprov.core.step import AnyStep
from eksprov.errors import EksprovError
from eksprov.permissions import leftovers
from eksprov.permissions.checks import checks

__all__ = ["PHASES", "Need", "Phase", "Place", "Rights", "creating", "needs", "place_of"]

Phase = Literal["provision", "lock", "deploy-model", "teardown"]
PHASES: Final[tuple[Phase, ...]] = ("provision", "lock", "deploy-model", "teardown")
NOTHING: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({})


def place_of(
    stack: str,
    region: str,
    account: str,
    partition: str,
    steps: Iterable[AnyStep],
    *,
    models: Iterable[AnyStep] = (),
    left: Iterable[AnyStep] = (),
    permissions_boundary: str = "",
    named: Mapping[str, tuple[str, ...]] = NOTHING,
) -> Place:
    """What the ARNs and tags of rights are made of: names of the stack, and its steps in AWS by kind.

    `left` are steps of an earlier config that are recorded and no longer wanted. `named` is what the config names and
    does not make, by the preflight's name of the look-up, like "kms-key".
    """
    return Place(
        stack,
        region,
        account or "*",
        partition,
        _by_kind(steps),
        _by_kind(models),
        _by_kind(left),
        permissions_boundary=permissions_boundary,
        named=named,
    )


def _by_kind(steps: Iterable[AnyStep]) -> dict[str, tuple[AnyStep, ...]]:
    kinds: dict[str, tuple[AnyStep, ...]] = {}
    for step in (step for step in steps if step.world == "aws"):
        kinds[step.kind] = (*kinds.get(step.kind, ()), step)
    return kinds


def needs(place: Place, phases: Iterable[Phase], kinds: Iterable[type[AnyStep]], state: str = "") -> tuple[Need, ...]:
    """What these phases need, in a settled order, each need once.

    `kinds` are all kinds of AWS there are: a survey looks for every one of them. `state` is the URL of a state kept in
    S3.
    """
    found: list[Need] = []
    for phase in phases:
        found += _WHAT[phase](place, tuple(kinds))
        if state:
            found += _state(place, state)
    return tuple(dict.fromkeys(found))


def creating(place: Place, made: Iterable[str], replaced: Iterable[str]) -> tuple[Need, ...]:
    """What it takes to create resources of the kinds `made`, and to delete and create those of the kinds `replaced`."""
    anew = [_rights(type(place.kinds[kind][0]), place) for kind in sorted({*replaced} & place.kinds.keys())]
    new = [_rights(type(place.kinds[kind][0]), place) for kind in sorted({*made} & place.kinds.keys())]
    found = [need for rights in (*new, *anew) for need in (*rights.read, *rights.make)]
    return tuple(dict.fromkeys((*found, *(need for rights in anew for need in rights.delete))))


def _provision(place: Place, kinds: tuple[type[AnyStep], ...]) -> Iterator[Need]:
    """What `provision` needs: all but deletes, except of kinds that it may delete to make them again."""
    yield from on(ANYTHING, "eks:DescribeClusterVersions", "ec2:DescribeAvailabilityZones")
    yield from checks(place)
    for steps in place.kinds.values():
        rights = _rights(type(steps[0]), place)
        yield from (*rights.check, *rights.read, *rights.make, *rights.change)
        if any(step.traits.tags_at for step in steps):
            yield from rights.tag
        if any(
            step.replacement.order is not Order.NEVER or step.traits.holding or step.traits.recreate_failed
            for step in steps
        ):
            yield from rights.delete
    for each in kinds:
        yield from _rights(each, place).list_owned  # a lost record is read back from the tags


def _lock(place: Place, kinds: tuple[type[AnyStep], ...]) -> Iterator[Need]:
    """What `lock` needs: to read which versions exist and which are in use; SSM's list of node images is public."""
    yield from on(ANYTHING, "eks:DescribeClusterVersions", "eks:DescribeAddonVersions")
    yield from on(place.arn("eks", f"cluster/{place.stack}"), "eks:DescribeCluster")
    for each in kinds:
        yield from _rights(each, place).lock


def _teardown(place: Place, kinds: tuple[type[AnyStep], ...]) -> Iterator[Need]:
    """What `teardown` needs: to delete what the config and the record name, what models have, and what tags find."""
    yield from on(ANYTHING, "eks:DescribeClusterVersions")
    there = place.with_left
    for each in kinds:
        rights = _rights(each, there)
        if there.kinds.get(each.kind):
            yield from (*rights.read, *rights.delete)
        yield from rights.list_owned
    for steps in place.models.values():
        rights = _rights(type(steps[0]), replace(place.of_models, models_only=False))
        yield from (*rights.read, *rights.delete)
    yield from leftovers.leftovers(place)


def _deploy_model(place: Place, kinds: tuple[type[AnyStep], ...]) -> Iterator[Need]:
    """A model's role, its association, its files; the rest happens in Kubernetes, where the access entry decides."""
    if not place.models:
        return
    yield from on(ANYTHING, "eks:DescribeClusterVersions", "ec2:DescribeInstanceTypes")
    yield from on(place.arn("eks", f"cluster/{place.stack}"), "eks:DescribeCluster")
    inside = place.of_models
    for steps in place.models.values():
        rights = _rights(type(steps[0]), inside)
        yield from (*rights.read, *rights.make, *rights.change, *rights.delete)
        if any(step.traits.tags_at for step in steps):
            yield from rights.tag


_WHAT: Final = {"provision": _provision, "lock": _lock, "deploy-model": _deploy_model, "teardown": _teardown}


def _rights(kind: type[AnyStep], place: Place) -> Rights:
    if not issubclass(kind, Governed):
        raise EksprovError(f"nobody has said what IAM must allow for the kind {kind.kind!r}", "give it `rights`")
    return kind.rights(place)


def _state(place: Place, url: str) -> tuple[Need, ...]:
    """What reading and writing the state needs, where it is kept in S3 at `url`."""
    bucket, _, prefix = url.removeprefix("s3://").rstrip("/").partition("/")
    [root] = place.buckets(bucket)
    inside = f"{root}/{prefix}/*" if prefix else f"{root}/*"
    return (*on((root,), "s3:ListBucket"), *on((inside,), "s3:GetObject", "s3:PutObject", "s3:DeleteObject"))
