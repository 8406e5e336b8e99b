"""An answer that AWS cannot have sent is no answer: it fails as a lost one does, and is never taken apart."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import HTTPClientError

from eksprov.aws.clients import refuse_strange_answers

CLIENTS = {name: boto3.client(name, region_name="us-west-2") for name in ("eks", "ec2", "s3", "logs", "kms")}
HTML, NOTHING, BROKEN = b"<html>Please log in</html>", b"", b"{"
WHOLE = {"eks": b"{}", "kms": b"{}", "logs": b"{}", "ec2": b"<Response/>", "s3": b"<Result/>"}
# Operations whose success may be an empty body: nothing is said, or all is said in the headers.
MAY_BE_EMPTY = (("s3", "PutObject"), ("logs", "CreateLogGroup"), ("kms", "CreateAlias"))
CALLS = [
    *(("eks", name) for name in ("CreateCluster", "UpdateNodegroupConfig", "DeleteAddon", "DescribeCluster")),
    *(("ec2", name) for name in ("CreateVpc", "DescribeVpcs")),
    *MAY_BE_EMPTY,
]


def hear(service: str, operation: str, body: bytes, status: int = 200) -> None:
    model = CLIENTS[service].meta.service_model.operation_model(operation)
    refuse_strange_answers({"status_code": status, "body": body}, model)


@pytest.mark.parametrize(("service", "operation"), CALLS)
def test_what_aws_cannot_have_sent_is_refused(service: str, operation: str) -> None:
    hear(service, operation, WHOLE[service])
    hear(service, operation, HTML, status=502)  # an error is told as one
    strange = [HTML, *([BROKEN] if service != "ec2" and service != "s3" else [])]
    strange += [] if (service, operation) in MAY_BE_EMPTY else [NOTHING]
    for body in strange:
        with pytest.raises(HTTPClientError, match=operation):
            hear(service, operation, body)
    if (service, operation) in MAY_BE_EMPTY:
        hear(service, operation, NOTHING)
