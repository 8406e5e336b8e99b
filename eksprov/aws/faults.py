"""What AWS refuses, in our words: translated once, at the edge, chained to its cause.

AWS errors are told apart by their code (and, where one code means many things, by a fragment of the message), never
by the HTTP status: an emulator that lacks an operation answers 404, which is not "does not exist".

botocore is imported where it is needed, because steps are also built by commands that never call AWS.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from eksprov import errors
from eksprov.aws.proxies import shown

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

# Credentials that are missing, wrong or too old, as the services spell it
# (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html and each service's common errors).
CREDENTIALS = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "Client.UnauthorizedOperation", "NotAuthorized", "UnauthorizedOperation"}
)
_SPENT = re.compile(r"client ?request ?token\b.*\b(?:other|different) parameters", re.IGNORECASE)
OPT_IN = frozenset({"Blocked", "OptInRequired", "PendingVerification", "SubscriptionRequiredException"})
# Quotas of the services eksprov calls; waiting does not raise them.
QUOTA = frozenset(
    {
        "AddressLimitExceeded",
        "InstanceLimitExceeded",
        "InternetGatewayLimitExceeded",
        "LimitExceeded",
        "LimitExceededException",
        "NatGatewayLimitExceeded",
        "ResourceLimitExceeded",
        "ResourceLimitExceededException",
        "RouteTableLimitExceeded",
        "RulesPerSecurityGroupLimitExceeded",
        "ServiceQuotaExceededException",
        "SubnetLimitExceeded",
        "TooManyBuckets",
        "VcpuLimitExceeded",
        "VpcLimitExceeded",
    }
)
BUSY = frozenset(
    {
        "EC2ThrottledException",
        "InternalError",
        "InternalFailure",
        "RequestLimitExceeded",
        "ServerException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "Unavailable",
    }
)
CREDENTIALS_HINT = "run `aws sso login` or `aws configure`, or set AWS_PROFILE or the AWS_* keys, then try again"

PROXY_HINT = "correct HTTPS_PROXY or HTTP_PROXY, or name AWS's hosts in NO_PROXY, then run again"
NETWORK_HINT = "check the network, proxy settings and AWS_ENDPOINT_URL, then run again"


def code(error: ClientError) -> str:
    """The error's code, such as "InvalidVpcID.NotFound"; empty when AWS sent none."""
    return str(error.response.get("Error", {}).get("Code", ""))


def message(error: ClientError) -> str:
    """AWS's own message of an error."""
    return str(error.response.get("Error", {}).get("Message", "")) or str(error)


def token_is_spent(error: Exception) -> bool:
    """Whether AWS refuses a create because its token was used with other parameters
    (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html); EKS has a message for it alone."""
    from botocore.exceptions import ClientError

    if not isinstance(error, ClientError):
        return False
    return code(error) == "IdempotentParameterMismatch" or bool(_SPENT.search(message(error)))


def request_id(error: ClientError) -> str:
    """What AWS support asks for; empty when AWS sent none."""
    return str(error.response.get("ResponseMetadata", {}).get("RequestId", ""))


def is_missing(error: ClientError, *codes: str) -> bool:
    """Whether the error is one of the codes with which the call says "there is no such thing"."""
    return code(error) in codes


@contextlib.contextmanager
def tolerating(*codes: str) -> Iterator[None]:
    """Pass over a ClientError with one of these codes; any other rises."""
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        if code(error) not in codes:
            raise


@contextlib.contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn what botocore raises into our errors; `doing` completes "could not …".

    A parameter that botocore itself refuses (ParamValidationError) is a bug of ours and rises as it is.
    Raises: AccessError, ProvisioningError.
    """
    from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ClientError as error:
        raise _refusal(doing, error) from error
    except ParamValidationError:
        raise
    except BotoCoreError as error:
        raise _no_answer(doing, error) from error
    except ResponseParserError as error:
        raise errors.NoAnswerError(f"could not {doing}: the answer is not AWS's: {error}", NETWORK_HINT) from error


def _refusal(doing: str, error: ClientError) -> errors.EksprovError:
    what = code(error)
    reference = ", ".join(part for part in (what, f"request {request_id(error)}" if request_id(error) else "") if part)
    text = f"could not {doing}: {error.operation_name}: {message(error)}" + (f" ({reference})" if reference else "")
    if what in CREDENTIALS:
        return errors.AccessError(text, CREDENTIALS_HINT)
    if what in DENIED:
        return errors.AccessError(text, f"the caller's IAM policy must allow the action behind {error.operation_name}")
    if what in OPT_IN:
        return errors.AccessError(text, "the account must be activated for this service or region first")
    if what in QUOTA:
        return errors.ProvisioningError(text, "ask for a higher quota in the Service Quotas console, then run again")
    if what in BUSY:
        return errors.NoAnswerError(text, "AWS was too busy to answer; run the same command again")
    return errors.ProvisioningError(text)


def _no_answer(doing: str, error: BotoCoreError) -> errors.EksprovError:
    from botocore import exceptions as b

    text = f"could not {doing}: {error}"
    credentials = (
        b.CredentialRetrievalError,
        b.NoCredentialsError,
        b.PartialCredentialsError,
        b.RefreshWithMFAUnsupportedError,
        b.SSOError,
        b.TokenRetrievalError,
    )
    if isinstance(error, credentials):
        return errors.AccessError(text, CREDENTIALS_HINT)
    if isinstance(error, b.ProfileNotFound | b.NoRegionError | b.ConfigParseError):
        return errors.AccessError(text, "check --profile, --region and ~/.aws/config")
    if isinstance(error, b.ProxyConnectionError):
        proxy = shown(str(error.kwargs.get("proxy_url", "")))
        return errors.NoAnswerError(f"could not {doing}: the proxy {proxy} does not answer", PROXY_HINT)
    if isinstance(error, b.HTTPClientError | b.EndpointConnectionError):
        return errors.NoAnswerError(text, NETWORK_HINT)
    return errors.ProvisioningError(text)
