"""S3 buckets, with the names of what is in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from support.kind_case import Client, Iam, Item, KindCase, Made
from support.memory import Memory
from support.plain import or_none

from eksprov.core.step import AnyStep
from eksprov.steps.storage.bucket import Bucket

ASKED = {
    "tags": ("get_bucket_tagging", "TagSet"),
    "versioning": ("get_bucket_versioning", "Status"),
    "public": ("get_public_access_block", "PublicAccessBlockConfiguration"),
    "encryption": ("get_bucket_encryption", "ServerSideEncryptionConfiguration"),
    "lifecycle": ("get_bucket_lifecycle_configuration", "Rules"),
    "policy": ("get_bucket_policy", "Policy"),
    "ownership": ("get_bucket_ownership_controls", "OwnershipControls"),
}
BLOCK = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": False, "RestrictPublicBuckets": False}


def read(client: Client) -> Iterable[Item]:
    s3 = client("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        found = {key: or_none(s3, *how, Bucket=bucket["Name"]) for key, how in ASKED.items()}
        objects = [o["Key"] for o in s3.list_objects_v2(Bucket=bucket["Name"]).get("Contents", [])]
        yield {"Name": bucket["Name"], **found, "objects": objects}


def less_private(made: Made, step: AnyStep) -> None:
    made.client("s3").put_public_access_block(Bucket=step.slug, PublicAccessBlockConfiguration=BLOCK)


def arns(params: Item) -> Sequence[str]:
    """The bucket, or a file in it where a file is sent or some are listed."""
    if "Bucket" not in params:
        return ()
    inside = "Body" in params or "Delete" in params
    return [f"arn:aws:s3:::{params['Bucket']}" + ("/models/x" if inside else "")]


def peek(memory: Memory) -> Iterable[Item]:
    s3 = memory.of("s3", "aws")
    for name, bucket in s3.buckets.items():
        yield {
            "id": name,
            "tags": s3.tagger.get_tag_dict_for_resource(bucket.arn),
            "policy": str(bucket.policy),
            "private": str(bucket.public_access_block and vars(bucket.public_access_block)),
            "rules": len(bucket.rules),
            "objects": sorted(bucket.keys.keys()),
        }


CASE = KindCase(
    kind=Bucket,
    read=read,
    peek=peek,
    drifts={
        "private": less_private,
        "tls_only": lambda made, step: made.client("s3").delete_bucket_policy(Bucket=step.slug),
        "abort_days": lambda made, step: made.client("s3").delete_bucket_lifecycle(Bucket=step.slug),
    },
    untag=lambda made, step: made.client("s3").delete_bucket_tagging(Bucket=step.slug),
    asks=Iam(
        service="s3",
        creates=("s3:CreateBucket", "s3:TagResource"),
        otherwise={
            "ListBuckets": ("s3:ListAllMyBuckets",),
            "HeadBucket": ("s3:ListBucket",),
            "ListObjectsV2": ("s3:ListBucket",),
            "ListObjectVersions": ("s3:ListBucketVersions",),
            "CreateBucket": ("s3:CreateBucket", "s3:TagResource"),
            "DeleteObjects": ("s3:DeleteObject",),
            "GetPublicAccessBlock": ("s3:GetBucketPublicAccessBlock",),
            "PutPublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
            "GetBucketLifecycleConfiguration": ("s3:GetLifecycleConfiguration",),
            "PutBucketLifecycleConfiguration": ("s3:PutLifecycleConfiguration",),
        },
        arns=arns,
        unseen={"s3:DeleteObjectVersion": "a bucket that still holds something"},
        untagged={
            "s3:CreateBucket": (":s3:::", "of an exact name; S3 tells no tags of the request"),
            "s3:TagResource": (":s3:::", "of an exact name; S3 tells no tags of the request"),
        },
    ),
    in_every_region=True,
    looks_at=frozenset({"partition"}),  # where the bucket is
)
