"""What is in the account, read out of the emulator's own memory: no call, no step, no client in between.

Two readings are compared as text: ids become the step that their tags name, and what AWS chooses anew each time is left
out. `problems` says in words how a world differs from the right one.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from moto.autoscaling.models import autoscaling_backends
from moto.ec2.models import ec2_backends
from moto.ecr.models import ecr_backends
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends
from moto.s3.models import s3_backends
from support.account import REGION
from support.world import world

from eksprov.aws.tags import REGION as OF_REGION
from eksprov.aws.tags import STACK, STACK_ID, STEP
from simulator.warm import Warm

ACCOUNT = "123456789012"
World = dict[str, list[str]]
ID = re.compile(
    r"\b(vpce|vpc|subnet|eigw|igw|rtb|rtbassoc|nat|eipalloc|eni|sg|acl|dopt|lt|i|ami|r|a)-[0-9a-z]{8,}(?:-[0-9a-f]{4,})*"
)
CHOSEN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9A-F]{32}|(?<=\d)\d{9,}|\b[0-9a-f]{64}\b")
ENDPOINTS = re.compile(r"\b\d{1,3}(\.\d{1,3}){3}\b(?!/)")
RANGE = re.compile(r"\b[0-9a-f]{4}(:[0-9a-f]{0,4}){2,}/\d+")  # of IPv6, which AWS chooses
# moto takes the first subnet in a zone of the account for the zone's default, so that it hangs on the order.
ORDER = re.compile(r'"(DefaultForAz|MapPublicIpOnLaunch)": (true|false), ')
MINTED = re.compile(r"0000[0-9a-f]{12}")  # stack ids, as `Warm.mint` makes them
LEFT_OUT = frozenset({"createdAt", "modifiedAt", "clientRequestToken", "certificateAuthority", "identity", "health"})


def reading(warm: Warm, *, wide: bool = False) -> World:
    """Kind to descriptions, sorted; a `wide` one has every kind too, by plain calls of AWS."""
    raw = {kind: list(items) for kind, items in _raw(warm).items()}
    names = {
        item["id"]: f"<{item['tags'][STEP]}>"
        for items in raw.values()
        for item in items
        if STEP in item.get("tags", ())
    }
    found = {kind: sorted(_plain(item, names) for item in items) for kind, items in raw.items()}
    more = world(warm.client) if wide else {}
    return found | {f"{kind}, as AWS says": sorted(_settled(one) for one in more[kind]) for kind in more}


def _settled(said: str) -> str:
    return ORDER.sub("", RANGE.sub("<range>", MINTED.sub("<id>", said)))


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


def doubles(warm: Warm, stack: str) -> list[str]:
    """Steps that have more than one live resource (oracle O2)."""
    owners: Counter[tuple[str, str, str]] = Counter()
    for kind, items in _raw(warm).items():
        for item in items:
            tags = item.get("tags", {})
            if tags.get(STACK) == stack and STEP in tags and kind not in ("group", "template", "instance"):
                owners[kind, tags[STEP], tags.get(OF_REGION, "")] += 1
    return [
        f"{kind}: {number} live resources of step {step}" for (kind, step, _), number in owners.items() if number > 1
    ]


def identities(warm: Warm, stack: str) -> set[str]:
    """The ids of EC2 resources that carry the stack's tags: what a record may not lose (oracle O4)."""
    raw = _raw(warm)
    gateways = ("internet-gateway", "egress-only-internet-gateway", "nat-gateway")
    kinds = ("vpc", "subnet", "route-table", "address", *gateways)
    return {item["id"] for kind in kinds for item in raw[kind] if item["tags"].get(STACK) == stack}


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
        return CHOSEN.sub("<chosen>", RANGE.sub("<range>", ID.sub(lambda m: names.get(m[0], f"<{m[1]}>"), text)))
    return value


def _raw(warm: Warm) -> dict[str, list[dict[str, Any]]]:
    return {**_network(), **_in_the_network(), **_others(), **_eks(warm), **_kube(warm)}


def _tags(resource: Any) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in resource.get_tags()}


def _network() -> dict[str, list[dict[str, Any]]]:
    ec2: Any = ec2_backends[ACCOUNT][REGION]
    subnets = [one for zone in ec2.subnets.values() for one in zone.values()]
    gateways = [one for one in ec2.nat_gateways.values() if one.state != "deleted"]
    return {
        "vpc": [
            {
                "id": one.id,
                "cidr": one.cidr_block,
                "dns": [one.enable_dns_support, one.enable_dns_hostnames],
                "tags": _tags(one),
            }
            for one in ec2.vpcs.values()
        ],
        "subnet": [
            {"id": s.id, "vpc": s.vpc_id, "cidr": s.cidr_block, "zone": s.availability_zone, "tags": _tags(s)}
            for s in subnets
        ],
        "egress-only-internet-gateway": [
            {"id": one.id, "vpc": one.vpc_id, "tags": _tags(one)} for one in ec2.egress_only_internet_gateways.values()
        ],
        "internet-gateway": [
            {"id": one.id, "vpc": sorted(a["VpcId"] for a in one.attachments), "tags": _tags(one)}
            for one in ec2.internet_gateways.values()
        ],
        "route-table": [_table(one) for one in ec2.route_tables.values()],
        "nat-gateway": [
            {
                "id": one.id,
                "state": one.state,
                "subnet": one.subnet_id,
                "addresses": [a.get("allocationId") for a in one.address_set],
                "tags": _tags(one),
            }
            for one in gateways
        ],
    }


def _in_the_network() -> dict[str, list[dict[str, Any]]]:
    ec2: Any = ec2_backends[ACCOUNT][REGION]
    return {
        "address": [
            {"id": one.allocation_id, "used": bool(one.association_id), "tags": _tags(one)} for one in ec2.addresses
        ],
        "interface": [
            {"id": one.id, "subnet": one.subnet.id, "what": one.description, "status": one.status}
            for one in ec2.enis.values()
            if one.instance is None or one.instance.state != "terminated"
        ],
        "security-group": [
            {"id": one.id, "vpc": one.vpc_id, "name": re.sub(r"-\d+$", "", one.name)}
            for groups in ec2.groups.values()
            for one in groups.values()
        ],
        "instance": [
            {"id": i.id, "type": i.instance_type, "subnet": i.subnet_id, "state": i.state}
            for reservation in ec2.reservations.values()
            for i in reservation.instances
            if i.state not in ("terminated", "shutting-down")
        ],
    }


def _table(one: Any) -> dict[str, Any]:
    ranges = [str(r.destination_cidr_block or r.destination_ipv6_cidr_block or "list") for r in one.routes]
    routes = {RANGE.sub("<range>", to): _target(route) for to, route in zip(ranges, one.routes, strict=True)}
    return {
        "id": one.id,
        "vpc": one.vpc_id,
        "routes": routes,
        "subnets": sorted(one._associations.values()),
        "tags": _tags(one),
    }


def _target(route: Any) -> str:
    target = route.gateway or route.nat_gateway or route.egress_only_igw
    return str(target.id) if target is not None and hasattr(target, "id") else "local"


def _others() -> dict[str, list[dict[str, Any]]]:
    iam: Any = iam_backends[ACCOUNT]["aws"]
    logs: Any = logs_backends[ACCOUNT][REGION]
    s3: Any = s3_backends[ACCOUNT]["aws"]
    ecr: Any = ecr_backends[ACCOUNT][REGION]
    scaling: Any = autoscaling_backends[ACCOUNT][REGION]
    return {
        "role": [
            {
                "id": role.name,
                "trust": role.assume_role_policy_document,
                "attached": sorted(role.managed_policies),
                "inline": dict(sorted(role.policies.items())),
                "description": role.description,
                "tags": {tag["Key"]: tag["Value"] for tag in role.tags},
            }
            for role in iam.roles.values()
        ],
        "log-group": [
            {"id": name, "days": group.retention_in_days, "tags": logs.list_tags_log_group(name)}
            for name, group in logs.groups.items()
        ],
        "bucket": [
            {
                "id": name,
                "tags": s3.tagger.get_tag_dict_for_resource(bucket.arn),
                "policy": str(bucket.policy),
                "private": str(bucket.public_access_block and vars(bucket.public_access_block)),
                "rules": len(bucket.rules),
                "objects": sorted(bucket.keys.keys()),
            }
            for name, bucket in s3.buckets.items()
        ],
        "repository": [
            {"id": name, "tags": ecr.tagger.get_tag_dict_for_resource(repository.arn), "policy": str(repository.policy)}
            for name, repository in ecr.repositories.items()
        ],
        "group": [{"id": name, "size": group.desired_capacity} for name, group in scaling.autoscaling_groups.items()],
    }


def _eks(warm: Warm) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {
        kind: [] for kind in ("cluster", "node-group", "addon", "access-entry", "association")
    }
    for cluster in warm.emulator.clusters():
        parts = {
            "cluster": [cluster],
            "node-group": cluster.nodegroups.values(),
            "addon": cluster.addons.values(),
            "access-entry": cluster.entries.values(),
            "association": cluster.associations.values(),
        }
        for kind, items in parts.items():
            found[kind] += [_shape(kind, item) for item in items]
    return found


def _shape(kind: str, item: Any) -> dict[str, Any]:
    shape = {key: value for key, value in item.shape.items() if key not in LEFT_OUT}
    shape |= _launched(shape) if "launchTemplate" in shape else {}
    policies = sorted(item.policies) if kind == "access-entry" else []
    number = shape.get("clusterName", ""), shape.get("name", ""), shape.get("nodegroupName", "")
    return {"id": "/".join((kind, *map(str, number))), **shape, "policies": policies}


def _launched(group: dict[str, Any]) -> dict[str, Any]:
    """What a node group's template launches, whatever its version's number: versions may differ in tags alone, and how
    many there are depends on when the tags were changed."""
    named = group["launchTemplate"]
    if "version" not in named:
        return {}
    templates: Any = ec2_backends[ACCOUNT][group["nodegroupArn"].split(":")[3]].launch_templates
    found = templates.get(named["id"])
    data = found.get_version(int(named["version"])).data if found is not None else {}
    launches = {key: value for key, value in data.items() if not key.startswith("TagSpecification")}
    return {"launchTemplate": {**named, "version": "<version>"}, "launches": launches}


def _kube(warm: Warm) -> dict[str, list[dict[str, Any]]]:
    return {
        "object": [
            {"id": f"{arn}/{ref}", "ref": str(ref), "labels": _labels(api, ref)}
            for arn, api in warm.kubernetes.apis.items()
            for ref in sorted(api.refs(), key=str)
        ]
    }


def _labels(api: Any, ref: Any) -> Any:
    return (api._objects[ref]["metadata"].get("labels") or {}).get("app.kubernetes.io/managed-by", "")


def tagged(world: World) -> Iterator[str]:
    """Everything that carries tags of ours."""
    for items in world.values():
        yield from (item for item in items if STACK in item)
