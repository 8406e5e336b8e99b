"""Objects in one S3 bucket, written only under a condition.

S3 carries out a write with `If-None-Match: *` only where no object has the key, and one with `If-Match` only on the
very content that its ETag names; otherwise it answers 412, or 409 where two such writes meet
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html). That is all that a lock and a state for
many writers need. A store that speaks S3's protocol but passes over conditions would let two writers in, so it is
found out, with an object made for this alone, before the first lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eksprov import errors
from eksprov.aws.faults import code, translated

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REFUSED = (409, 412)  # 409 where two conditional writes meet
GONE = "NoSuchKey"  # also what If-Match on nothing is answered with
UNKNOWN_HERE = "NotImplemented"
PROBE = ".eksprov-conditional-writes"
PROBE_TEXT = b"eksprov checks with this object that the store honours conditional writes; it may be deleted.\n"
NOBODYS = '"00000000000000000000000000000000"'  # an ETag that nothing has


class StaleObjectError(Exception):
    """The object is not what the condition says: somebody else has written. Never shown to users."""


@dataclass(frozen=True)
class Found:
    """An object as it was read from S3."""

    data: bytes
    etag: str  # names the content; a write may ask that it still be this one


class Objects:
    """The objects of a bucket that is the team's own: never made, configured or deleted here.

    `client` gives the boto3 client once it is needed. Whatever S3 refuses but conditions comes as AccessError,
    ProvisioningError, or StateError where there is no such bucket.
    """

    def __init__(self, client: Callable[[], S3Client], bucket: str) -> None:
        self._client, self.bucket = client, bucket

    def where(self, key: str) -> str:
        """An object, as users name it."""
        return f"s3://{self.bucket}/{key}"

    def get(self, key: str) -> Found | None:
        """Read the object of a key; None where there is none."""
        try:
            answer = self._call("read", key, "get_object")
            with translated(f"read {self.where(key)}"):
                return Found(answer["Body"].read(), answer["ETag"])
        except StaleObjectError:
            return None

    def put(self, key: str, data: bytes, etag: str | None) -> str:
        """Write where the content is still `etag`'s, or where None, nothing is; the new ETag. Raises: ConflictError."""
        condition = {"IfMatch": etag} if etag is not None else {"IfNoneMatch": "*"}
        return str(self._put(key, data, condition)["ETag"])

    def put_always(self, key: str, data: bytes) -> None:
        self._put(key, data, {})

    def copy(self, key: str, etag: str, target: str) -> None:
        """Copy what is still `etag`'s content over `target`. Raises: ConflictError."""
        source = {"Bucket": self.bucket, "Key": key}
        self._call("copy", target, "copy_object", CopySource=source, CopySourceIfMatch=etag)

    def delete(self, key: str, etag: str | None = None) -> None:
        """Delete; with `etag`, only that content. Raises: ConflictError.

        A store that knows no conditional delete is asked for a plain one: whoever calls has just read the object.
        """
        condition = {"IfMatch": etag} if etag is not None else {}
        try:
            self._call("delete", key, "delete_object", **condition)
        except _UnknownHereError:
            self._call("delete", key, "delete_object")

    def keys(self, prefix: str) -> Iterator[str]:
        """All keys in the bucket that begin with `prefix`."""
        with translated(f"list {self.where(prefix)}"):
            for page in self._client().get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
                yield from (item["Key"] for item in page.get("Contents", ()))

    def must_honour_conditions(self, prefix: str) -> None:
        """Try, beside the real keys. Raises: StateError where a write that must be refused is carried out."""
        key = f"{prefix}{PROBE}"
        try:
            there = self._refuses(key, {"IfNoneMatch": "*"}) or self._refuses(key, {"IfNoneMatch": "*"})
            if there and self._refuses(key, {"IfMatch": NOBODYS}):
                return
        except _UnknownHereError:
            pass  # it says itself that it cannot
        raise errors.StateError(
            f"s3://{self.bucket} does not honour conditional writes, so two runs at once would overwrite each other",
            "keep the state in a bucket of Amazon S3, or in another store with If-Match and If-None-Match",
        )

    def _refuses(self, key: str, condition: Mapping[str, str]) -> bool:
        try:
            self._put(key, PROBE_TEXT, condition)
        except StaleObjectError:
            return True
        return False

    def _put(self, key: str, data: bytes, condition: Mapping[str, str]) -> Any:
        return self._call("write", key, "put_object", Body=data, ContentType="application/json", **condition)

    def _call(self, doing: str, key: str, operation: str, **parameters: Any) -> Any:
        from botocore.exceptions import ClientError

        with translated(f"{doing} {self.where(key)}"):
            try:
                return getattr(self._client(), operation)(Bucket=self.bucket, Key=key, **parameters)
            except ClientError as error:
                if code(error) == GONE or error.response["ResponseMetadata"].get("HTTPStatusCode") in REFUSED:
                    raise StaleObjectError(key) from error
                if code(error) == UNKNOWN_HERE:
                    raise _UnknownHereError(key) from error
                if code(error) == "NoSuchBucket":
                    raise errors.StateError(
                        f"there is no bucket {self.bucket!r} to keep the state in",
                        f"make it once, for the whole team: aws s3 mb s3://{self.bucket}",
                    ) from error
                raise


class _UnknownHereError(Exception):
    """The store says that it does not know what was asked of it."""
