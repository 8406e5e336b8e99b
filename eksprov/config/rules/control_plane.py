"""Rules of the control plane and of access to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from eksprov.config.rules.base import Finding, as_network, finding, twice
from eksprov.config.schema import Config

_EVERYONE: Final = ("0.0.0.0/0",)


def endpoint(config: Config) -> Iterator[Finding]:
    cluster = config.cluster
    public, private = ("cluster", "endpoint_public_access"), ("cluster", "endpoint_private_access")
    cidrs = ("cluster", "public_access_cidrs")
    if not cluster.endpoint_public_access and not cluster.endpoint_private_access:
        yield finding("both endpoint accesses are false, so nobody could reach the cluster", public, private)
    if not cluster.endpoint_public_access and cluster.public_access_cidrs != _EVERYONE:
        yield finding("has no effect while endpoint_public_access is false", cidrs, public, level="warning")
    for index, text in enumerate(cluster.public_access_cidrs):
        yield from as_network(text, (*cidrs, index))[1]
    yield from twice(cidrs, None, cluster.public_access_cidrs)
    yield from twice(("cluster", "log_types"), None, cluster.log_types)


def access(config: Config) -> Iterator[Finding]:
    yield from twice(("access",), "principal_arn", [entry.principal_arn for entry in config.access])
    for index, entry in enumerate(config.access):
        yield from twice(("access", index, "namespaces"), None, entry.namespaces)
