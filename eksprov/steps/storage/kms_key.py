"""The KMS key of the stack's own: EKS encrypts the Kubernetes API's data with it, instead of with a key of AWS.

CreateKey knows neither name nor token (https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html), so it
is sent once and found again by its tags; the alias, made right after it, is how later runs find it in one call. The
key's policy leaves IAM in charge (the account's root) and lets the cluster's role use it; a policy that names a role is
refused until KMS sees the role, and afterwards it follows the role's unique id, so a role that was made again under the
same name shows as a difference here.

KMS deletes no key at once: it waits for 7 to 30 days, and until then the deletion can be called off
(https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html). Taking the stack down drops the alias first
and schedules the deletion then. So *a key pending deletion without our alias is gone*: it is in no survey, and a new
stack makes a new key, for the old one encrypts nothing any more. *One that still has our alias* was scheduled by
somebody else while the cluster needs it: the next run calls that off and enables the key again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from eksprov.aws.faults import tolerating
from eksprov.aws.rights import ANYTHING, Place, Rights, on
from eksprov.aws.session import Aws
from eksprov.aws.tags import of_stack, owner_of
from eksprov.aws.waiting import SEEN_LIMIT_S, Passing, eventually
from eksprov.core.billing import Billing, each
from eksprov.core.change import UNKNOWN
from eksprov.core.describing import known
from eksprov.core.step import READY, FoundResource, Outputs, Owner, Phase, PhaseState, Step, Timing, Traits
from eksprov.steps.absent import none_if
from eksprov.steps.cluster.rights import FOR_AWS
from eksprov.steps.identity.policy_json import canonical, policy

GONE = "NotFoundException"
PENDING = "PendingDeletion"
LONGEST_WINDOW_DAYS = 30
# Throttled calls were not carried out (ThrottlingException), and neither was one whose policy names a role that KMS
# does not see yet (https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html, Policy).
NOT_MADE = (Passing("ThrottlingException"), Passing("MalformedPolicyDocumentException"))
ROLE_NOT_SEEN = (Passing("MalformedPolicyDocumentException"),)
NOT_SEEN_YET = (Passing(GONE),)
LIMIT_S = 180.0
# EKS checks the key when it is named, and a policy or grant of the last minute may not have reached KMS everywhere:
# https://github.com/hashicorp/terraform-provider-aws/issues/49247.
KEY_NOT_USABLE = (Passing("InvalidParameterException", ("due to explicit deny policy or revoked grant",)),)
# What EKS does with the key as the cluster's role; grants only on behalf of AWS services
# (https://docs.aws.amazon.com/eks/latest/userguide/envelope-encryption.html,
# https://github.com/terraform-aws-modules/terraform-aws-eks/blob/master/main.tf, `cluster_encryption`).
USE = ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:ListGrants")
GRANTS = {"Bool": {"kms:GrantIsForAWSResource": "true"}}


@dataclass(frozen=True)
class KeyFacts:
    """`policy` is canonical; `enabled`: neither disabled nor about to be deleted; `alias`: ours points at it."""

    policy: str
    rotation: bool = True
    enabled: bool = True
    alias: bool = True
    id: str = field(default=UNKNOWN, compare=False)
    arn: str = field(default=UNKNOWN, compare=False)
    state: str = field(default="Enabled", compare=False)
    owner: Owner | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class KmsKey(Step[Aws, KeyFacts]):
    """`slug` is the alias, "alias/<stack>"; `role` names the step of the role that uses the key."""

    kind: ClassVar[str] = "kms-key"
    billing: ClassVar[Billing | None] = each("kms.key", "KMS key")
    traits: ClassVar[Traits] = Traits(tags_at=("kms", "id"), recognised=False, named=False)
    timing: ClassVar[Timing] = Timing(create_s=2, delete_s=2)

    partition: str = "aws"
    account: str = ""
    role: str = ""
    deletion_days: int = LONGEST_WINDOW_DAYS

    def desired(self, outputs: Outputs) -> KeyFacts:
        """A key that rotates, in use, with the policy of the module's docstring."""
        role = outputs.get(self.role, "arn")
        return KeyFacts(UNKNOWN if role is UNKNOWN else self._policy(role))

    def describe(self, want: KeyFacts) -> str:
        """What is created, for the plan."""
        return known("symmetric", "rotated every year" if want.rotation else "never rotated", f"used by {self.role}")

    def discover(self, aws: Aws, *, fresh: bool = False) -> KeyFacts | None:
        """By the alias; where that leads nowhere, by the tags of every key."""
        kms = aws.clients.kms
        found: Any = none_if(lambda: kms.describe_key(KeyId=self.slug)["KeyMetadata"], GONE)
        alias = found is not None
        if found is None:
            found = next(iter(self._by_tags(aws, fresh=fresh)), None)
        return none_if(lambda: _read(aws, found, alias=alias), GONE) if found is not None else None

    def _by_tags(self, aws: Aws, *, fresh: bool) -> list[Any]:
        owned = aws.listing("kms/keys", lambda: list(_keys_of(aws, aws.owner.stack)), fresh=fresh)
        mine = [key for key, owner in owned if owner.step == self.name and owner.stack_id == aws.owner.stack_id]
        return sorted(mine, key=lambda key: str(key["KeyId"]))

    def create(self, aws: Aws, want: KeyFacts, token: str) -> dict[str, str]:
        """The key with its tags, once; then its alias and its rotation."""
        tags: Any = [{"TagKey": key, "TagValue": text} for key, text in sorted(aws.tags(self.name, self.slug).items())]
        answer = eventually(
            aws,
            lambda: aws.once.kms.create_key(
                Policy=want.policy, Description=f"EKS cluster of the stack {aws.owner.stack}", Tags=tags
            ),
            NOT_MADE,
            limit_s=LIMIT_S,
        )
        made = answer["KeyMetadata"]
        have = KeyFacts(want.policy, rotation=False, alias=False, id=made["KeyId"], arn=made["Arn"])
        self.update(aws, want, have, ("rotation", "alias"))
        return {"id": have.id, "arn": have.arn}

    def update(self, aws: Aws, want: KeyFacts, have: KeyFacts, fields: tuple[str, ...]) -> None:
        """First of all the key is brought back into use: a disabled one takes no other change."""
        kms = aws.clients.kms
        if "enabled" in fields:
            if have.state == PENDING:
                kms.cancel_key_deletion(KeyId=have.id)
            kms.enable_key(KeyId=have.id)
        if "alias" in fields:
            with tolerating("AlreadyExistsException"):  # whose key it then leads to, the proof tells
                eventually(
                    aws,
                    lambda: kms.create_alias(AliasName=self.slug, TargetKeyId=have.id),
                    NOT_SEEN_YET,
                    limit_s=SEEN_LIMIT_S,
                )
        if "rotation" in fields:
            eventually(aws, lambda: kms.enable_key_rotation(KeyId=have.id), NOT_SEEN_YET, limit_s=SEEN_LIMIT_S)
        if "policy" in fields:
            eventually(
                aws,
                lambda: kms.put_key_policy(KeyId=have.id, PolicyName="default", Policy=want.policy),
                ROLE_NOT_SEEN,
                limit_s=LIMIT_S,
            )

    def delete(self, aws: Aws, have: KeyFacts) -> None:
        """The alias, then the deletion after the window; a key that is pending already stays so.

        With it goes any second one that the network made by delivering CreateKey twice.
        """
        kms = aws.clients.kms
        if have.alias:
            with tolerating(GONE):
                kms.delete_alias(AliasName=self.slug)
        for key in dict.fromkeys((have.id, *(str(twin["KeyId"]) for twin in self._by_tags(aws, fresh=True)))):
            with tolerating(GONE, "KMSInvalidStateException"):
                kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=self.deletion_days)

    def phase(self, have: KeyFacts) -> Phase:
        """A new key is usable at once, but for those of other origins."""
        return Phase(PhaseState.MOVING, "KMS makes the key") if have.state == "Creating" else READY

    def outputs(self, have: KeyFacts) -> dict[str, str]:
        return {"id": have.id, "arn": have.arn, "alias": self.slug}

    @classmethod
    def list_owned(cls, aws: Aws, stack: str) -> Iterable[FoundResource]:
        """The keys whose tags name the stack, without those that are to be deleted."""
        for key, owner in _keys_of(aws, stack):
            yield FoundResource(cls.kind, f"alias/{stack}", str(key["Arn"]), owner)

    def _policy(self, role: str) -> str:
        account = {"AWS": f"arn:{self.partition}:iam::{self.account}:root"}
        common = {"Effect": "Allow", "Resource": "*"}
        cluster = {"Principal": {"AWS": role}, **common}
        return policy(
            [
                {"Sid": "Account", "Principal": account, "Action": "kms:*", **common},
                {"Sid": "Cluster", "Action": list(USE), **cluster},
                {"Sid": "ClusterGrants", "Action": "kms:CreateGrant", "Condition": GRANTS, **cluster},
            ]
        )

    @classmethod
    def rights(cls, place: Place) -> Rights:
        keys, alias = place.arn("kms", "key/*"), place.arn("kms", *place.slugs(cls.kind))
        tagged = on(keys, "kms:TagResource", condition=place.requested)
        grant = (*place.owned, FOR_AWS)
        named = (*on(alias, "kms:CreateAlias"), *on(keys, "kms:CreateAlias", condition=place.owned))
        unnamed = (*on(alias, "kms:DeleteAlias"), *on(keys, "kms:DeleteAlias", condition=place.owned))
        look = ("kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus")
        list_owned = (*on(ANYTHING, "kms:ListAliases", "kms:ListKeys"), *on(keys, "kms:ListResourceTags"))
        return Rights(
            read=(*list_owned, *on(keys, *look, condition=place.owned)),
            make=(
                *on(ANYTHING, "kms:CreateKey", condition=(*place.requested, *place.here)),
                *tagged,
                *named,
                *on(keys, "kms:EnableKeyRotation", condition=place.owned),
                *on(keys, "kms:CreateGrant", condition=grant),  # what EKS does with the key in the caller's name
            ),
            change=(
                *on(keys, "kms:CancelKeyDeletion", "kms:EnableKey", "kms:EnableKeyRotation", condition=place.owned),
                *on(keys, "kms:PutKeyPolicy", condition=place.owned),
                *named,
            ),
            delete=(*unnamed, *on(keys, "kms:ScheduleKeyDeletion", condition=place.owned)),
            list_owned=(*list_owned, *on(keys, "kms:DescribeKey", condition=place.owned)),
            tag=on(keys, "kms:TagResource", "kms:UntagResource", condition=place.owned),
        )


def cluster_rights(key_arn: str) -> str:
    """What the cluster's role needs in its own policy to use a key that is not the stack's."""
    common = {"Effect": "Allow", "Resource": key_arn}
    return policy(
        [
            {"Sid": "Use", "Action": list(USE), **common},
            {"Sid": "Grants", "Action": "kms:CreateGrant", "Condition": GRANTS, **common},
        ]
    )


def _read(aws: Aws, found: Mapping[str, Any], *, alias: bool) -> KeyFacts:
    kms, key = aws.clients.kms, str(found["KeyId"])
    return KeyFacts(
        policy=canonical(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]),
        rotation=kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] or found["KeyState"] == PENDING,
        enabled=found["KeyState"] not in ("Disabled", PENDING),
        alias=alias,
        id=key,
        arn=str(found["Arn"]),
        state=str(found["KeyState"]),
        owner=owner_of(_tags(aws, key)),
    )


def _tags(aws: Aws, key: str) -> dict[str, str]:
    pages = aws.clients.kms.get_paginator("list_resource_tags").paginate(KeyId=key)
    return {tag["TagKey"]: tag["TagValue"] for page in pages for tag in page["Tags"]}


def _keys_of(aws: Aws, stack: str) -> Iterator[tuple[Any, Owner]]:
    """The account's living keys whose tags name the stack; AWS's own and those we may not look at are passed by."""
    kms = aws.clients.kms
    aliases = [alias for page in kms.get_paginator("list_aliases").paginate() for alias in page["Aliases"]]
    of_aws = {alias.get("TargetKeyId") for alias in aliases if alias["AliasName"].startswith("alias/aws/")}
    for page in kms.get_paginator("list_keys").paginate():
        for key in [key["KeyId"] for key in page["Keys"] if key["KeyId"] not in of_aws]:
            with tolerating(GONE, "AccessDeniedException"):
                owner = owner_of(_tags(aws, key))
                if of_stack(owner, stack, aws.region):
                    found = kms.describe_key(KeyId=key)["KeyMetadata"]
                    if found["KeyState"] != PENDING:
                        yield found, owner
