"""What is in the account, read out of the emulator's own memory: no call, no step, no client in between.

Two readings are compared as text: ids become the step that their tags name, and what AWS chooses anew each time is left
out. `problems` says in words how a world differs from the right one.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from cases import CASES
from support.kind_case import Iam, Item
from support.kubernetes import StillKubernetes
from support.memory import OF_IPV6, Memory
from support.world import world

from eksprov.aws.tags import REGION as OF_REGION
from eksprov.aws.tags import STACK, STACK_ID, STEP
from eksprov.local.aws.emulator import LocalAws

World = dict[str, list[str]]


class Looked(Protocol):
    """What is looked into: an emulator, and what its clusters hold."""

    @property
    def emulator(self) -> LocalAws: ...

    @property
    def kubernetes(self) -> StillKubernetes: ...


ID = re.compile(
    r"\b(vpce|vpc|subnet|eigw|igw|rtb|rtbassoc|nat|eipalloc|eni|sg|acl|dopt|lt|i|ami|r|a)-[0-9a-z]{8,}(?:-[0-9a-f]{4,})*"
)
CHOSEN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9A-F]{32}|(?<=\d)\d{9,}|\b[0-9a-f]{64}\b")
ENDPOINTS = re.compile(r"\b\d{1,3}(\.\d{1,3}){3}\b(?!/)")
# moto takes the first subnet in a zone of the account for the zone's default, so that it hangs on the order.
ORDER = re.compile(r'"(DefaultForAz|MapPublicIpOnLaunch)": (true|false), ')
MINTED = re.compile(r"0000[0-9a-f]{12}")  # stack ids, as `Warm.mint` makes them


def reading(here: Looked, *, wide: Callable[[str], Any] | None = None) -> World:
    """Kind to descriptions, sorted; a `wide` one has every kind too, by plain calls of these clients of AWS."""
    raw = {kind: list(items) for kind, items in _raw(here).items()}
    names = {
        item["id"]: f"<{item['tags'][STEP]}>"
        for items in raw.values()
        for item in items
        if STEP in item.get("tags", ())
    }
    found = {kind: sorted(_plain(item, names) for item in items) for kind, items in raw.items()}
    more = world(wide) if wide is not None else {}
    return found | {f"{kind}, as AWS says": sorted(_settled(one) for one in more[kind]) for kind in more}


def _settled(said: str) -> str:
    return ORDER.sub("", OF_IPV6.sub("<range>", MINTED.sub("<id>", said)))


def differences(found: World, right: World) -> list[str]:
    """What is there that should not be (+), and the other way round (-)."""
    said = []
    for kind in sorted(right):
        have, want = Counter(found.get(kind, ())), Counter(right[kind])
        more, less = sorted((have - want).elements()), sorted((want - have).elements())
        # Of two long texts that begin alike, what is shown begins a little before they part.
        begin = max(0, _alike(more[0], less[0]) - 100) if more and less else 0
        for sign, items in (("+", more), ("-", less)):
            said += [f"{kind}: {sign} {item[: min(begin, 80)]} ... {item[begin:][:300]}" for item in items]
    return said


def _alike(one: str, other: str) -> int:
    return next((n for n, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), 0)


def doubles(here: Looked, stack: str) -> list[str]:
    """Steps that have more than one live resource (oracle O2)."""
    owners: Counter[tuple[str, str, str]] = Counter()
    for kind, items in _raw(here).items():
        for item in items:
            tags = item.get("tags", {})
            if tags.get(STACK) == stack and STEP in tags and kind not in ("group", "template", "instance"):
                owners[kind, tags[STEP], tags.get(OF_REGION, "")] += 1
    return [
        f"{kind}: {number} live resources of step {step}" for (kind, step, _), number in owners.items() if number > 1
    ]


def identities(here: Looked, stack: str) -> set[str]:
    """The ids of EC2 resources that carry the stack's tags: what a record may not lose (oracle O4)."""
    raw = _raw(here)
    kinds = [case.name for case in CASES.values() if isinstance(case.asks, Iam) and case.asks.service == "ec2"]
    found = (item for kind in kinds for item in raw.get(kind, ()))
    return {item["id"] for item in found if item.get("tags", {}).get(STACK) == stack}


def _plain(item: Any, names: dict[str, str]) -> str:
    own = item.get("tags", {}).get(STACK_ID, "")
    stack_id = own if own != "f" * 16 else ""
    return json.dumps(_named({**item, "id": ""}, names, stack_id), sort_keys=True, default=str)


def _named(value: Any, names: dict[str, str], stack_id: str) -> Any:
    """The same with names for ids; lists in an order that does not hang on ids."""
    if isinstance(value, dict):
        return {key: _named(found, names, stack_id) for key, found in value.items()}
    if isinstance(value, list | tuple):
        return sorted((_named(found, names, stack_id) for found in value), key=lambda v: json.dumps(v, default=str))
    if isinstance(value, str):
        text = value.replace(stack_id, "<stack-id>") if stack_id else value
        return CHOSEN.sub("<chosen>", OF_IPV6.sub("<range>", ID.sub(lambda m: names.get(m[0], f"<{m[1]}>"), text)))
    return value


def _raw(here: Looked) -> dict[str, list[Item]]:
    memory = Memory(here.emulator.clusters)
    found = {case.name: list(case.peek(memory)) for case in CASES.values() if case.peek is not None}
    return {**found, **_beside(memory), **_kube(here)}


def _beside(memory: Memory) -> dict[str, list[Item]]:
    """What no step makes and a stack brings about."""
    ec2, scaling = memory.of("ec2"), memory.of("autoscaling")
    return {
        "interface": [
            {"id": one.id, "subnet": one.subnet.id, "what": one.description, "status": one.status}
            for one in ec2.enis.values()
            if one.instance is None or one.instance.state != "terminated"
        ],
        "instance": [
            {"id": i.id, "type": i.instance_type, "subnet": i.subnet_id, "state": i.state}
            for reservation in ec2.reservations.values()
            for i in reservation.instances
            if i.state not in ("terminated", "shutting-down")
        ],
        "group": [{"id": name, "size": group.desired_capacity} for name, group in scaling.autoscaling_groups.items()],
    }


def _kube(here: Looked) -> dict[str, list[Item]]:
    return {
        "object": [
            {"id": f"{arn}/{ref}", "ref": str(ref), "labels": _labels(api, ref)}
            for arn, api in here.kubernetes.apis.items()
            for ref in sorted(api.refs(), key=str)
        ]
    }


def _labels(api: Any, ref: Any) -> Any:
    return (api._objects[ref]["metadata"].get("labels") or {}).get("app.kubernetes.io/managed-by", "")


def tagged(world: World) -> Iterator[str]:
    """Everything that carries tags of ours."""
    for items in world.values():
        yield from (item for item in items if STACK in item)
