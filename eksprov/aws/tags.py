"""The owner tags: written with every create call, read before anything is touched.

Roles, buckets and dashboards belong to an account, not to a region, and two regions may have stacks of one name: so the
region is a tag of its own. Resources that were made before there was one are told by their names, which carry it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard

from eksprov.core.step import HERE, Owner

STACK = "eksprov:stack"
STACK_ID = "eksprov:stack-id"
STEP = "eksprov:step"
REGION = "eksprov:region"


def owner_tags(owner: Owner, step: str, name: str = "") -> dict[str, str]:
    """The tags that say whose a resource is."""
    tags = {STACK: owner.stack, STACK_ID: owner.stack_id, STEP: step, REGION: owner.region}
    return {**tags, "Name": name} if name else tags


def as_list(tags: Mapping[str, str]) -> list[Any]:
    """Tags in the form of EC2, IAM, S3 and ECR: [{"Key": ..., "Value": ...}]."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def as_dict(tags: Iterable[Any] | None) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags or ()}


def owner_of(tags: Mapping[str, str] | None, region: str = HERE) -> Owner | None:
    """Whose a resource is, or None when its tags do not say.

    `region` counts where no tag names one: a kind of the account's gives what its name says, "" where that says
    nothing; the others lie in the region that was asked.
    """
    if not tags or STACK not in tags:
        return None
    return Owner(tags[STACK], tags.get(STACK_ID, ""), tags.get(STEP, ""), dict(tags), tags.get(REGION, region))


def of_stack(owner: Owner | None, stack: str, region: str) -> TypeGuard[Owner]:
    """Whether a resource is of this stack in this region, whatever the incarnation."""
    return owner is not None and owner.stack == stack and owner.region in (region, HERE)


def bucket_region(name: str) -> str:
    """Read the region out of a bucket's name, `<stack>-models-<account>-<region>`; "" where it is no such name."""
    found = re.search(r"-\d{12}-([a-z0-9-]+)$", name)
    return found[1] if found else ""
