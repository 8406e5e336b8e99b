"""How the EKS kinds read: what is absent is None, health issues become one line, clusters of ours are found by tag."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from eksprov.aws.faults import code, message
from eksprov.aws.session import Aws
from eksprov.aws.tags import of_stack, owner_of
from eksprov.core.step import Owner

T = TypeVar("T")
GONE = "ResourceNotFoundException"
COMING_OR_GOING = frozenset({"CREATING", "PENDING", "DELETING", "FAILED"})


def none_if_gone(call: Callable[[], T]) -> T | None:
    """The answer, or None where EKS says that the resource, or its cluster, does not exist.

    EKS says so in two ways; the second is `ClientException: No cluster found for name`
    (https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/eks/cluster.go).
    """
    from botocore.exceptions import ClientError

    try:
        return call()
    except ClientError as error:
        if code(error) == GONE or (code(error) == "ClientException" and "No cluster found" in message(error)):
            return None
        raise


def unless_coming_or_going(aws: Aws, cluster: str, call: Callable[[], T]) -> T | None:
    """The answer, or None where it cannot be there: EKS refuses to speak of a cluster that is being made or deleted."""
    from botocore.exceptions import ClientError

    try:
        return none_if_gone(call)
    except ClientError as error:
        found = described_cluster(aws, cluster) if code(error) == "InvalidRequestException" else {"status": "ACTIVE"}
        if found is None or found["status"] in COMING_OR_GOING:
            return None
        raise


def described_cluster(aws: Aws, name: str) -> Mapping[str, Any] | None:
    answer = none_if_gone(lambda: aws.clients.eks.describe_cluster(name=name))
    return answer["cluster"] if answer is not None else None


def clusters_of(aws: Aws, stack: str) -> Iterator[tuple[Mapping[str, Any], Owner]]:
    """Every cluster whose tags name the stack, always asked anew; its name begins with the stack's."""
    for page in aws.clients.eks.get_paginator("list_clusters").paginate():
        for name in page["clusters"]:
            cluster = described_cluster(aws, name) if name.startswith(stack) else None
            owner = owner_of(cluster.get("tags")) if cluster is not None else None
            if cluster is not None and of_stack(owner, stack, aws.region):
                yield cluster, owner


def names_of(aws: Aws, stack: str) -> list[str]:
    """The names of the stack's clusters."""
    return [str(cluster["name"]) for cluster, _ in clusters_of(aws, stack)]


def issues(health: Mapping[str, Any] | None) -> tuple[tuple[str, str], ...]:
    """Code and message of every health issue."""
    found = (health or {}).get("issues") or ()
    return tuple((str(issue.get("code", "")), str(issue.get("message", ""))) for issue in found)


def in_words(found: Iterable[tuple[str, str]]) -> str:
    """Health issues in one line."""
    return "; ".join(f"{what}: {text}" if text else what for what, text in found)


def pairs(mapping: Mapping[str, str] | None) -> frozenset[tuple[str, str]]:
    """A mapping as a value that can be compared and hashed."""
    return frozenset((mapping or {}).items())
