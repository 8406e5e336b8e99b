"""The owner tags: written with every create call, read before anything is touched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from eksprov.core.step import Owner

STACK = "eksprov:stack"
STACK_ID = "eksprov:stack-id"
STEP = "eksprov:step"


def owner_tags(owner: Owner, step: str, name: str = "") -> dict[str, str]:
    """The tags that say whose a resource is."""
    tags = {STACK: owner.stack, STACK_ID: owner.stack_id, STEP: step}
    return {**tags, "Name": name} if name else tags


def as_list(tags: Mapping[str, str]) -> list[Any]:
    """Tags in the form of EC2, IAM, S3 and ECR: [{"Key": ..., "Value": ...}]."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def as_dict(tags: Iterable[Any] | None) -> dict[str, str]:
    """The opposite of `as_list`."""
    return {tag["Key"]: tag["Value"] for tag in tags or ()}


def owner_of(tags: Mapping[str, str] | None) -> Owner | None:
    """Whose a resource is, or None when its tags do not say."""
    if not tags or STACK not in tags:
        return None
    return Owner(tags[STACK], tags.get(STACK_ID, ""), tags.get(STEP, ""), dict(tags))
