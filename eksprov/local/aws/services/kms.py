"""KMS: moto's, with the refusals and states it lacks.

A key's state decides what may be done with it (https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html);
a key that is to be deleted goes, with its aliases, when its day has come. A policy must not name a role that does not
exist (https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html, `Policy`). Keys are taken by id and by
ARN alike, which moto's ScheduleKeyDeletion does not do, and listings come in pages.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.kms.models import Key
from moto.kms.responses import KmsResponse

from eksprov.local.aws.base import LocalResponse
from eksprov.local.aws.refusal import Refusal

PENDING, DISABLED = "PendingDeletion", "Disabled"
# What a key that is to be deleted still allows, of all that takes a key.
IN_ANY_STATE = frozenset(
    {
        "CancelKeyDeletion",
        "DeleteAlias",
        "DescribeKey",
        "GetKeyPolicy",
        "GetKeyRotationStatus",
        "ListAliases",
        "ListGrants",
        "ListKeyPolicies",
        "ListResourceTags",
        "PutKeyPolicy",
        "RetireGrant",
        "RevokeGrant",
    }
)
NOT_WHILE_DISABLED = frozenset({"EnableKeyRotation", "DisableKeyRotation", "Encrypt", "Decrypt", "GenerateDataKey"})
ROLE = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/.+")
LARGEST = {"ListKeys": 1000, "ListAliases": 100}
USUAL = {"ListKeys": 100, "ListAliases": 50}  # items a page where no Limit is given


class LocalKmsResponse(LocalResponse, KmsResponse):
    """Answers every request to KMS."""

    def before(self, action: str) -> None:
        """Let old keys go; refuse what a key's state, or its policy, forbids."""
        self._bury()
        key = self._key()
        if key is not None and key.key_state == PENDING and action not in IN_ANY_STATE:
            raise Refusal("KMSInvalidStateException", f"{key.arn} is pending deletion.")
        if key is not None and key.key_state == DISABLED and action in NOT_WHILE_DISABLED:
            raise Refusal("DisabledException", f"{key.arn} is disabled.")
        if action == "CancelKeyDeletion" and key is not None and key.key_state != PENDING:
            raise Refusal("KMSInvalidStateException", f"{key.arn} is not pending deletion.")
        if action in ("CreateKey", "PutKeyPolicy"):
            self._check_policy(self._get_param("Policy"))

    def schedule_key_deletion(self) -> str:
        """ScheduleKeyDeletion, by id or ARN; the day is reckoned by the world's clock."""
        days = self._get_param("PendingWindowInDays") or 30
        if not 7 <= days <= 30:
            raise Refusal("ValidationException", "PendingWindowInDays must be between 7 and 30, inclusive.")
        key = self._existing()
        key.enabled, key.key_state = False, PENDING
        key.deletion_date = datetime.fromtimestamp(self.world.now(), UTC).replace(tzinfo=None) + timedelta(days=days)
        at = key.deletion_date.replace(tzinfo=UTC).timestamp()
        return json.dumps({"KeyId": key.arn, "DeletionDate": at, "KeyState": PENDING, "PendingWindowInDays": days})

    def cancel_key_deletion(self) -> str:
        """CancelKeyDeletion: the key is disabled then."""
        key = self._existing()
        key.key_state, key.deletion_date = DISABLED, None
        return json.dumps({"KeyId": key.arn})

    def enable_key(self) -> str:
        """EnableKey, by id or ARN."""
        key = self._existing()
        key.enabled, key.key_state = True, "Enabled"
        return "{}"

    def disable_key(self) -> str:
        """DisableKey, by id or ARN."""
        key = self._existing()
        key.enabled, key.key_state = False, DISABLED
        return "{}"

    def get_key_rotation_status(self) -> str:
        """GetKeyRotationStatus: false while the key is to be deleted."""
        answer: str = super().get_key_rotation_status()
        key = self._key()
        if key is not None and key.key_state == PENDING:
            return json.dumps({**json.loads(answer), "KeyRotationEnabled": False})
        return answer

    def list_keys(self) -> str:
        return self._page("ListKeys", "Keys", super().list_keys())

    def list_aliases(self) -> str:
        return self._page("ListAliases", "Aliases", super().list_aliases())

    def _page(self, action: str, member: str, answer: str) -> str:
        items, marker = json.loads(answer)[member], self._get_param("Marker")
        size = min(self._get_param("Limit") or USUAL[action], LARGEST[action])
        start = int(marker) if marker else 0
        more = start + size < len(items)
        page: dict[str, Any] = {member: items[start : start + size], "Truncated": more}
        return json.dumps({**page, "NextMarker": str(start + size)} if more else page)

    def _key(self) -> Key | None:
        """The key that the request names, by id, ARN or alias; None where it names none that exists."""
        named = self._get_param("KeyId") or self._get_param("TargetKeyId")
        backend = self.kms_backend
        if not named or (named.startswith("alias/") and not backend.alias_exists(named)):
            return None
        return backend.keys.get(backend.any_id_to_key_id(named))

    def _existing(self) -> Key:
        self._validate_cmk_id(self._get_param("KeyId"))
        key = self._key()
        assert key is not None
        return key

    def _bury(self) -> None:
        now = datetime.fromtimestamp(self.world.now(), UTC).replace(tzinfo=None)
        for key in list(self.kms_backend.keys.values()):
            if key.key_state == PENDING and key.deletion_date is not None and key.deletion_date <= now:
                self.kms_backend.delete_key(key.id)

    def _check_policy(self, text: str | None) -> None:
        if not text:
            return
        try:
            statements = json.loads(text)["Statement"]
        except (ValueError, LookupError, TypeError):
            raise Refusal("MalformedPolicyDocumentException", "The policy is not JSON with statements.") from None
        for statement in statements if isinstance(statements, list) else [statements]:
            principal = statement.get("Principal", {})
            named = principal.get("AWS", []) if isinstance(principal, dict) else []
            for arn in [named] if isinstance(named, str) else named:
                if ROLE.fullmatch(arn) and not self._is_seen(arn):
                    raise Refusal(
                        "MalformedPolicyDocumentException",
                        "Policy contains a statement with one or more invalid principals.",
                    )

    def _is_seen(self, arn: str) -> bool:
        found = next((role for role in self.world.iam(self.partition).get_roles() if role.arn == arn), None)
        return found is not None and self.world.role_is_usable(found.name)
