"""The rules between keys: what each key alone allows, but AWS, Kubernetes or arithmetic does not.

Pure but for one look at whether a model's folder is there. Sources: for the cluster's ranges
https://docs.aws.amazon.com/eks/latest/APIReference/API_KubernetesNetworkConfigRequest.html, for subnets
https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html, for labels
https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/, for tags
https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path as FilePath
from typing import Final, Literal

from eksprov.config.document import Path, show
from eksprov.config.schema import Config, NodeGroup, Taint
from eksprov.errors import Problem

_PRIVATE: Final = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
_SHARED: Final = IPv4Network("100.64.0.0/10")  # RFC 6598, which AWS also suggests for pods
_EVERYONE: Final = ("0.0.0.0/0",)
_AWS_RESERVES: Final = (
    5  # addresses of every subnet, https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
)
_LABEL: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_SUBDOMAIN: Final = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_RESERVED: Final = ("kubernetes.io", "k8s.io", "eks.amazonaws.com")
_TAG: Final = re.compile(r"[\w .:/=+@-]*")


@dataclass(frozen=True)
class Finding:
    """A problem and every path it leans on; the first is the one to blame, the second of a `twin` was there before."""

    problem: Problem
    paths: tuple[Path, ...]
    twin: bool = False


def check(config: Config, folder: FilePath | None = None) -> list[Problem]:
    """Every broken rule, without file and line; `folder` is the config file's, None looks at no model's folder."""
    return [finding.problem for finding in findings(config, folder)]


def findings(config: Config, folder: FilePath | None = None) -> Iterator[Finding]:
    """Every broken rule with the paths it leans on."""
    yield from _network(config)
    yield from _endpoint(config)
    yield from _access(config)
    for index, group in enumerate(config.node_groups):
        yield from _node_group(group, ("node_groups", index))
    yield from _twice(("node_groups",), "name", [group.name for group in config.node_groups])
    yield from _twice(("addons",), "name", [addon.name for addon in config.addons])
    yield from _models(config, folder)
    yield from _tags(config)
    if config.target == "aws" and "local" in config.model_fields_set:
        yield _finding("has no effect while target is aws", ("local",), ("target",), level="warning")


def _finding(message: str, *paths: Path, hint: str = "", level: Literal["error", "warning"] = "error") -> Finding:
    return Finding(Problem(message, show(paths[0]), hint=hint, level=level), paths)


def _twice(place: Path, key: str | None, names: Iterable[str]) -> Iterator[Finding]:
    """One finding for each value that was there before; `key` is the key of the items that holds it."""
    first: dict[str, Path] = {}
    for index, name in enumerate(names):
        path = (*place, index, key) if key else (*place, index)
        if name in first:
            yield Finding(Problem(f"{name!r} is there already", show(path)), (path, first[name]), twin=True)
        first.setdefault(name, path)


def _range(text: str, path: Path) -> tuple[IPv4Network | None, list[Finding]]:
    """A range as a network; None and the reason when it is none."""
    try:
        return IPv4Network(text), []
    except ValueError:
        pass
    try:
        loose = IPv4Network(text, strict=False)
    except ValueError:
        return None, [_finding(f"{text} is not an IPv4 range", path)]
    return None, [_finding(f"{text} has host bits set", path, hint=f"did you mean {loose}?")]


def _network(config: Config) -> Iterator[Finding]:
    at_vpc, at_services, at_zones = (
        ("network", "vpc_cidr"),
        ("cluster", "service_ipv4_cidr"),
        ("network", "availability_zones"),
    )
    vpc, wrong = _range(config.network.vpc_cidr, at_vpc)
    services, wrong_too = _range(config.cluster.service_ipv4_cidr, at_services)
    yield from (*wrong, *wrong_too)
    if vpc and not 16 <= vpc.prefixlen <= 24:
        yield _finding(f"{vpc} must be between a /16 and a /24", at_vpc)
    elif vpc:
        if not any(vpc.subnet_of(block) for block in (*_PRIVATE, _SHARED)):
            hint = "use a range of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16"
            yield _finding(f"{vpc} is not a private range", at_vpc, hint=hint, level="warning")
        yield from _room(config, vpc, (at_vpc, at_zones))
    if services and not (12 <= services.prefixlen <= 24 and any(services.subnet_of(block) for block in _PRIVATE)):
        hint = "EKS takes a /12 to a /24 inside 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16"
        yield _finding(f"{services} cannot hold the cluster's Services", at_services, hint=hint)
    if vpc and services and vpc.overlaps(services):
        hint = "choose a range that the VPC does not use"
        yield _finding(f"{services} overlaps network.vpc_cidr {vpc}", at_services, at_vpc, hint=hint)
    yield from _twice(("network", "exclude_zone_ids"), None, config.network.exclude_zone_ids)


def _room(config: Config, vpc: IPv4Network, paths: tuple[Path, ...]) -> Iterator[Finding]:
    """Whether the private half of the VPC, cut evenly, has an address for every node."""
    zones = config.network.availability_zones
    subnets = 1 << (2 * zones - 1).bit_length()  # a public and a private one a zone, rounded up to a power of two
    room = zones * (vpc.num_addresses // subnets - _AWS_RESERVES)
    nodes = sum(group.desired_size for group in config.node_groups)
    if nodes > room:
        sizes: list[Path] = [("node_groups", index, "desired_size") for index in range(len(config.node_groups))]
        message = f"{vpc} in {zones} zones has {room} private addresses, too few for {nodes} nodes"
        yield _finding(message, *paths, *sizes, hint="use a larger range, like a /16")


def _endpoint(config: Config) -> Iterator[Finding]:
    cluster = config.cluster
    public, private = ("cluster", "endpoint_public_access"), ("cluster", "endpoint_private_access")
    cidrs = ("cluster", "public_access_cidrs")
    if not cluster.endpoint_public_access and not cluster.endpoint_private_access:
        yield _finding("both endpoint accesses are false, so nobody could reach the cluster", public, private)
    if not cluster.endpoint_public_access and cluster.public_access_cidrs != _EVERYONE:
        yield _finding("has no effect while endpoint_public_access is false", cidrs, public, level="warning")
    for index, text in enumerate(cluster.public_access_cidrs):
        yield from _range(text, (*cidrs, index))[1]
    yield from _twice(cidrs, None, cluster.public_access_cidrs)
    yield from _twice(("cluster", "log_types"), None, cluster.log_types)


def _access(config: Config) -> Iterator[Finding]:
    yield from _twice(("access",), "principal_arn", [entry.principal_arn for entry in config.access])
    for index, entry in enumerate(config.access):
        yield from _twice(("access", index, "namespaces"), None, entry.namespaces)


def _node_group(group: NodeGroup, at: Path) -> Iterator[Finding]:
    least, wanted, most = (*at, "min_size"), (*at, "desired_size"), (*at, "max_size")
    if group.min_size > group.max_size:
        yield _finding(f"{group.min_size} is more than max_size {group.max_size}", least, most)
    elif group.desired_size < group.min_size:
        yield _finding(f"{group.desired_size} is less than min_size {group.min_size}", wanted, least)
    elif group.desired_size > group.max_size:
        yield _finding(f"{group.desired_size} is more than max_size {group.max_size}", wanted, most)
    yield from _twice((*at, "instance_types"), None, group.instance_types)
    for key, value in group.labels.items():
        yield from _qualified(key, value, (*at, "labels", key), (*at, "labels", key))
    for index, taint in enumerate(group.taints):
        yield from _qualified(taint.key, taint.value, (*at, "taints", index, "key"), (*at, "taints", index, "value"))
    yield from _twice((*at, "taints"), None, map(_identity, group.taints))


def _identity(taint: Taint) -> str:
    return f"{taint.key}:{taint.effect}"


def _qualified(key: str, value: str, at_key: Path, at_value: Path) -> Iterator[Finding]:
    """Kubernetes' grammar of label keys and values, which taints share; EKS keeps some prefixes for itself."""
    prefix, slash, name = key.rpartition("/")
    if not _LABEL.fullmatch(name) or (slash and not _SUBDOMAIN.fullmatch(prefix)):
        hint = "like team or example.com/team: letters, digits, '-', '_', '.', at most 63 after the slash"
        yield _finding(f"{key!r} is not a Kubernetes key", at_key, hint=hint)
    elif any(prefix == domain or prefix.endswith(f".{domain}") for domain in _RESERVED):
        yield _finding(f"the prefix {prefix}/ is kept for Kubernetes and EKS", at_key, hint="use a prefix of your own")
    if value and not _LABEL.fullmatch(value):
        hint = "letters, digits, '-', '_', '.', at most 63, a letter or digit first and last"
        yield _finding(f"{value!r} is not a Kubernetes value", at_value, hint=hint)


def _models(config: Config, folder: FilePath | None) -> Iterator[Finding]:
    yield from _twice(("models",), "name", [model.name for model in config.models])
    for index, model in enumerate(config.models):
        at: Path = ("models", index)
        if model.replicas.min > model.replicas.max:
            message = f"{model.replicas.min} is more than max {model.replicas.max}"
            yield _finding(message, (*at, "replicas", "min"), (*at, "replicas", "max"))
        if model.namespace.startswith("kube-") or model.namespace == "default":
            hint = "models get a namespace of their own, like models"
            yield _finding(f"the namespace {model.namespace} is not for models", (*at, "namespace"), hint=hint)
        if folder is not None:
            yield from _model_folder(model.path, folder, (*at, "path"))


def _model_folder(text: str, folder: FilePath, at: Path) -> Iterator[Finding]:
    """A model lies beside or below the config file, links followed; one not there yet may still be trained."""
    try:
        root = folder.resolve()
        found = (root / text).resolve()
        inside, there, is_folder = found.is_relative_to(root) and found != root, found.exists(), found.is_dir()
    except (OSError, RuntimeError, ValueError):  # a loop of links, a zero byte, a name too long
        yield _finding(f"{text!r} is not a path that can be used", at)
        return
    if not inside:
        yield _finding("is outside the folder of the config file", at, hint="put the model's files below it")
    elif not there:
        yield _finding(f"there is no folder {text} yet", at, hint="deploy-model needs it", level="warning")
    elif not is_folder:
        yield _finding(f"{text} is a file, not a folder", at, hint="name the folder that holds it")


def _tags(config: Config) -> Iterator[Finding]:
    for key, value in config.tags.items():
        at: Path = ("tags", key)
        if key.lower().startswith(("aws:", "eksprov:")):
            yield _finding(f"tags that begin with {key.split(':')[0]}: cannot be set", at, hint="use another key")
        elif not _TAG.fullmatch(key) or not _TAG.fullmatch(value):
            hint = "AWS takes letters, digits, spaces and _ . : / = + - @"
            yield _finding(f"the tag {key!r} has a character that AWS does not take", at, hint=hint)
    folded = Counter(key.lower() for key in config.tags)  # IAM's tag keys do not differ by case
    for key in [key for key in config.tags if folded[key.lower()] > 1]:
        yield _finding("differs from another tag by upper and lower case only; IAM refuses that", ("tags", key))
