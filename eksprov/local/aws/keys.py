"""The access keys the local world knows, and who uses them.

Two kinds: fixed keys (`test`/`test`), which stand for the user `local-admin`; and temporary keys that our STS has
issued for a role. No other key is accepted by STS. Pods get temporary keys too; these are held to the policies of
their role by every service, because what a model's role may not read has to be seen on this machine too. Other sessions
of roles are held to theirs in IAM alone (`iam_guard`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID

ACCOUNT = DEFAULT_ACCOUNT_ID
ADMIN_ID = "AIDALOCALADMIN0000000"


def admin_arn(partition: str) -> str:
    """The local administrator, as a partition names it."""
    return f"arn:{partition}:iam::{ACCOUNT}:user/local-admin"


@dataclass(frozen=True)
class Session:
    """A role's session: its tags are those that EKS Pod Identity sets, for pods only.

    `partition` is the role's.
    """

    role_name: str
    name: str
    expires_at: float
    is_pod: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    partition: str = "aws"


@dataclass(frozen=True)
class Key:
    """One access key. `session` is None for the fixed keys of the local administrator."""

    access_key_id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)
    session: Session | None = None
    user_id: str = ADMIN_ID

    def arn(self, partition: str) -> str:
        """What GetCallerIdentity answers in a partition; a session is known in its role's alone."""
        if self.session is None:
            return admin_arn(partition)
        role = f"{self.session.role_name}/{self.session.name}"
        return f"arn:{self.session.partition}:sts::{ACCOUNT}:assumed-role/{role}"


class KeyRing:
    """All keys; `fixed` maps access key ids to secrets."""

    def __init__(self, fixed: Mapping[str, str]) -> None:
        self._keys = {name: Key(name, secret) for name, secret in fixed.items()}

    def add(self, access_key_id: str, secret: str, token: str = "") -> None:
        """Make one more fixed key known."""
        self._keys[access_key_id] = Key(access_key_id, secret, token)

    def issue(self, assumed: Any, session: Session) -> Key:
        """Remember the credentials of moto's `AssumedRole`."""
        key = Key(assumed.access_key_id, assumed.secret_access_key, assumed.session_token, session, assumed.user_id)
        self._keys[key.access_key_id] = key
        return key

    def find(self, access_key_id: str, at: float) -> Key | None:
        """The key, or None where it is unknown or has expired at `at` (epoch seconds)."""
        key = self._keys.get(access_key_id)
        if key is not None and key.session is not None and at >= key.session.expires_at:
            return None
        return key
