"""S3: moto's, with the tags given at creation, and pods held to the policies of their role."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import xmltodict  # type: ignore[import-untyped]  # comes with moto, has no types
from moto.core.exceptions import ServiceException
from moto.iam.access_control import PermissionResult
from moto.s3.responses import S3Response

from eksprov.local.aws.base import LocalResponse
from eksprov.local.aws.policy import allows
from eksprov.local.aws.refusal import Refusal

OBJECT_ACTIONS = {"GET": "GetObject", "HEAD": "GetObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
LISTING_KEYS = {"list-type", "prefix", "delimiter", "max-keys", "continuation-token", "encoding-type", "start-after"}

ANYTHING = json.dumps({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})
THIS_MACHINE = {"aws:securetransport": "true"}  # nothing leaves it, so plain HTTP counts as TLS


def bucket_permission(bucket: Any, action: str, resource: str) -> PermissionResult:
    """What a bucket's policy says of a request; moto's own reading passes over conditions."""
    if bucket.policy is None:
        return PermissionResult.NEUTRAL
    document = bucket.policy.decode()
    if allows([document], action, resource, THIS_MACHINE):
        return PermissionResult.PERMITTED
    refused = not allows([document, ANYTHING], action, resource, THIS_MACHINE)
    return PermissionResult.DENIED if refused else PermissionResult.NEUTRAL


class LocalS3Response(LocalResponse, S3Response):
    """Answers every request to S3."""

    def bucket_response(self, request: Any, full_url: str, headers: Any) -> Any:
        refused = self._denied(request, full_url) or self._name_rests(request, full_url)
        return refused or super().bucket_response(request, full_url, headers)

    def key_response(self, request: Any, full_url: str, headers: Any) -> Any:
        return self._denied(request, full_url) or super().key_response(request, full_url, headers)

    def _bucket_response_put(self, request: Any, bucket_name: str, querystring: dict[str, Any]) -> Any:
        result = super()._bucket_response_put(request, bucket_name, querystring)
        if not querystring and self.body:
            tags = self._tags_at_creation()
            if tags:
                self.backend.put_bucket_tagging(bucket_name, tags)
        return result

    def _bucket_response_delete(self, bucket_name: str, querystring: dict[str, Any]) -> Any:
        answer = super()._bucket_response_delete(bucket_name, querystring)
        if not querystring and not self.backend.buckets.get(bucket_name):
            self.world.buckets_deleted[bucket_name] = self.world.now()
        return answer

    def _name_rests(self, request: Any, full_url: str) -> Any:
        """The answer to a CreateBucket whose name was in use a short while ago; None to go on.

        https://github.com/aws/aws-cli/issues/2593
        """
        world, bucket = self.world, self.parse_bucket_name_from_url(request, full_url)
        deleted = world.buckets_deleted.get(bucket)
        if request.method != "PUT" or urlsplit(full_url).query or deleted is None:
            return None
        if world.now() >= deleted + world.conditions.bucket_name_rests_s / world.speed:
            return None
        said = "A conflicting conditional operation is currently in progress against this resource. Please try again."
        self.data["Action"] = "CreateBucket"
        return self.refused(Refusal("OperationAborted", said, 409))

    def _tags_at_creation(self) -> dict[str, str]:
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucketConfiguration.html
        body = xmltodict.parse(self.body).get("CreateBucketConfiguration") or {}
        found = (body.get("Tags") or {}).get("Tag") or []
        return {tag["Key"]: tag.get("Value") or "" for tag in (found if isinstance(found, list) else [found])}

    def _denied(self, request: Any, full_url: str) -> Any:
        """The AccessDenied answer to a pod's request that its role does not allow; None to go on."""
        self.setup_class(request)
        key = self.caller()
        if key is None or key.session is None or not key.session.is_pod:
            return None
        action, resource, condition = self._wanted(request, full_url)
        documents, context = self.world.pod_rights(key)
        if allows(documents, action, resource, context | condition):
            return None
        refusal: ServiceException = Refusal(
            "AccessDenied",
            f"User: {key.arn(self.partition)} is not authorized to perform: {action} on resource: {resource}",
            403,
        )
        self.data["Action"] = "GetObject" if "/" in resource else "ListObjectsV2"
        status, answer_headers, body = self.refused(refusal)
        return status, answer_headers, b"" if request.method == "HEAD" else body

    def _wanted(self, request: Any, full_url: str) -> tuple[str, str, dict[str, str]]:
        bucket = self.parse_bucket_name_from_url(request, full_url)
        parts = urlsplit(full_url)
        query = parse_qs(parts.query, keep_blank_values=True)
        if not bucket:
            return "s3:ListAllMyBuckets", "*", {}
        path = unquote(parts.path).lstrip("/")
        name = path if self.subdomain_based_buckets(request) else path.partition("/")[2]
        if name:
            return (
                f"s3:{OBJECT_ACTIONS.get(request.method, 'PutObject')}",
                f"arn:{self.partition}:s3:::{bucket}/{name}",
                {},
            )
        lists = request.method in ("GET", "HEAD") and set(query) <= LISTING_KEYS
        action = "s3:ListBucket" if lists else f"s3:{request.method.title()}Bucket{next(iter(query), '').title()}"
        condition = {"s3:prefix": query["prefix"][0]} if "prefix" in query else {}
        return action, f"arn:{self.partition}:s3:::{bucket}", condition
