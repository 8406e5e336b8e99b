"""Errors are translated once, by code, with what the user needs to act."""

from __future__ import annotations

import pytest
from botocore import exceptions as b
from botocore.exceptions import ClientError

from eksprov import errors
from eksprov.aws.faults import code, is_missing, tolerating, translated


def refused(what: str, message: str = "no", status: int = 400) -> ClientError:
    metadata = {"RequestId": "abc-123", "HTTPStatusCode": status}
    return ClientError({"Error": {"Code": what, "Message": message}, "ResponseMetadata": metadata}, "CreateVpc")  # type: ignore[typeddict-item]  # enough of it


@pytest.mark.parametrize(
    ("what", "expected", "hint"),
    [
        ("UnauthorizedOperation", errors.AccessError, "IAM policy"),
        ("AccessDeniedException", errors.AccessError, "IAM policy"),
        ("AccessDenied", errors.AccessError, "IAM policy"),
        ("ExpiredToken", errors.AccessError, "aws sso login"),
        ("ExpiredTokenException", errors.AccessError, "aws sso login"),
        ("InvalidClientTokenId", errors.AccessError, "aws sso login"),
        ("UnrecognizedClientException", errors.AccessError, "aws sso login"),
        ("OptInRequired", errors.AccessError, "activated"),
        ("VpcLimitExceeded", errors.ProvisioningError, "quota"),
        ("ResourceLimitExceededException", errors.ProvisioningError, "quota"),
        ("ThrottlingException", errors.NoAnswerError, "run the same command again"),
        ("InvalidParameterException", errors.ProvisioningError, ""),
    ],
)
def test_a_code_decides_class_and_hint(what: str, expected: type[errors.EksprovError], hint: str) -> None:
    with pytest.raises(expected) as caught, translated("make the vpc"):
        raise refused(what)
    assert type(caught.value) is expected
    assert hint in caught.value.hint
    assert what in caught.value.message
    assert "abc-123" in caught.value.message
    assert "make the vpc" in caught.value.message
    assert isinstance(caught.value.__cause__, ClientError)


@pytest.mark.parametrize(
    ("error", "expected", "hint"),
    [
        (b.NoCredentialsError(), errors.AccessError, "AWS_PROFILE"),
        (
            b.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
            errors.AccessError,
            "AWS_PROFILE",
        ),
        (b.UnauthorizedSSOTokenError(), errors.AccessError, "aws sso login"),
        (b.TokenRetrievalError(provider="sso", error_msg="expired"), errors.AccessError, "aws sso login"),
        (b.ProfileNotFound(profile="nobody"), errors.AccessError, "--profile"),
        (b.NoRegionError(), errors.AccessError, "--region"),
        (b.EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), errors.ProvisioningError, "AWS_ENDPOINT_URL"),
        (b.ReadTimeoutError(endpoint_url="http://127.0.0.1:1"), errors.ProvisioningError, "network"),
        (b.ConnectionClosedError(endpoint_url="http://127.0.0.1:1"), errors.ProvisioningError, "network"),
    ],
)
def test_what_never_reached_aws_is_told_apart(error: Exception, expected: type[Exception], hint: str) -> None:
    with pytest.raises(expected) as caught, translated("call AWS"):
        raise error
    assert hint in caught.value.hint  # type: ignore[attr-defined]  # an EksprovError
    assert caught.value.__cause__ is error


def test_bugs_and_our_own_errors_pass_unchanged() -> None:
    for error in (KeyError("x"), errors.OwnershipError("theirs"), b.ParamValidationError(report="bad")):
        with pytest.raises(type(error)) as caught, translated("anything"):
            raise error
        assert caught.value is error


def test_missing_is_a_matter_of_the_code_never_of_the_status() -> None:
    assert is_missing(refused("NoSuchEntity", status=404), "NoSuchEntity")
    assert not is_missing(refused("404", "Not yet implemented", status=404), "NoSuchEntity")
    assert code(ClientError({}, "CreateVpc")) == ""


def meet(error: Exception) -> None:
    raise error


def test_only_the_named_codes_are_tolerated() -> None:
    with tolerating("Gateway.NotAttached"):
        meet(refused("Gateway.NotAttached"))
    with pytest.raises(ClientError), tolerating("Gateway.NotAttached"):
        meet(refused("DependencyViolation"))
