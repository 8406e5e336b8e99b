"""The bearer token that an EKS cluster accepts: a presigned "who am I" that the cluster sends to STS for us.

The format is that of aws-iam-authenticator (https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster):
`k8s-aws-v1.` and the unpadded base64url of a presigned GetCallerIdentity URL whose signature covers the header
`x-k8s-aws-id`, the cluster's name. The URL itself is good for 60 s of clock difference, the token for 15 minutes from
its signing; one minute of these is kept as a margin. No call is made: signing needs the credentials alone.

Tokens live in memory only; they are never logged.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient

PREFIX = "k8s-aws-v1."
CLUSTER_HEADER = "x-k8s-aws-id"
URL_EXPIRY_S = 60
LIFETIME = timedelta(minutes=14)
MARGIN = timedelta(minutes=1)
EXEC_API_VERSION = "client.authentication.k8s.io/v1"

_PARAMETER = "ClusterName"  # a parameter of ours that the hooks take out again before botocore checks the rest


def utc_now() -> datetime:
    return datetime.now(UTC)


def eks_token(sts_client: STSClient, cluster_name: str, now: Callable[[], datetime] = utc_now) -> tuple[str, datetime]:
    """A token for the cluster and the time (UTC) until which it is good.

    Raises: what botocore raises when there are no credentials; translate it at the caller's edge.
    """
    signed_at = now()
    _teach(sts_client)
    url = sts_client.generate_presigned_url(
        "get_caller_identity", Params={_PARAMETER: cluster_name}, ExpiresIn=URL_EXPIRY_S, HttpMethod="GET"
    )
    text = base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")
    return PREFIX + text, signed_at + LIFETIME


def exec_credential(token: str, expires_at: datetime) -> str:
    """What a kubeconfig's exec plugin prints
    (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins).
    """
    stamp = expires_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    status = {"token": token, "expirationTimestamp": stamp}
    return json.dumps({"apiVersion": EXEC_API_VERSION, "kind": "ExecCredential", "spec": {}, "status": status})


class TokenSource:
    """Gives a valid token whenever it is called, from any thread; makes a new one only when the last grows old."""

    def __init__(self, make: Callable[[], tuple[str, datetime]], now: Callable[[], datetime] = utc_now) -> None:
        self._make, self._now = make, now
        self._lock = threading.Lock()
        self._held: tuple[str, datetime] | None = None

    def __call__(self) -> str:
        """A token good for a minute at least."""
        with self._lock:
            if self._held is None or self._held[1] - MARGIN <= self._now():
                self._held = self._make()
            return self._held[0]


def _teach(sts_client: STSClient) -> None:
    """Have the client sign the cluster's name into a header; the hooks touch only calls that carry our parameter."""
    events = sts_client.meta.events
    events.register("provide-client-params.sts.GetCallerIdentity", _take_name, unique_id="eksprov-take-name")
    events.register("before-sign.sts.GetCallerIdentity", _sign_name, unique_id="eksprov-sign-name")


def _take_name(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    if _PARAMETER in params:
        context["eksprov_cluster"] = params.pop(_PARAMETER)


def _sign_name(request: Any, **_: Any) -> None:
    if name := request.context.get("eksprov_cluster"):
        request.headers[CLUSTER_HEADER] = name
