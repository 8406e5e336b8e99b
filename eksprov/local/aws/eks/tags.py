"""Tags on anything in EKS that has an ARN.

https://docs.aws.amazon.com/eks/latest/APIReference/API_TagResource.html
"""

from __future__ import annotations

from typing import Any

from eksprov.local.aws.eks import refusals
from eksprov.local.aws.eks.model import Shape
from eksprov.local.aws.eks.others import MEMBERS
from eksprov.local.aws.eks.region import EksRegion

MOST_TAGS = 50


def tag_resource(region: EksRegion, ask: Shape) -> dict[str, Any]:
    check(ask["tags"])
    tags = _tags(region, ask["resourceArn"])
    if len({*tags, *ask["tags"]}) > MOST_TAGS:
        raise refusals.invalid(f"A resource can have no more than {MOST_TAGS} tags")
    tags.update(ask["tags"])
    return {}


def untag_resource(region: EksRegion, ask: Shape) -> dict[str, Any]:
    tags = _tags(region, ask["resourceArn"])
    for key in ask["tagKeys"]:
        tags.pop(key, None)
    return {}


def list_tags_for_resource(region: EksRegion, ask: Shape) -> dict[str, Any]:
    return {"tags": _tags(region, ask["resourceArn"])}


def check(tags: dict[str, str] | None) -> None:
    """Refuse too many tags and reserved keys."""
    if tags and len(tags) > MOST_TAGS:
        raise refusals.invalid(f"A resource can have no more than {MOST_TAGS} tags")
    if any(key.lower().startswith("aws:") for key in tags or {}):
        raise refusals.invalid("Tag keys must not begin with aws:")


def _tags(region: EksRegion, arn: str) -> dict[str, str]:
    for cluster in region.clusters.values():
        members: list[tuple[str, Shape]] = [("arn", cluster.shape)]
        members += [("nodegroupArn", each.shape) for each in cluster.nodegroups.values()]
        members += [("addonArn", each.shape) for each in cluster.addons.values()]
        members += [("accessEntryArn", each.shape) for each in cluster.entries.values()]
        members += [("associationArn", each.shape) for each in cluster.associations.values()]
        members += [(MEMBERS[kind][2], shape) for (kind, _), shape in cluster.others.items()]
        for key, shape in members:
            if shape[key] == arn:
                tags: dict[str, str] = shape["tags"]
                return tags
    raise refusals.not_found(f"Resource not found: {arn}")


OPERATIONS = {
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "ListTagsForResource": list_tags_for_resource,
}
