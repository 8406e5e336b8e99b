"""What a request asks for, and how AWS spells an error in the protocol of each service.

The protocols are those of botocore's service models
(https://smithy.io/2.0/aws/protocols/index.html describes each).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final
from xml.sax.saxutils import escape

from moto.core.request import Request, normalize_request

from eksprov.local.aws.calls import is_mutating, operation_of, signing_scope

Answer = tuple[int, dict[str, str], bytes]
REQUEST_ID: Final = "11111111-2222-3333-4444-555555555555"


@dataclass(frozen=True)
class Asked:
    """One request: `service` is its signing name, `operation` the API's name, `body` what was sent."""

    service: str
    operation: str
    mutating: bool
    path: str
    body: str

    @property
    def text(self) -> str:
        """Where ids and names can be looked for."""
        return f"{self.path}?{self.body}"


def asked(request: Any) -> Asked:
    """What a prepared request of botocore asks for."""
    found: Request = normalize_request(request)
    _, service = signing_scope(found)
    operation = operation_of(found, service)
    body = "" if service == "s3" else found.get_data(as_text=True)
    return Asked(service, operation, is_mutating(operation), found.full_path, body)


def refusal(service: str, code: str, message: str, status: int) -> Answer:
    """An error answer, as the service would send it."""
    text, said = escape(message), escape(code)
    headers = {"x-amzn-requestid": REQUEST_ID}
    match service:
        case "ec2":
            error = f"<Errors><Error><Code>{said}</Code><Message>{text}</Message></Error></Errors>"
            body = f"<Response>{error}<RequestID>{REQUEST_ID}</RequestID></Response>"
        case "iam" | "sts" | "autoscaling" | "elasticloadbalancing" | "sns":
            error = f"<Error><Type>Sender</Type><Code>{said}</Code><Message>{text}</Message></Error>"
            body = f"<ErrorResponse>{error}<RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
        case "s3":
            body = f"<Error><Code>{said}</Code><Message>{text}</Message><RequestId>{REQUEST_ID}</RequestId></Error>"
        case _:
            headers |= {"x-amzn-errortype": code, "content-type": "application/json"}
            body = json.dumps({"__type": code, "message": message})
    return status, headers, body.encode()


# How each service says "slower": code and HTTP status.
SLOWER: Final = {
    "ec2": ("RequestLimitExceeded", 503),
    "iam": ("Throttling", 400),
    "sts": ("Throttling", 400),
    "s3": ("SlowDown", 503),
    "eks": ("TooManyRequestsException", 429),
    "kube": ("TooManyRequests", 429),
    "ecr": ("ThrottlingException", 400),
    "logs": ("ThrottlingException", 400),
}
# How each refuses a caller that may not, that shows old credentials, or that has too much.
DENIED: Final = {
    "ec2": ("UnauthorizedOperation", 403),
    "eks": ("AccessDeniedException", 403),
    "ecr": ("AccessDeniedException", 400),
    "logs": ("AccessDeniedException", 400),
}
EXPIRED: Final = {
    "ec2": ("RequestExpired", 400),
    "s3": ("ExpiredToken", 400),
    "iam": ("ExpiredToken", 403),
    "sts": ("ExpiredToken", 403),
}
QUOTA: Final = {
    "CreateVpc": ("VpcLimitExceeded", 400),
    "CreateSubnet": ("SubnetLimitExceeded", 400),
    "CreateInternetGateway": ("InternetGatewayLimitExceeded", 400),
    "AllocateAddress": ("AddressLimitExceeded", 400),
    "CreateNatGateway": ("NatGatewayLimitExceeded", 400),
    "CreateRouteTable": ("RouteTableLimitExceeded", 400),
    "CreateRole": ("LimitExceeded", 409),
    "CreateCluster": ("ResourceLimitExceededException", 400),
    "CreateNodegroup": ("ResourceLimitExceededException", 400),
    "CreateAddon": ("ResourceLimitExceededException", 400),
    "CreateAccessEntry": ("ResourceLimitExceededException", 400),
    "CreatePodIdentityAssociation": ("ResourceLimitExceededException", 400),
    "CreateLogGroup": ("LimitExceededException", 400),
    "CreateRepository": ("LimitExceededException", 400),
    "CreateBucket": ("TooManyBuckets", 400),
}


def refused(service: str, code: str, message: str, status: int) -> Answer:
    """An error answer; "throttle", "denied" and "expired" are spelled as the service does."""
    match code:
        case "throttle":
            return slower(service)
        case "denied":
            said, number = DENIED.get(service, ("AccessDenied", 403))
            return refusal(service, said, "The caller is not authorized", number)
        case "expired":
            said, number = EXPIRED.get(service, ("ExpiredTokenException", 403))
            return refusal(service, said, "The security token included in the request is expired", number)
    return refusal(service, code, message or code, status)


def slower(service: str) -> Answer:
    """The answer by which a service throttles, in the words of its protocol."""
    code, status = SLOWER.get(service, ("ThrottlingException", 400))
    return refusal(service, code, "Rate exceeded", status)
