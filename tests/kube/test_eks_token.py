"""The token: what a cluster checks of it, how long it lives, and that no call is made for it."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from eksprov.kube.token import TokenSource, eks_token, exec_credential

NOW = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)


def url_in(token: str) -> str:
    assert token.startswith("k8s-aws-v1.")
    text = token.removeprefix("k8s-aws-v1.")
    assert "=" not in text
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()


def test_the_token_is_a_presigned_identity_call_that_names_the_cluster_in_a_signed_header() -> None:
    token, expires_at = eks_token(boto3.client("sts", region_name="eu-west-1"), "demo", lambda: NOW)
    parts = urlsplit(url_in(token))
    query = parse_qs(parts.query)
    assert parts.netloc == "sts.eu-west-1.amazonaws.com"
    assert query["Action"] == ["GetCallerIdentity"]
    assert query["X-Amz-Expires"] == ["60"]
    assert query["X-Amz-SignedHeaders"] == ["host;x-k8s-aws-id"]
    assert query["X-Amz-Credential"][0].endswith("/eu-west-1/sts/aws4_request")
    assert expires_at == NOW + timedelta(minutes=14)


def test_another_cluster_has_another_signature_also_from_the_same_client() -> None:
    sts = boto3.client("sts", region_name="eu-west-1")
    signatures = {
        parse_qs(urlsplit(url_in(eks_token(sts, name)[0])).query)["X-Amz-Signature"][0] for name in ("a", "b", "c")
    }
    assert len(signatures) == 3


def test_a_client_with_another_endpoint_signs_for_that_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5000")
    token, _ = eks_token(boto3.client("sts", region_name="us-west-2"), "demo")
    assert urlsplit(url_in(token)).netloc == "127.0.0.1:5000"


def test_the_exec_credential_is_what_kubectl_reads() -> None:
    document = json.loads(exec_credential("tok", NOW))
    assert document["apiVersion"] == "client.authentication.k8s.io/v1"
    assert document["kind"] == "ExecCredential"
    assert document["status"] == {"token": "tok", "expirationTimestamp": "2026-05-01T12:00:00Z"}


def test_a_token_is_kept_until_its_last_minute_and_then_made_anew() -> None:
    now, made = [NOW], []

    def make() -> tuple[str, datetime]:
        made.append(now[0])
        return f"t{len(made)}", now[0] + timedelta(minutes=14)

    source = TokenSource(make, lambda: now[0])
    assert [source(), source()] == ["t1", "t1"]
    now[0] = NOW + timedelta(minutes=12, seconds=59)
    assert source() == "t1"
    now[0] = NOW + timedelta(minutes=13)
    assert source() == "t2"
