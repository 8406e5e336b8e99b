"""From whoever calls AWS to the IAM principal that an access entry can name.

An access entry takes a role's or a user's ARN, never an STS session's, and the role's ARN with its path, which the
session's leaves out (https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html). So the role is
asked for its own ARN.
"""

from __future__ import annotations

from eksprov import errors
from eksprov.aws.session import Aws, Identity
from eksprov.steps.absent import none_if

NAME_ONE = "name an IAM role or user under `access:` in the config"


def principal_of(aws: Aws, identity: Identity) -> str:
    """The IAM ARN behind an STS identity.

    Raises: UsageError for the root user and federated users, who cannot have an access entry; AccessError when the
    role cannot be read.
    """
    resource = identity.arn.split(":", 5)[-1]
    what, _, rest = resource.partition("/")
    if what in ("user", "role"):
        return identity.arn
    if what == "assumed-role":
        return _role_arn(aws, rest.split("/", 1)[0], identity)
    whom = "the account's root user" if what == "root" else identity.arn
    raise errors.UsageError(f"{whom} cannot be the cluster's admin: EKS takes IAM roles and users", NAME_ONE)


def _role_arn(aws: Aws, role: str, identity: Identity) -> str:
    iam = aws.clients.iam
    found = none_if(lambda: iam.get_role(RoleName=role)["Role"]["Arn"], "AccessDenied", "NoSuchEntity")
    if found is None:
        raise errors.AccessError(
            f"cannot read the role {role!r} that calls AWS ({identity.arn}), which is to be the cluster's admin",
            f"allow iam:GetRole on it, or {NAME_ONE}",
        )
    return found
