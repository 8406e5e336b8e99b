"""A model's files in the stack's bucket: one step, however many files.

Objects lie under `models/<name>/<digest>/`, where the digest is of their contents: what is there under the right name
and size is right, and an upload that was cut off goes on where it stopped. S3 itself refuses a body that does not have
the SHA-256 it is sent with. Contents of earlier digests stay, so that pods of the revision before can still start while
a rollout is on its way, and go with the model.

The bucket is the stack's, so its tags say whose the objects are.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from eksprov import errors
from eksprov.aws.faults import code, tolerating, translated
from eksprov.aws.rights import ANYTHING, Place, Rights, on
from eksprov.aws.session import Aws
from eksprov.aws.tags import as_dict, bucket_region, of_stack, owner_of
from eksprov.core.billing import Billing
from eksprov.core.names import InBucket, StepName, model_step
from eksprov.core.step import FoundResource, Outputs, Owner, Step, Timing
from eksprov.core.words import plural
from eksprov.serving.inspection.package import ModelFile

THREADS = 8
# A single PutObject takes 5 GiB at most; above this, parts are sent side by side and resent alone
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html).
MULTIPART_FROM_BYTES = 64 * 2**20
DELETE_BATCH = 1000  # keys a DeleteObjects call


@dataclass(frozen=True)
class FilesFacts:
    """`digest` names the contents that are completely there; empty when none of the wanted are."""

    digest: str
    owner: Owner | None = field(default=None, compare=False)
    present: frozenset[tuple[str, int]] = field(default=frozenset(), compare=False)


@dataclass(frozen=True, kw_only=True)
class ModelFiles(Step[Aws, FilesFacts]):
    """The objects of one model; `slug` is `<bucket>/models/<name>/`."""

    kind: ClassVar[str] = "model-files"
    billing: ClassVar[Billing | None] = Billing(use="S3 storage and requests")
    timing: ClassVar[Timing] = Timing(create_s=5, delete_s=2, create_limit_s=300)

    digest: str = ""
    files: tuple[ModelFile, ...] = ()

    @property
    def bucket(self) -> str:
        return InBucket.parse(self.slug).bucket

    @property
    def prefix(self) -> str:
        """Where all of the model's objects lie, of whatever digest."""
        return InBucket.parse(self.slug).prefix

    @property
    def where(self) -> dict[str, Any]:
        """The bucket, and the account it must belong to: its twelve digits stand in the bucket's name
        (https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html)."""
        account = re.search(r"(?<!\d)\d{12}(?!\d)", self.bucket)
        return {"Bucket": self.bucket, **({"ExpectedBucketOwner": account[0]} if account else {})}

    def desired(self, outputs: Outputs) -> FilesFacts:
        """All files of this digest are there."""
        return FilesFacts(self.digest)

    def describe(self, want: FilesFacts) -> str:
        """What is created, for the plan."""
        size = sum(file.size for file in self.files)
        return f"{plural(len(self.files), 'file')} of {size:,} bytes, digest {want.digest[:12]}"

    def discover(self, client: Aws, *, fresh: bool = False) -> FilesFacts | None:
        """What is below the prefix, or None when nothing is."""
        present = frozenset(self._present(client))
        if not present:
            return None
        return FilesFacts(self._complete(present), self._owner(client), present)

    def create(self, client: Aws, want: FilesFacts, token: str) -> dict[str, str]:
        """Upload everything. Raises: OwnershipError when the bucket is not this stack's."""
        self._upload(client, self.files)
        return self.outputs(want)

    def update(self, client: Aws, want: FilesFacts, have: FilesFacts, fields: tuple[str, ...]) -> None:
        self._upload(client, [file for file in self.files if (self._key(file), file.size) not in have.present])

    def delete(self, client: Aws, have: FilesFacts) -> None:
        """Delete all objects of the model, of whatever digest."""
        keys = sorted(key for key, _ in have.present)
        for start in range(0, len(keys), DELETE_BATCH):
            batch: Any = [{"Key": key} for key in keys[start : start + DELETE_BATCH]]
            answer = client.clients.s3.delete_objects(**self.where, Delete={"Objects": batch, "Quiet": True})
            if failed := answer.get("Errors"):
                first = failed[0]
                raise errors.ProvisioningError(
                    f"{self.name}: S3 did not delete {plural(len(failed), 'object')}, the first being "
                    f"{first.get('Key')}: {first.get('Message')} ({first.get('Code')})"
                )

    def outputs(self, have: FilesFacts) -> dict[str, str]:
        """Where the contents lie: all of the model's, where it cannot be told which are in use."""
        below = f"{have.digest}/" if have.digest else ""
        return {"uri": f"s3://{self.bucket}/{self.prefix}{below}", "digest": have.digest}

    @classmethod
    def list_owned(cls, client: Aws, stack: str) -> Iterable[FoundResource]:
        """One for each model that has objects in a bucket of the stack's (its buckets are found by name, then tags)."""
        s3 = client.clients.s3
        for page in s3.get_paginator("list_buckets").paginate(Prefix=f"{stack}-models-"):
            for bucket in [found["Name"] for found in page.get("Buckets", ())]:
                with tolerating("NoSuchBucket", "NoSuchTagSet", "AccessDenied"):  # a namesake's is not ours to read
                    owner = owner_of(as_dict(s3.get_bucket_tagging(Bucket=bucket)["TagSet"]), bucket_region(bucket))
                    if of_stack(owner, stack, client.region):
                        yield from cls._sighted(s3, bucket, owner)

    @classmethod
    def _sighted(cls, s3: Any, bucket: str, owner: Owner) -> Iterator[FoundResource]:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="models/", Delimiter="/")
        for prefix in [found["Prefix"] for page in pages for found in page.get("CommonPrefixes", ())]:
            step = model_step(StepName.parse(prefix).of, "files")
            slug = str(InBucket(bucket, prefix))
            yield FoundResource(cls.kind, slug, f"s3://{slug}", replace(owner, step=step, tags={}))

    def _key(self, file: ModelFile) -> str:
        return f"{self.prefix}{self.digest}/{file.path}"

    def _complete(self, present: frozenset[tuple[str, int]]) -> str:
        """The digest whose files are all there; where the files are not known, the only one that has any."""
        if self.files:
            return self.digest if self._wanted() <= present else ""
        digests = {key.removeprefix(self.prefix).partition("/")[0] for key, _ in present}
        return digests.pop() if len(digests) == 1 else ""

    def _wanted(self) -> frozenset[tuple[str, int]]:
        return frozenset((self._key(file), file.size) for file in self.files)

    def _present(self, client: Aws) -> Iterator[tuple[str, int]]:
        from botocore.exceptions import ClientError

        pages = client.clients.s3.get_paginator("list_objects_v2").paginate(**self.where, Prefix=self.prefix)
        try:
            for page in pages:
                yield from ((item["Key"], item["Size"]) for item in page.get("Contents", ()))
        except ClientError as error:
            if code(error) != "NoSuchBucket":
                raise

    def _owner(self, client: Aws) -> Owner | None:
        from botocore.exceptions import ClientError

        try:
            tags = as_dict(client.clients.s3.get_bucket_tagging(**self.where)["TagSet"])
        except ClientError as error:
            if code(error) in ("NoSuchTagSet", "NoSuchBucket"):
                return None
            raise
        owner = owner_of(tags, bucket_region(self.bucket))
        return replace(owner, step=self.name, tags={}) if owner else None

    def _upload(self, client: Aws, files: Iterable[ModelFile]) -> None:
        if not of_stack(self._owner(client), client.owner.stack, client.region):
            raise errors.OwnershipError(
                f"{self.name}: the bucket {self.bucket} does not exist or is not this stack's; nothing was uploaded",
                "make it with `eksprov provision`",
            )
        with ThreadPoolExecutor(THREADS, thread_name_prefix="upload") as threads:
            for done in [threads.submit(self._put, client, file) for file in files]:
                done.result()

    def _put(self, client: Aws, file: ModelFile) -> None:
        s3 = client.clients.s3
        checksum = base64.b64encode(bytes.fromhex(file.sha256)).decode()
        with translated(f"upload {file.path} to {self.bucket}"):
            if file.source is None:
                s3.put_object(**self.where, Key=self._key(file), Body=file.content, ChecksumSHA256=checksum)
            elif file.size < MULTIPART_FROM_BYTES:
                with file.source.open("rb") as body:
                    s3.put_object(**self.where, Key=self._key(file), Body=body, ChecksumSHA256=checksum)
            else:
                expected = {key: value for key, value in self.where.items() if key != "Bucket"}
                s3.upload_file(
                    str(file.source),
                    self.bucket,
                    self._key(file),
                    ExtraArgs={**expected, "ChecksumAlgorithm": "SHA256"},
                )

    @classmethod
    def rights(cls, place: Place) -> Rights:
        """A model's files in the stack's bucket."""
        own = place.buckets(*place.slugs("bucket"))
        found = (*on(own, "s3:ListBucket", "s3:GetBucketTagging"),)
        return Rights(
            read=found,
            make=on([f"{arn}/models/*" for arn in own], "s3:PutObject", "s3:AbortMultipartUpload"),
            delete=(*found, *on([f"{arn}/models/*" for arn in own], "s3:DeleteObject")),
            list_owned=(*on(ANYTHING, "s3:ListAllMyBuckets"), *on(own, "s3:ListBucket", "s3:GetBucketTagging")),
        )
