"""What an API server refuses, in our words: one translation of its Status answers. Pure.

403 has two meanings that call for different cures: RBAC says no to the caller (AccessError), or admission says no to
the object: Pod Security, a quota, a namespace on its way out (ProvisioningError).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from eksprov import errors
from eksprov.kube.api import ConflictError

ENTRY_HINT = (
    "the cluster admits whom an access entry names: run as the identity that made the cluster, or add your own IAM "
    "principal under `access:` and provision again"
)
BUSY = (429, 500, 502, 503, 504)
_MANAGER = re.compile(r'conflict(?:s)? with "([^"]+)"')
_SECRET = re.compile(r"(?<=//)[^/@\s]+@")
_RBAC = re.compile(r'User "([^"]*)" cannot ')


def status_of(body: bytes) -> Mapping[str, Any] | None:
    """The Kubernetes Status in an answer's body, or None when the answer is something else."""
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) and answer.get("kind") == "Status" else None


def refusal(doing: str, http_status: int, body: bytes) -> errors.EksprovError:
    """The error for an answer of 400 and above; `doing` completes "could not …"."""
    status = status_of(body) or {}
    message = str(status.get("message") or body[:300].decode("utf-8", "replace") or f"HTTP {http_status}")
    text = f"could not {doing}: {message}"
    if http_status == 401:
        return errors.AccessError(f"could not {doing}: the cluster does not accept this identity's token", ENTRY_HINT)
    if http_status == 403 and (denied := _RBAC.search(message)):
        who = f"it knows you as {denied[1]}" if denied[1] else "it does not know you"
        return errors.AccessError(text, f"{who}; {ENTRY_HINT}")
    if http_status == 409 and status.get("reason") == "Conflict" and (managers := _managers(status, message)):
        named = ", ".join(managers)
        return ConflictError(
            text,
            f"{named} set these fields too: undo that change there, or let {named} go on without eksprov",
            managers,
        )
    kind = errors.NoAnswerError if http_status in BUSY else errors.ProvisioningError
    return kind(text, _hint(http_status, message))


def _managers(status: Mapping[str, Any], message: str) -> tuple[str, ...]:
    causes = (status.get("details") or {}).get("causes") or ()
    texts = [str(cause.get("message", "")) for cause in causes if cause.get("reason") == "FieldManagerConflict"]
    found = [match for text in (*texts, message) for match in _MANAGER.findall(text)]
    return tuple(dict.fromkeys(found))


def _hint(http_status: int, message: str) -> str:
    if "violates PodSecurity" in message:
        return "the namespace enforces Pod Security; the message names the fields that it does not allow"
    if "exceeded quota" in message:
        return "a ResourceQuota of the namespace is used up: lower cpu, memory_mib or replicas, or raise the quota"
    if "being terminated" in message:
        return "the namespace is on its way out; run again once it is gone"
    if http_status in BUSY:
        return "the API server is busy or restarting; run the same command again"
    return ""


def silent(error: Exception, server: str, proxy: str | None) -> str:
    """What did not answer: the server, or the proxy before it; without the user and password in the proxy's URL."""
    from urllib3.exceptions import ProxyError

    failed: BaseException | None = error
    while failed is not None and not isinstance(failed, ProxyError):
        reason = getattr(failed, "reason", None)  # of ssl's errors that is a word
        failed = failed.__cause__ or failed.__context__ or (reason if isinstance(reason, BaseException) else None)
    return f"the proxy {_SECRET.sub('', proxy)}" if failed is not None and proxy else server
