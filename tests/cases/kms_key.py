"""KMS keys; one that is to be deleted counts as gone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from support.kind_case import Change, Client, Iam, Item, KindCase
from support.plain import NO_RIGHTS, arn, pages

from eksprov.steps.storage.kms_key import KmsKey


def read(client: Client) -> Iterable[Item]:
    kms = client("kms")
    aliases: dict[str, list[str]] = {}
    for alias in pages(kms, "list_aliases", "Aliases"):
        aliases.setdefault(alias.get("TargetKeyId", ""), []).append(alias["AliasName"])
    for one in pages(kms, "list_keys", "Keys"):
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


def changed(change: Callable[[Any, str], object]) -> Change:
    return lambda made, step: change(made.client("kms"), made.id(step))


def arns(params: Item) -> Sequence[str]:
    """The alias and the key; where an alias alone is named, also a key that the call does not name."""
    key = params.get("KeyId") or params.get("TargetKeyId") or ""
    whole = key if key.startswith("arn:") else arn("kms", f"key/{key}")
    named = [arn("kms", params["AliasName"])] if "AliasName" in params else []
    unsaid = [""] if named and not key else []
    return [*named, *unsaid, *([whole] if key and not key.startswith("alias/") else [])]


CASE = KindCase(
    kind=KmsKey,
    read=read,
    drifts={
        "policy": changed(lambda kms, key: kms.put_key_policy(KeyId=key, PolicyName="default", Policy=NO_RIGHTS)),
        "rotation": changed(lambda kms, key: kms.disable_key_rotation(KeyId=key)),
        "enabled": changed(lambda kms, key: kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)),
        "alias": lambda made, step: made.client("kms").delete_alias(AliasName=step.slug),
    },
    untag="KMS gives it no name: without tags it is not under ours",
    asks=Iam(
        service="kms",
        creates=("kms:CreateKey", "kms:CreateGrant"),
        tag_action="kms:TagResource",
        arns=arns,
        unseen={
            "kms:CancelKeyDeletion": "a key whose deletion somebody scheduled",
            "kms:DescribeKey": "a survey of an account without keys",
            "kms:EnableKey": "a key whose deletion somebody scheduled",
            "kms:ListResourceTags": "a survey of an account without keys",
            "kms:PutKeyPolicy": "a policy that somebody changed",
        },
        wide={"kms:ListResourceTags": (":key/", "a survey looks for our tag")},
    ),
)
