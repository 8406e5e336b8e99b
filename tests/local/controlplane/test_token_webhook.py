"""Laws of the token webhook: the right cluster, the right identity, and tokens nowhere else."""

from __future__ import annotations

import http.client
import json
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from eksprov.local.contract import Identity
from eksprov.local.controlplane.webhook import TokenWebhook

ARN = "arn:aws:eks:us-west-2:123456789012:cluster/digits"
USER = "arn:aws:iam::123456789012:user/ada"
WHO = Identity(USER, "uid-1", ("readers", "writers"), USER, "AKIDEXAMPLE")


def authenticate(arn: str, token: str) -> Identity | None:
    if token == "broken-secret":
        raise RuntimeError(f"could not read {token}")
    return WHO if (arn, token) == (ARN, "good") else None


@pytest.fixture
def webhook() -> Iterator[TokenWebhook]:
    server = TokenWebhook(authenticate)
    server.start()
    yield server
    server.stop()


def post(url: str, body: bytes) -> tuple[int, dict[str, Any]]:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=10)
    try:
        connection.request("POST", f"{address.path}?timeout=30s", body)  # as kube-apiserver does
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def ask(webhook: TokenWebhook, arn: str, token: str) -> tuple[int, dict[str, Any]]:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
    return post(webhook.url(arn), json.dumps(review).encode())


def test_a_known_token_becomes_its_user_groups_and_extra(webhook: TokenWebhook) -> None:
    assert ask(webhook, ARN, "good") == (
        200,
        {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "status": {
                "authenticated": True,
                "user": {
                    "username": USER,
                    "uid": "uid-1",
                    "groups": ["readers", "writers"],
                    "extra": {"arn": [USER], "accessKeyId": ["AKIDEXAMPLE"]},
                },
            },
        },
    )


@pytest.mark.parametrize(("arn", "token"), [(ARN, "bad"), (f"{ARN}2", "good"), (ARN, "")])
def test_another_token_or_cluster_is_nobody(webhook: TokenWebhook, arn: str, token: str) -> None:
    status, answer = ask(webhook, arn, token)
    assert (status, answer["status"]) == (200, {"authenticated": False})


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"spec": {}}', b'{"spec": {"token": 7}}', b"x" * 70_000])
def test_what_is_no_review_is_refused(webhook: TokenWebhook, body: bytes) -> None:
    assert post(webhook.url(ARN), body)[0] == 400


def test_a_bug_behind_it_is_an_error_that_does_not_tell_the_token(
    webhook: TokenWebhook, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        status, answer = ask(webhook, ARN, "broken-secret")
    assert status == 500
    assert "RuntimeError" in caplog.text
    assert "broken-secret" not in caplog.text + "".join(capfd.readouterr()) + json.dumps(answer)
    assert ask(webhook, ARN, "good")[0] == 200


def test_stopping_twice_or_before_starting_is_harmless() -> None:
    webhook = TokenWebhook(authenticate)
    webhook.stop()
    webhook.stop()
