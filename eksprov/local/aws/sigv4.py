"""AWS Signature Version 4, the receiving side: is this request signed by who it says?

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html gives the steps.
"""

from __future__ import annotations

import calendar
import functools
import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"
HEADERS = ("authorization", "x-amz-date", "x-amz-security-token")  # what is read of a signed request
SIGNATURE_FIELD = "X-Amz-Signature"
EMPTY_BODY_SHA256 = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class Signature:
    """What a signed request says about its signature; `signed_at` in epoch seconds, `expires_s` 0 without a limit."""

    access_key_id: str
    date: str
    region: str
    service: str
    timestamp: str
    signed_headers: tuple[str, ...]
    signature: str
    security_token: str
    expires_s: int
    signed_at: float


def from_query(url: str) -> Signature | None:
    """The signature of a presigned URL, or None where the URL carries none that can be read."""
    fields = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    if fields.get("X-Amz-Algorithm") != ALGORITHM:
        return None
    try:
        return _signature(
            fields["X-Amz-Credential"],
            fields["X-Amz-Date"],
            fields["X-Amz-SignedHeaders"],
            fields[SIGNATURE_FIELD],
            fields.get("X-Amz-Security-Token", ""),
            int(fields["X-Amz-Expires"]),
        )
    except (KeyError, ValueError):
        return None


def from_headers(headers: Mapping[str, str]) -> Signature | None:
    """The signature in the Authorization header, or None. Header names must be lower case."""
    authorization = headers.get("authorization", "")
    if not authorization.startswith(ALGORITHM):
        return None
    fields = dict(part.strip().split("=", 1) for part in authorization[len(ALGORITHM) :].split(",") if "=" in part)
    try:
        return _signature(
            fields["Credential"],
            headers["x-amz-date"],
            fields["SignedHeaders"],
            fields["Signature"],
            headers.get("x-amz-security-token", ""),
            0,
        )
    except (KeyError, ValueError):
        return None


def _signature(
    credential: str, timestamp: str, signed_headers: str, signature: str, token: str, expires_s: int
) -> Signature:
    access_key_id, date, region, service, _ = credential.split("/")
    return Signature(
        access_key_id=access_key_id,
        date=date,
        region=region,
        service=service,
        timestamp=timestamp,
        signed_headers=tuple(signed_headers.split(";")),
        signature=signature,
        security_token=token,
        expires_s=expires_s,
        signed_at=_seconds(timestamp),
    )


@functools.lru_cache(maxsize=64)
def _seconds(timestamp: str) -> float:
    return calendar.timegm(time.strptime(timestamp, "%Y%m%dT%H%M%SZ"))


def matches(
    found: Signature, secret: str, method: str, url: str, headers: Mapping[str, str], payload_sha256: str
) -> bool:
    """Whether `found` is what `secret` gives for this request.

    `headers` has lower-case names and holds at least those that were signed; a missing one means no match.
    """
    parts = urlsplit(url)
    pairs = sorted(
        tuple(pair.partition("=")[::2])
        for pair in parts.query.split("&")
        if pair and not pair.startswith(f"{SIGNATURE_FIELD}=")
    )
    if any(name not in headers for name in found.signed_headers):
        return False
    canonical = "\n".join(
        (
            method.upper(),
            parts.path or "/",
            "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{' '.join(headers[name].split())}" for name in found.signed_headers),
            "",
            ";".join(found.signed_headers),
            payload_sha256,
        )
    )
    scope = f"{found.date}/{found.region}/{found.service}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = "\n".join((ALGORITHM, found.timestamp, scope, digest))
    key = f"AWS4{secret}".encode()
    for part in (found.date, found.region, found.service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    expected = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, found.signature)
