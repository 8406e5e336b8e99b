"""What is in the account of keys; a key that is to be deleted counts as gone."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any


def _keys(client: Any) -> Iterable[Any]:
    kms = client("kms")
    aliases: dict[str, list[str]] = {}
    for page in kms.get_paginator("list_aliases").paginate():
        for alias in page["Aliases"]:
            aliases.setdefault(alias.get("TargetKeyId", ""), []).append(alias["AliasName"])
    for page in kms.get_paginator("list_keys").paginate():
        for one in page["Keys"]:
            key = kms.describe_key(KeyId=one["KeyId"])["KeyMetadata"]
            if key["KeyState"] == "PendingDeletion":
                continue
            if any(alias.startswith("alias/aws/") for alias in aliases.get(key["KeyId"], [])):
                continue  # AWS's own, made when a service first needs it
            tags = kms.list_resource_tags(KeyId=key["KeyId"])["Tags"]
            yield {
                "state": key["KeyState"],
                "description": key["Description"],
                "aliases": aliases.get(key["KeyId"], []),
                "rotation": kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"],
                "policy": json.loads(kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"]),
                "tags": {tag["TagKey"]: tag["TagValue"] for tag in tags},
            }


READS = {"kms-key": _keys}
