"""When a right is too wide: what AWS's reference says of an action, against the resources and conditions of a need.

What is written here knows nothing of how `eksprov.permissions` comes to its needs. A condition that is dropped there
makes a need too wide here; tests/permissions/test_policy_conditions.py drops every one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import cases

from eksprov.permissions import Need
from support.policies import Row, access, rows

# The keys without which an action is a way to more rights, or to other people's things.
ALWAYS = {
    "eks:AssociateAccessPolicy": "eks:policyArn",
    "iam:AttachRolePolicy": "iam:PolicyARN",
    "iam:PassRole": "iam:PassedToService",
    "iam:PutRolePermissionsBoundary": "iam:PermissionsBoundary",
    "iam:CreateServiceLinkedRole": "iam:AWSServiceName",
    "kms:CreateGrant": "kms:GrantIsForAWSResource",
}
# The keys that hold an action where the stack's tag does not.
INSTEAD = {"eks:CreateAccessEntry": {"eks:principalArn", "eks:accessEntryType"}}
GLOBAL = ("aws:RequestedRegion",)  # told of every action
BOUNDED = ("iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePolicy")
AUTO_MODES = r":instance-profile/eks(?P<of>[/-])us-west-2(?P=of)[a-z0-9-]+(/|-[1-9])\*$"
# Wider than their resources and tags could say, and why. docs/security.md tells the writes among them.
WIDE: dict[str, tuple[str, str]] = {
    "iam:DeleteInstanceProfile": (AUTO_MODES, "EKS Auto Mode's without tags; region and cluster are in its name"),
    "iam:GetInstanceProfile": (AUTO_MODES, "the same"),
    "iam:GetRole": (":role/", "the caller's own role, which becomes the admin and is asked about"),
    "iam:RemoveRoleFromInstanceProfile": (AUTO_MODES, "the same"),
    "iam:SimulatePrincipalPolicy": (":(role|user)/", "the caller, whose name nobody knows beforehand"),
    "ssm:GetParameters": ("::parameter/aws/service/", "Amazon's public parameters"),
    **{action: why for iam in cases.asked() for action, why in iam.wide.items()},
}
OF_NO_REGION = ("route53:AssociateVPCWithHostedZone",)
UNTAGGED = {action: why for iam in cases.asked() for action, why in iam.untagged.items()}


def too_wide(need: Need, stack: str, *, bounded: bool = False) -> list[str]:
    """What is wrong with a need, in words; nothing where it is as narrow as AWS lets it be."""
    return list(_complaints(need, stack, bounded))


def _complaints(need: Need, stack: str, bounded: bool) -> Iterator[str]:
    held = {key for _, key, values in need.condition if _names(stack, key, values)}
    keys = {key for _, key, _ in need.condition}
    wanted = {ALWAYS[need.action]} if need.action in ALWAYS else set()
    everywhere = "*" in need.resources and access(need.action) not in ("Read", "List")
    wanted |= {"aws:RequestedRegion"} if everywhere and need.action not in OF_NO_REGION else set()
    wanted |= {"iam:PermissionsBoundary"} if bounded and need.action in BOUNDED else set()
    wanted |= INSTEAD.get(need.action, set()) if not held else set()
    yield from (f"{need.action} without {key}" for key in sorted(wanted - keys))
    if (
        need.action == "ec2:CreateTags"
        and not any("ResourceTag" in key for key in held)
        and "ec2:CreateAction" not in keys
    ):
        yield "ec2:CreateTags on what is not ours, and not while it is made"
    for resource in need.resources:
        yield from _of(need, resource, stack, held)


def _of(need: Need, resource: str, stack: str, held: set[str]) -> Iterator[str]:
    every = rows(need.action)
    fitting = [row for row in every if row.fits(resource) or not row.thing]
    reading = access(need.action) in ("Read", "List")
    if resource == "*":
        if any(row.required for row in every) and not reading:
            yield f"{need.action} on everything, though it knows resources"
    elif not any(row.thing for row in fitting) and not _excused(need, resource, UNTAGGED):
        yield f"{need.action} looks at nothing like {resource}"
    for _, key, _ in need.condition:
        if resource != "*" and not key not in GLOBAL and not any(_knows(row, key) for row in fitting):
            yield f"{need.action} on {resource} is not told {key}"
    if held or _excused(need, resource, WIDE) or _excused(need, resource, UNTAGGED) or (resource == "*" and reading):
        return
    if "*" in resource and not _below(stack, resource, reading):
        yield f"{need.action} on {resource}, whosever it is"
    elif not reading and any(_tags(row) for row in fitting) and not _brought(resource):
        yield f"{need.action} on {resource} without the stack's tag"


def _excused(need: Need, resource: str, table: Mapping[str, tuple[str, str]]) -> bool:
    return need.action in table and re.search(table[need.action][0], resource) is not None


def _names(stack: str, key: str, values: tuple[str, ...]) -> bool:
    """Whether a condition holds a thing to this stack: its own tag, or one of a controller in its cluster."""
    return "Tag/" in key and (values == (stack,) or (key.endswith(f"/{stack}") and values == ("owned",)))


def _knows(row: Row, key: str) -> bool:
    return any(re.fullmatch(re.sub(r"\\\$\\\{\w+\\\}|<\w+>", ".+", re.escape(known)), key) for known in row.keys)


def _tags(row: Row) -> bool:
    """Whether the action sets or takes off tags of such a resource."""
    return bool({"aws:RequestTag/${TagKey}", "aws:TagKeys"} & row.keys)


def _below(stack: str, resource: str, reading: bool) -> bool:
    """Whether what stands before the first wildcard can be this stack's alone; readings may go by how a name begins."""
    before = resource.replace(":role/*/", ":role/").partition("*")[0].split(":", 5)[-1]  # a path says nothing
    parts = re.split(r"[:/]", before)
    whole = parts[-1] == "" and any(part == stack or part.startswith(f"{stack}-models-") for part in parts)
    whole = whole or resource.startswith("arn:aws:s3:::our-state/")
    return (whole and ":iam:" not in resource) or (reading and any(part.startswith(stack) for part in parts))


def _brought(resource: str) -> bool:
    """The network that the config brings: named, and without a tag of ours."""
    return re.search(r":(vpc|subnet)/(vpc|subnet)-[0-9a-f]+$", resource) is not None
