"""Rules of the control plane and of access to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from eksprov.config.document import Path
from eksprov.config.rules.base import Finding, as_ipv6_network, as_network, finding, twice
from eksprov.config.schema import AccessEntry, Config
from eksprov.config.schema.control_plane import CLUSTER_ADMIN

_EVERYONE: Final = ("0.0.0.0/0",)
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
        yield from as_ipv6_network(text, (*cidrs, index)) if ":" in text else as_network(text, (*cidrs, index))[1]
    yield from twice(cidrs, None, cluster.public_access_cidrs)
    yield from twice(("cluster", "log_types"), None, cluster.log_types)


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
