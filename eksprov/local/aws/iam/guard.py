"""Sessions of roles are held to their policies in IAM, as AWS holds everybody: who may make which roles is said there.

Looked at are the action, the role, instance profile or policy that the request names, and the condition keys that IAM
is told: the tags that are sent and those that are there, the policy that is attached, the boundary. The local
administrator may do everything, and pods are held to their role by each service.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from eksprov.local.aws.keys import ACCOUNT, Key


def request(
    action: str, param: Callable[..., Any], roles: Mapping[str, Any], profiles: Mapping[str, Any], partition: str
) -> tuple[str, dict[str, str]]:
    """The resource of a request and its condition keys in lower case; `param` reads its parameters."""
    role, profile = roles.get(param("RoleName") or ""), profiles.get(param("InstanceProfileName") or "")
    there = profile if param("InstanceProfileName") else role
    return _resource(param, there, partition), dict(_context(action, param, there))


def refusal(key: Key, action: str, resource: str, partition: str) -> str:
    return (
        f"User: {key.arn(partition)} is not authorized to perform: iam:{action} on resource: {resource} "
        f"because no identity-based policy allows the iam:{action} action"
    )


def _resource(param: Callable[..., Any], there: Any, partition: str) -> str:
    kind = "instance-profile" if param("InstanceProfileName") else "role"
    name = param("InstanceProfileName") or param("RoleName")
    if param("PolicySourceArn") or there is not None:
        return str(param("PolicySourceArn") or there.arn)
    if not name and param("PolicyArn"):
        return str(param("PolicyArn"))
    return f"arn:{partition}:iam::{ACCOUNT}:{kind}{param('Path') or '/'}{name}" if name else "*"


def _context(action: str, param: Callable[..., Any], there: Any) -> Iterator[tuple[str, str]]:
    for tag in param("Tags") or ():
        yield f"aws:requesttag/{tag['Key']}".lower(), tag["Value"]
    for tag in getattr(there, "tags", None) or ():
        yield f"aws:resourcetag/{tag['Key']}".lower(), tag["Value"]
    if param("AWSServiceName"):
        yield "iam:awsservicename", param("AWSServiceName")
    if param("PolicyArn"):
        yield "iam:policyarn", param("PolicyArn")
    asked = param("PermissionsBoundary") if action in ("CreateRole", "PutRolePermissionsBoundary") else ""
    boundary = asked or getattr(there, "permissions_boundary_arn", "")
    if boundary:
        yield "iam:permissionsboundary", boundary
