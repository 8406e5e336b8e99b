"""Who an EKS token belongs to: the presigned GetCallerIdentity URL inside it, and the cluster's access entries.

A token is `k8s-aws-v1.` and the base64url of a URL presigned for STS, whose signed header `x-k8s-aws-id` names the
cluster (https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster). The
real webhook sends that URL to STS; this one is STS, so it checks the signature itself. Accepted are loopback
hosts only: a token for the real AWS is no token here.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from moto.iam.models import IAMBackend

from eksprov.local.aws import sigv4
from eksprov.local.aws.eks.access import groups_of
from eksprov.local.aws.eks.model import AccessEntry, Cluster
from eksprov.local.aws.keys import Key, KeyRing, Session, admin_arn
from eksprov.local.contract import Identity

PREFIX = "k8s-aws-v1."
CLUSTER_HEADER = "x-k8s-aws-id"
LIFETIME_S = 900
CLOCK_SKEW_S = 60
LONGEST_TOKEN = 8192
NODE_GROUPS = ("system:bootstrappers", "system:nodes")


class Account(Protocol):
    """What is asked of the account: its keys, its roles, and the time by which signatures are dated."""

    keys: KeyRing

    def wall(self) -> float: ...

    def iam(self, partition: str) -> IAMBackend: ...


def authenticate(account: Account, cluster: Cluster | None, token: str) -> Identity | None:
    """The identity, or None; the account's lock must be held."""
    url = presigned_url(token)
    if cluster is None or url is None or not _asks_local_sts(url):
        return None
    key = signer(account, url, {CLUSTER_HEADER: cluster.name})
    if key is None:
        return None
    partition = cluster.arn.split(":")[1]
    principal = _principal(account, key, partition)
    entry = None if principal is None else cluster.entries.get(principal)
    # An entry keeps the unique id of its role (https://docs.aws.amazon.com/eks/latest/APIReference/API_AccessEntry.html).
    if entry is not None and key.session is not None and entry.principal_id != _role_id(account, key.session):
        return None
    return None if entry is None else _identity(entry, key, key.arn(partition))


def presigned_url(token: str) -> str | None:
    """The URL inside a token, or None where there is none."""
    if not token.startswith(PREFIX) or len(token) > LONGEST_TOKEN:
        return None
    encoded = token[len(PREFIX) :]
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def signer(account: Account, url: str, headers: dict[str, str]) -> Key | None:
    """The key that signed this URL together with all of `headers`, no longer than 15 minutes ago; else None.

    STS does not look at X-Amz-Expires, which every client sets to 60; aws-iam-authenticator alone refuses large ones
    (https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/master/pkg/token/token.go).
    """
    found = sigv4.from_query(url)
    if found is None or found.service != "sts" or not set(headers) <= set(found.signed_headers):
        return None
    if not 0 <= found.expires_s <= LIFETIME_S:
        return None
    if not found.signed_at - CLOCK_SKEW_S <= account.wall() < found.signed_at + LIFETIME_S:
        return None
    key = account.keys.find(found.access_key_id, account.wall())
    if key is None or key.token != found.security_token:
        return None
    signed = {"host": urlsplit(url).netloc, **headers}
    good = sigv4.matches(found, key.secret, "GET", url, signed, sigv4.EMPTY_BODY_SHA256)
    return key if good else None


def _asks_local_sts(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    fields = parse_qs(parts.query)
    if fields.get("Action") != ["GetCallerIdentity"] or parts.path not in ("", "/"):
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _principal(account: Account, key: Key, partition: str) -> str | None:
    # An access entry names the role, which may have a path; the session's ARN has none.
    if key.session is None:
        return admin_arn(partition)
    name = key.session.role_name
    return next((str(role.arn) for role in account.iam(key.session.partition).get_roles() if role.name == name), None)


def _role_id(account: Account, session: Session) -> str:
    roles = account.iam(session.partition).get_roles()
    return next((str(role.id) for role in roles if role.name == session.role_name), "")


def _identity(entry: AccessEntry, key: Key, arn: str) -> Identity:
    session = key.session.name if key.session is not None else ""
    username = entry.username.replace("{{SessionNameRaw}}", session)
    username = username.replace("{{SessionName}}", session.replace("@", "-"))
    if entry.type != "STANDARD":
        username = username.replace("{{EC2PrivateDNSName}}", session)
        groups: tuple[str, ...] = NODE_GROUPS
    else:
        groups = (*entry.groups, *groups_of(entry))
    return Identity(
        username=username,
        uid=f"aws-iam-authenticator:{arn.split(':')[4]}:{key.user_id.split(':')[0]}",
        groups=groups,
        arn=arn,
        access_key_id=key.access_key_id,
    )
