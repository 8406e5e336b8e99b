"""Rules of the control plane and of access to it."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Final

from eksprov.config.document import Path
from eksprov.config.rules.base import Finding, as_ipv6_network, as_network, finding, twice
from eksprov.config.schema import AccessEntry, Config
from eksprov.config.schema.control_plane import CLUSTER_ADMIN

_EVERYONE: Final = ("0.0.0.0/0",)
UNROUTED: Final = (
    *map(IPv4Network, ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12")),
    *map(IPv4Network, ("192.168.0.0/16", "224.0.0.0/3")),
    *map(IPv4Network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")),  # of documentation, RFC 5737
    *map(IPv6Network, ("::1/128", "fc00::/7", "fe80::/10", "ff00::/8")),
)
RESERVED: Final = ("system:", "eks:", "aws:", "amazon:", "iam:")


def endpoint(config: Config) -> Iterator[Finding]:
    cluster = config.cluster
    public, private = ("cluster", "endpoint_public_access"), ("cluster", "endpoint_private_access")
    cidrs = ("cluster", "public_access_cidrs")
    if not cluster.endpoint_public_access and not cluster.endpoint_private_access:
        yield finding("both endpoint accesses are false, so nobody could reach the cluster", public, private)
    if cluster.endpoint_public_access and cluster.close_endpoint_last:
        at = ("cluster", "close_endpoint_last")
        yield finding("has no effect while endpoint_public_access is true", at, public, level="warning")
    closed = not cluster.endpoint_public_access and not cluster.close_endpoint_last
    if closed and cluster.public_access_cidrs != _EVERYONE:
        yield finding("has no effect while endpoint_public_access is false", cidrs, public, level="warning")
    for index, text in enumerate(cluster.public_access_cidrs):
        wrong = as_ipv6_network(text, (*cidrs, index)) if ":" in text else as_network(text, (*cidrs, index))[1]
        yield from wrong or _reserved(text, (*cidrs, index))
    yield from _nodes_outside(config)
    if not cluster.log_types and "log_retention_days" in cluster.model_fields_set:
        at, types = ("cluster", "log_retention_days"), ("cluster", "log_types")
        yield finding("has no effect while log_types is empty", at, types, level="warning")
    yield from twice(cidrs, None, cluster.public_access_cidrs)
    yield from twice(("cluster", "log_types"), None, cluster.log_types)


def _reserved(text: str, at: Path) -> Iterator[Finding]:
    """EKS takes no range that no caller from the internet can come from
    (https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html)."""
    network: Any = ip_network(text, strict=False)
    blocks: list[Any] = [block for block in UNROUTED if type(block) is type(network)]
    inside = [block for block in blocks if network.subnet_of(block)]
    if inside:
        hint = "name the public addresses that callers come from; inside the VPC endpoint_private_access lets in"
        yield finding(f"{text} is not an address of the internet, but of {inside[0]}", at, hint=hint)


def _nodes_outside(config: Config) -> Iterator[Finding]:
    """Without the private endpoint nodes come to the public one, from the NAT gateways' addresses."""
    cluster = config.cluster
    nodes = config.node_groups or config.autoscaler == "auto-mode"
    everyone = {"0.0.0.0/0"} <= set(cluster.public_access_cidrs)
    if cluster.endpoint_private_access or not cluster.endpoint_public_access or everyone or not nodes:
        return
    said = "is false, and nodes come to the public endpoint from NAT gateways, whose addresses are in no range of it"
    at, cidrs = ("cluster", "endpoint_private_access"), ("cluster", "public_access_cidrs")
    if config.network.vpc_id:  # its NAT gateways are there, so their addresses may be among them
        hint = "set it to true, unless public_access_cidrs has the addresses of the VPC's own NAT gateways"
        yield finding(said, at, cidrs, hint=hint, level="warning")
    else:
        yield finding(said, at, cidrs, hint="set it to true: nodes are inside the VPC")


def key(config: Config) -> Iterator[Finding]:
    """https://docs.aws.amazon.com/eks/latest/APIReference/API_Provider.html: the key is of the cluster's region."""
    wanted, at = config.cluster.kms_key, ("cluster", "kms_key")
    if wanted.startswith("arn:") and wanted.split(":")[3] != config.region:
        said = f"the key is in {wanted.split(':')[3]}, but the cluster is in {config.region}"
        yield finding(said, at, ("region",), hint="EKS takes a key of its own region only")
    if wanted != "own" and "kms_key_deletion_days" in config.cluster.model_fields_set:
        yield finding("has no effect unless kms_key is own", ("cluster", "kms_key_deletion_days"), at, level="warning")


def access(config: Config) -> Iterator[Finding]:
    """What EKS would refuse, and what would lock everybody out."""
    yield from twice(("access",), "principal_arn", [entry.principal_arn for entry in config.access])
    for index, entry in enumerate(config.access):
        at = ("access", index)
        yield from _principal(entry, at)
        yield from _kind(entry, at)
        yield from _names(entry, at)
        yield from _grants(entry, at)
    if config.access and not any(entry.is_admin for entry in config.access):
        said = "nobody would be admin of the whole cluster, so nobody could ever give access again"
        yield finding(said, ("access",), hint=f"give one principal {CLUSTER_ADMIN} without namespaces")


def _principal(entry: AccessEntry, at: Path) -> Iterator[Finding]:
    """https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html: never an STS session."""
    arn = entry.principal_arn
    if ":sts::" in arn:
        head, role = arn.split(":assumed-role/")[0].replace(":sts:", ":iam:"), arn.split("/")[1]
        hint = f"write the role's ARN, like {head}:role/{role} (with the role's path, where it has one)"
        yield finding(
            "is the ARN of a session, which ends; an access entry names the role", (*at, "principal_arn"), hint=hint
        )
    elif entry.type != "STANDARD" and ":user/" in arn:
        yield finding(f"nodes have roles; a user cannot be of type {entry.type}", (*at, "principal_arn"), (*at, "type"))


def _kind(entry: AccessEntry, at: Path) -> Iterator[Finding]:
    """https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateAccessEntry.html: what each type takes."""
    if entry.type == "STANDARD":
        return
    for key, value in (("kubernetes_groups", entry.kubernetes_groups), ("user_name", entry.user_name)):
        if value:
            yield finding(f"EKS sets it for type {entry.type}", (*at, key), (*at, "type"), hint="leave it out")
    if entry.grants and entry.type != "EC2":
        key = "policies" if entry.policies else "policy"
        yield finding(f"an entry of type {entry.type} takes no access policies", (*at, key), (*at, "type"))


def _names(entry: AccessEntry, at: Path) -> Iterator[Finding]:
    """https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html: names that EKS keeps."""
    yield from twice((*at, "kubernetes_groups"), None, entry.kubernetes_groups)
    named = [((*at, "kubernetes_groups", number), name) for number, name in enumerate(entry.kubernetes_groups)]
    named += [((*at, "user_name"), entry.user_name)] if entry.user_name else []
    for place, name in named:
        if name.startswith(RESERVED):
            yield finding(f"{name!r} begins with what EKS keeps for itself ({', '.join(RESERVED)})", place)
    user = entry.user_name or ""
    if "{{SessionName" in user and ":" not in user.split("{{SessionName", 1)[0]:
        yield finding("a colon must stand before {{SessionName}}", (*at, "user_name"), hint='like "ml:{{SessionName}}"')


def _grants(entry: AccessEntry, at: Path) -> Iterator[Finding]:
    yield from twice((*at, "namespaces"), None, entry.namespaces)
    yield from twice((*at, "policies"), "policy", [one.policy for one in entry.policies])
    for number, one in enumerate(entry.policies):
        yield from twice((*at, "policies", number, "namespaces"), None, one.namespaces)
        if one.policy == entry.policy:
            yield finding(
                f"{one.policy} is given by policy already", (*at, "policies", number, "policy"), (*at, "policy")
            )
    if entry.namespaces and not entry.policy:
        yield finding("has no effect without policy", (*at, "namespaces"), hint="put it into policies")
    if entry.type == "STANDARD" and not entry.grants and not entry.kubernetes_groups:
        yield finding(
            "it may sign in, but do nothing", at, hint="give it policies or kubernetes_groups", level="warning"
        )
