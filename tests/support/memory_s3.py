"""As much of S3 as states are kept by, in memory, with conditions on writes; and what can go wrong with it.

`hook(operation, key, "before" | "after")` runs around every call: a test hands the turn to another process there, or
ends this one, or loses the answer. `ignores` names conditions that this store passes over, as some stores do.
"""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from botocore.exceptions import ClientError

Answer = TypeVar("Answer")
_STATUS = {
    "NoSuchKey": 404,
    "NoSuchBucket": 404,
    "PreconditionFailed": 412,
    "ConditionalRequestConflict": 409,
    "NotImplemented": 501,
    "AccessDenied": 403,
}


def refusal(code: str, operation: str) -> ClientError:
    """As botocore raises it."""
    meta = {"HTTPStatusCode": _STATUS[code], "RequestId": "r"}
    answer: Any = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": meta}  # as much as anybody reads
    return ClientError(answer, operation)


def _unhooked(operation: str, key: str, when: str) -> None:
    """Nothing happens."""


class MemoryS3:
    """One bucket; the methods are those of a boto3 client."""

    def __init__(self, bucket: str = "team", ignores: Iterable[str] = (), lacks: Iterable[str] = ()) -> None:
        self.bucket, self.ignores, self.lacks = bucket, frozenset(ignores), frozenset(lacks)
        self.objects: dict[str, bytes] = {}
        self.hook: Callable[[str, str, str], None] = _unhooked
        self.refuse: dict[str, list[str]] = {}
        self.calls: list[tuple[str, str]] = []
        self._lock = threading.Lock()

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 -- botocore's spelling
        """The content and its ETag."""
        return self._around("get_object", Bucket, Key, lambda: self._get(Key))

    def put_object(self, Bucket: str, Key: str, Body: bytes, **more: Any) -> dict[str, Any]:  # noqa: N803
        """Write, under IfMatch or IfNoneMatch."""
        return self._around("put_object", Bucket, Key, lambda: self._put(Key, Body, more))

    def copy_object(self, Bucket: str, Key: str, CopySource: dict[str, str], CopySourceIfMatch: str) -> Any:  # noqa: N803
        """Copy a content that is still this one."""

        def copy() -> dict[str, Any]:
            source = CopySource["Key"]
            self._check(source, {"IfMatch": CopySourceIfMatch}, "CopyObject")
            return self._put(Key, self.objects[source], {})

        return self._around("copy_object", Bucket, Key, copy)

    def delete_object(self, Bucket: str, Key: str, **more: Any) -> Any:  # noqa: N803
        """Delete, under IfMatch."""

        def delete() -> dict[str, Any]:
            if more and "delete_if" in self.lacks:
                raise refusal("NotImplemented", "DeleteObject")
            self._check(Key, more, "DeleteObject")
            self.objects.pop(Key, None)
            return {}

        return self._around("delete_object", Bucket, Key, delete)

    def get_paginator(self, _operation: str) -> Any:
        """Of list_objects_v2."""
        return self

    def paginate(self, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        """Pages of two."""

        def look() -> list[str]:
            return sorted(key for key in self.objects if key.startswith(Prefix))

        keys = self._around("list_objects_v2", Bucket, Prefix, look)
        for first in range(0, len(keys), 2):
            yield {"Contents": [{"Key": key} for key in keys[first : first + 2]]}
        yield {}

    def _around(self, operation: str, bucket: str, key: str, work: Callable[[], Answer]) -> Answer:
        self.hook(operation, key, "before")
        with self._lock:
            self.calls.append((operation, key))
            if self.refuse.get(operation):
                raise refusal(self.refuse[operation].pop(0), operation)
            if bucket != self.bucket:
                raise refusal("NoSuchBucket", operation)
            answer = work()
        self.hook(operation, key, "after")
        return answer

    def _get(self, key: str) -> dict[str, Any]:
        if key not in self.objects:
            raise refusal("NoSuchKey", "GetObject")
        return {"Body": io.BytesIO(self.objects[key]), "ETag": self.etag(key)}

    def _put(self, key: str, body: bytes, conditions: dict[str, Any]) -> dict[str, Any]:
        if "put_if" in self.lacks and {"IfMatch", "IfNoneMatch"} & conditions.keys():
            raise refusal("NotImplemented", "PutObject")
        self._check(key, conditions, "PutObject")
        self.objects[key] = body
        return {"ETag": self.etag(key)}

    def _check(self, key: str, conditions: dict[str, Any], operation: str) -> None:
        wanted = conditions.get("IfMatch")
        if wanted is not None and "IfMatch" not in self.ignores:
            if key not in self.objects:
                raise refusal("NoSuchKey", operation)
            if self.etag(key) != wanted:
                raise refusal("PreconditionFailed", operation)
        if conditions.get("IfNoneMatch") == "*" and "IfNoneMatch" not in self.ignores and key in self.objects:
            raise refusal("PreconditionFailed", operation)

    def etag(self, key: str) -> str:
        """The MD5 in quotes, as S3's."""
        return f'"{hashlib.md5(self.objects[key]).hexdigest()}"'
