"""Whether a run would take away the caller's own way into the cluster: worth a word before, and no reason to refuse."""

from __future__ import annotations

from eksprov.core.names import last_part
from eksprov.operations.stack import Opened
from eksprov.steps.identity.access_entry import AccessEntry


def lost_access(opened: Opened) -> tuple[str, ...]:
    """A note where the caller has an access entry of ours and the config no longer names the caller."""
    entries = [step for step in opened.orphans if isinstance(step, AccessEntry)]
    own = [one.principal for one in entries if _is_caller(one.principal, opened.identity.arn)]
    return tuple(
        f"this takes away your own access to the cluster ({principal}): kubectl and deploy-model will refuse you; "
        "add it under access: to keep it"
        for principal in own
    )


def _is_caller(principal: str, caller: str) -> bool:
    """A session's ARN has the role's name without its path (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html)."""
    if ":assumed-role/" not in caller:
        return principal == caller
    role = caller.split("/")[1]
    same_account = principal.split(":")[4] == caller.split(":")[4]
    return same_account and ":role/" in principal and last_part(principal) == role
