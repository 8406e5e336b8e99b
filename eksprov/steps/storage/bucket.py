"""The S3 bucket that models are uploaded to: private, TLS only, tidied of broken uploads, gone with its stack.

Encryption is S3's own default since January 2023 (https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html);
public access is blocked although new buckets are private, so that nobody opens it by mistake. Tags travel in the
create call. Every call names the account that the bucket must belong to, which is part of the bucket's name: a bucket
that somebody else took first under our name is refused, whatever its tags say
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html).

The name of a bucket that was deleted is not free at once: for minutes, and up to an hour, S3 answers a new one of that
name with OperationAborted (https://github.com/aws/aws-cli/issues/2593). So a stack that is made again soon waits there,
beside all that it makes meanwhile. A bucket that was just made is not found everywhere yet, and takes one change of its
settings at a time (https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from eksprov import errors
from eksprov.aws.faults import tolerating
from eksprov.aws.rights import ANYTHING, Place, Rights, on
from eksprov.aws.session import Aws
from eksprov.aws.tags import as_dict, as_list, bucket_region, of_stack, owner_of
from eksprov.aws.waiting import Passing, eventually
from eksprov.core.billing import Billing
from eksprov.core.convergence.converge import is_ours
from eksprov.core.describing import known
from eksprov.core.step import FoundResource, Outputs, Owner, Step, Timing, Traits
from eksprov.steps.absent import none_if
from eksprov.steps.identity.policy_json import VERSION, canonical, policy, statements

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import PublicAccessBlockConfigurationTypeDef

GONE = "NoSuchBucket"
RULE = "eksprov-broken-uploads"
TLS = "EksprovTlsOnly"
PRIVATE: PublicAccessBlockConfigurationTypeDef = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
DAYS = 7
NAME_RESTS = (Passing("OperationAborted"),)
UNSETTLED = (*NAME_RESTS, Passing(GONE))
UNSETTLED_LIMIT_S = 120.0
BUCKET_READS = (
    "s3:GetBucketTagging",
    "s3:GetBucketPolicy",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetLifecycleConfiguration",
)
BUCKET_WRITES = ("s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock", "s3:PutLifecycleConfiguration")


@dataclass(frozen=True)
class BucketFacts:
    """`abort_days`: after how many days a broken upload is dropped, 0 for never."""

    private: bool
    tls_only: bool
    abort_days: int
    owner: Owner | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class Bucket(Step[Aws, BucketFacts]):
    """`slug` is the bucket's name, in which the account's twelve digits stand; rules and statements of others stay."""

    kind: ClassVar[str] = "bucket"
    billing: ClassVar[Billing | None] = Billing(use="S3 storage and requests")
    traits: ClassVar[Traits] = Traits(tags_at=("s3", "name"), by_name=True, serves_workloads=True)
    timing: ClassVar[Timing] = Timing(create_limit_s=3900)  # a name rests for up to an hour
    batch: ClassVar[int] = 1000  # keys in one DeleteObjects, S3's limit

    partition: str = "aws"

    @property
    def _key(self) -> dict[str, Any]:
        account = re.search(r"-(\d{12})-", self.slug)
        return {"Bucket": self.slug, **({"ExpectedBucketOwner": account[1]} if account else {})}

    def desired(self, outputs: Outputs) -> BucketFacts:
        """Private, TLS only, broken uploads dropped after a week."""
        return BucketFacts(private=True, tls_only=True, abort_days=DAYS)

    def describe(self, want: BucketFacts) -> str:
        """What is created, for the plan."""
        return known(self.slug, "private" if want.private else "", "TLS only" if want.tls_only else "") or "private"

    def discover(self, aws: Aws, *, fresh: bool = False) -> BucketFacts | None:
        """Four readings: tags, public access, policy, life cycle."""
        s3 = aws.clients.s3
        tags = none_if(lambda: self._tag_set(s3), GONE)
        if tags is None:
            return None
        block = none_if(
            lambda: s3.get_public_access_block(**self._key)["PublicAccessBlockConfiguration"],
            "NoSuchPublicAccessBlockConfiguration",
            GONE,
        )
        return BucketFacts(
            private=dict(block or {}) == PRIVATE,
            tls_only=self._tls_only() in self._statements(aws),
            abort_days=next((_days(rule) for rule in self._rules(aws) if rule.get("ID") == RULE), 0),
            owner=owner_of(as_dict(tags), bucket_region(self.slug)),
        )

    def _tag_set(self, s3: Any) -> list[dict[str, str]]:
        return none_if(lambda: s3.get_bucket_tagging(**self._key)["TagSet"], "NoSuchTagSet") or []

    def create(self, aws: Aws, want: BucketFacts, token: str) -> dict[str, str]:
        """The bucket with its tags, then its settings, unless it turns out to be a stranger's.

        us-east-1 takes no location (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html).
        """
        place = {} if aws.region == "us-east-1" else {"LocationConstraint": aws.region}
        setup: Any = {"Tags": as_list(aws.tags(self.name)), **place}
        made = none_if(
            lambda: eventually(
                aws,
                lambda: aws.clients.s3.create_bucket(Bucket=self.slug, CreateBucketConfiguration=setup),
                NAME_RESTS,
                limit_s=self.timing.create_limit_s,
                cure=f"S3 keeps the name {self.slug} of a bucket that was deleted; run the same command again later",
            ),
            "BucketAlreadyOwnedByYou",
        )
        have = self.discover(aws, fresh=True) if made is None else None
        if made is not None or (have is not None and is_ours(have.owner, aws.owner)):
            self.update(aws, want, have or BucketFacts(False, False, 0), ("private", "tls_only", "abort_days"))
        return {}

    def update(self, aws: Aws, want: BucketFacts, have: BucketFacts, fields: tuple[str, ...]) -> None:
        """Each field is a document of its own."""
        s3 = aws.clients.s3
        if "private" in fields:
            self._settle(aws, partial(s3.put_public_access_block, PublicAccessBlockConfiguration=PRIVATE))
        if "tls_only" in fields:
            others = [one for one in self._statements(aws) if one.get("Sid") != TLS]
            document = {"Version": VERSION, "Statement": [*others, self._tls_only()]}
            self._settle(aws, partial(s3.put_bucket_policy, Policy=json.dumps(document)))
        if "abort_days" in fields:
            rules: Any = [*(rule for rule in self._rules(aws) if rule.get("ID") != RULE), _rule(want.abort_days)]
            self._settle(aws, partial(s3.put_bucket_lifecycle_configuration, LifecycleConfiguration={"Rules": rules}))

    def _settle(self, aws: Aws, send: Callable[..., Any]) -> None:
        eventually(aws, lambda: send(**self._key), UNSETTLED, limit_s=UNSETTLED_LIMIT_S)

    def delete(self, aws: Aws, have: BucketFacts) -> None:
        """Every version of every object, then the bucket. Raises: ProvisioningError when an object stays."""
        s3 = aws.clients.s3
        with tolerating(GONE):
            while True:
                page = s3.list_object_versions(**self._key, MaxKeys=self.batch)
                found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
                if not found:
                    break
                self._delete_objects(aws, [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found])
            eventually(aws, lambda: s3.delete_bucket(**self._key), NAME_RESTS, limit_s=UNSETTLED_LIMIT_S)

    def outputs(self, have: BucketFacts) -> dict[str, str]:
        return {"name": self.slug, "arn": self._arn}

    @classmethod
    def list_owned(cls, aws: Aws, stack: str) -> Iterable[FoundResource]:
        """Buckets whose names begin with the stack's, by their tags."""
        s3 = aws.clients.s3
        for page in s3.get_paginator("list_buckets").paginate(Prefix=f"{stack}-"):
            for name in [bucket["Name"] for bucket in page.get("Buckets", [])]:
                with tolerating(GONE, "NoSuchTagSet", "AccessDenied"):  # a namesake's bucket is none of our business
                    owner = owner_of(as_dict(s3.get_bucket_tagging(Bucket=name)["TagSet"]), bucket_region(name))
                    if of_stack(owner, stack, aws.region):
                        yield FoundResource(cls.kind, name, f"s3://{name}", owner)

    @property
    def _arn(self) -> str:
        return f"arn:{self.partition}:s3:::{self.slug}"

    def _tls_only(self) -> dict[str, Any]:
        """The statement that refuses requests without TLS, in canonical form."""
        statement = {
            "Sid": TLS,
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [self._arn, f"{self._arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        return statements(policy([statement]))[0]

    def _statements(self, aws: Aws) -> list[dict[str, Any]]:
        found = none_if(lambda: aws.clients.s3.get_bucket_policy(**self._key)["Policy"], "NoSuchBucketPolicy", GONE)
        return statements(canonical(found)) if found else []

    def _rules(self, aws: Aws) -> list[Any]:
        s3 = aws.clients.s3
        read = none_if(lambda: s3.get_bucket_lifecycle_configuration(**self._key), "NoSuchLifecycleConfiguration", GONE)
        return list(read["Rules"]) if read is not None else []

    def _delete_objects(self, aws: Aws, objects: list[Any]) -> None:
        answer = aws.clients.s3.delete_objects(**self._key, Delete={"Objects": objects, "Quiet": True})
        for refused in answer.get("Errors", []):
            why = f"{refused.get('Message')} ({refused.get('Code')})"
            raise errors.ProvisioningError(f"{self.name}: cannot delete {refused.get('Key')!r}: {why}")

    @classmethod
    def rights(cls, place: Place) -> Rights:
        own = place.buckets(*place.slugs(cls.kind))
        return Rights(
            read=on(own, *BUCKET_READS),
            make=on(own, "s3:CreateBucket", "s3:TagResource", *BUCKET_WRITES),
            change=on(own, *BUCKET_WRITES),
            delete=(
                *on(own, "s3:ListBucketVersions", "s3:DeleteBucket"),
                *on([f"{arn}/*" for arn in own], "s3:DeleteObject", "s3:DeleteObjectVersion"),
            ),
            list_owned=(
                *on(ANYTHING, "s3:ListAllMyBuckets"),
                *on(own, "s3:GetBucketTagging"),  # a namesake's is not read: AccessDenied is taken for "not ours"
            ),
            tag=on(own, "s3:PutBucketTagging"),
        )


def files_in(aws: Aws, name: str) -> int:
    """How many files are in the bucket, each once however many versions it has; 0 where that may not be read."""
    listed = aws.clients.s3.get_paginator("list_object_versions")
    pages = none_if(lambda: list(listed.paginate(Bucket=name)), GONE, "AccessDenied") or []
    return len({one["Key"] for page in pages for one in page.get("Versions", [])})


def _rule(days: int) -> dict[str, Any]:
    return {
        "ID": RULE,
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": days},
    }


def _days(rule: Any) -> int:
    """After how many days our rule drops broken uploads; 0 where it is switched off or narrowed."""
    if rule.get("Status") != "Enabled" or rule.get("Filter") not in ({"Prefix": ""}, {}):
        return 0
    return int(rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation", 0))
