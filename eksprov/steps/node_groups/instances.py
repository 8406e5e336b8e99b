"""What instance types have: asked of EC2 once, then kept in the record; never kept in a list here.

A type's architecture, accelerators and network cards do not change, so what EC2 said of it stands. One
DescribeInstanceTypes call asks for all types of a config that are not recorded yet.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from eksprov.aws.session import Aws
from eksprov.steps.absent import none_if

if TYPE_CHECKING:
    from eksprov.config.schema import Config, NodeGroup

ARCHITECTURES = ("x86_64", "arm64")
EFA = "efa"
ALL = ".*"
MOST_AT_ONCE = (
    100  # names a call (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypes.html)
)


@dataclass(frozen=True)
class InstanceFacts:
    """What decides how nodes of this type are set up.

    `architecture` is empty for a type that EC2 does not know; `accelerator` is "nvidia", "neuron" or empty;
    `efa_interfaces` how many EFA interfaces it can have, and `efa_first` whether its first network card can be one of
    them; `ipv6` whether its nodes can give pods IPv6 addresses; `buying` are the ways EC2 sells it.
    """

    name: str
    architecture: str = ""
    accelerator: str = ""
    efa_interfaces: int = 0
    efa_first: bool = True
    cluster_placement: bool = True
    local_disks: bool = False
    ipv6: bool = True
    buying: tuple[str, ...] = ()


def accelerator(facts: Iterable[InstanceFacts]) -> str:
    """What the types have in common: "nvidia", "neuron", or empty where they have none or differ."""
    found = {one.accelerator for one in facts}
    return found.pop() if len(found) == 1 else ""


def types_of(config: Config) -> tuple[str, ...]:
    """Every instance type that the config names, once, and every family as `family_name` calls it."""
    pools = config.node_pools
    grouped = {name for group in config.node_groups for name in named_types(group)}
    pooled = {name for pool in pools for name in pool.instance_types}
    return tuple(sorted(grouped | pooled | {family_name(each) for pool in pools for each in pool.instance_families}))


def family_name(family: str) -> str:
    """A family among types: "g6.*". Its types have architecture and accelerators in common, so one stands for all."""
    return f"{family}{ALL}"


def named_types(group: NodeGroup) -> Iterator[str]:
    """The instance types that its nodes may have, by whatever choice the group comes to stand on."""
    yield from group.instance_types
    for choice in group.fallbacks:
        yield from choice.instance_types or ()


def read(described: Mapping[str, Any]) -> InstanceFacts:
    """The facts of one type as DescribeInstanceTypes describes it."""
    network = described.get("NetworkInfo") or {}
    cards = network.get("NetworkCards") or [{}]
    kinds = cards[0].get("InterfaceTypes") or [EFA]
    architectures = (described.get("ProcessorInfo") or {}).get("SupportedArchitectures", [])
    strategies = (described.get("PlacementGroupInfo") or {}).get("SupportedStrategies", [])
    return InstanceFacts(
        name=described["InstanceType"],
        architecture=next((name for name in ARCHITECTURES if name in architectures), ""),
        accelerator=_accelerator(described),
        efa_interfaces=(network.get("EfaInfo") or {}).get("MaximumEfaInterfaces", 0),
        efa_first=EFA in kinds,
        cluster_placement="cluster" in strategies,
        ipv6=_gives_ipv6(described),
        local_disks=bool(described.get("InstanceStorageSupported")),
        buying=tuple(sorted(described.get("SupportedUsageClasses") or ())),
    )


def _gives_ipv6(described: Mapping[str, Any]) -> bool:
    """Only on Nitro (https://docs.aws.amazon.com/eks/latest/userguide/cni-ipv6.html), which bare metal is too where its
    network cards are (https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-nitro-instances.html)."""
    nitro = described.get("Hypervisor") == "nitro" or bool(described.get("BareMetal"))
    return nitro and bool((described.get("NetworkInfo") or {}).get("Ipv6Supported"))


def ask(aws: Aws, names: Iterable[str]) -> tuple[InstanceFacts, ...]:
    """The facts of these types, those that EC2 does not know here left out."""
    every = sorted(names)
    wanted = [name for name in every if not name.endswith(ALL)]
    found = [one for name in every if name.endswith(ALL) for one in _ask_family(aws, name)]
    for start in range(0, len(wanted), MOST_AT_ONCE):
        found += _ask(aws, wanted[start : start + MOST_AT_ONCE])
    return tuple(found)


def _ask_family(aws: Aws, name: str) -> list[InstanceFacts]:
    """What a family's types have in common."""
    filters: list[Any] = [{"Name": "instance-type", "Values": [name]}]
    pages = aws.clients.ec2.get_paginator("describe_instance_types").paginate(Filters=filters)
    members = sorted((read(each) for page in pages for each in page["InstanceTypes"]), key=lambda one: one.name)
    return [replace(one, name=name, accelerator=accelerator(members)) for one in members[:1]]


def as_text(known: Iterable[InstanceFacts]) -> str:
    """The facts as the record keeps them; types that EC2 did not know are asked for again."""
    found = sorted((one for one in known if one.architecture), key=lambda one: one.name)
    return json.dumps([astuple(one) for one in found], separators=(",", ":")) if found else ""


def from_text(text: str) -> dict[str, InstanceFacts]:
    """The facts of a record, by name; what another version wrote in another form counts as never asked."""
    try:
        rows = [list(row) for row in json.loads(text or "[]")]
        found = [InstanceFacts(*[*row[:-1], tuple(row[-1])]) for row in rows if len(row) == len(fields(InstanceFacts))]
    except (ValueError, TypeError):
        return {}
    return {one.name: one for one in found}


def _ask(aws: Aws, names: list[str]) -> list[InstanceFacts]:
    """One call; where EC2 refuses the list for one name in it, each name by itself."""
    ec2 = aws.clients.ec2
    answer = none_if(
        lambda: ec2.describe_instance_types(InstanceTypes=names),  # type: ignore[arg-type]  # the stubs' list of types is older than EC2's
        "InvalidInstanceType",
    )
    if answer is not None:
        return [read(described) for described in answer["InstanceTypes"]]
    return [one for name in names for one in _ask(aws, [name])] if len(names) > 1 else []


def _accelerator(described: Mapping[str, Any]) -> str:
    makers = {gpu.get("Manufacturer", "").lower() for gpu in (described.get("GpuInfo") or {}).get("Gpus", [])}
    chips = (described.get("InferenceAcceleratorInfo") or {}).get("Accelerators", [])
    if "nvidia" in makers:
        return "nvidia"
    if described.get("NeuronInfo") or any(chip.get("Manufacturer") == "AWS" for chip in chips):
        return "neuron"
    return ""
