"""The services of AWS as one Session gives them: made once, with our time-outs and attempts, typed by name."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eksprov.aws.proxies import is_this_machine

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_eks import EKSClient
    from mypy_boto3_elb import ElasticLoadBalancingClient
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_pricing import PricingClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_service_quotas import ServiceQuotasClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 30
# The Price List API answers in few regions, for all of them
# (https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/price-changes.html).
HOMES: dict[str, str] = {"pricing": "us-east-1"}
MAX_ATTEMPTS = 8  # throttling by EC2's and IAM's token buckets lasts longer than the default three attempts


class Clients:
    """The services of one Session, made when first asked for, shared by all threads (clients are thread-safe).

    A new service is one more line here: its name in botocore, with _ for -, and its type.
    """

    autoscaling: AutoScalingClient
    cloudwatch: CloudWatchClient
    ec2: EC2Client
    ecr: ECRClient
    eks: EKSClient
    elb: ElasticLoadBalancingClient
    elbv2: ElasticLoadBalancingv2Client
    events: EventBridgeClient
    iam: IAMClient
    kms: KMSClient
    logs: CloudWatchLogsClient
    pricing: PricingClient
    s3: S3Client
    service_quotas: ServiceQuotasClient
    sns: SNSClient
    sqs: SQSClient
    ssm: SSMClient
    sts: STSClient

    def __init__(self, session: Any, *, attempts: int, endpoint_url: str | None = None) -> None:
        self._session, self._attempts, self._endpoint_url = session, attempts, endpoint_url
        self._made: dict[str, Any] = {}
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        """The client of a service above."""
        if name not in Clients.__annotations__:
            raise AttributeError(f"no client of {name!r} is declared")
        return self.get(name.replace("_", "-"))

    def get(self, service: str) -> Any:
        """The client of a service, by its name in botocore."""
        with self._lock:
            if service not in self._made:
                direct = is_this_machine(self._endpoint_url or "")
                client = self._client(service, direct=direct)
                if not direct and is_this_machine(client.meta.endpoint_url):  # as AWS_ENDPOINT_URL or a profile says
                    client = self._client(service, direct=True)
                client.meta.events.register("before-parse", refuse_strange_answers)
                self._made[service] = client
            return self._made[service]

    def _client(self, service: str, *, direct: bool) -> Any:
        from botocore.config import Config

        config = Config(
            retries={"mode": "standard", "total_max_attempts": self._attempts},
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            max_pool_connections=32,
            user_agent_extra="eksprov",
            proxies={} if direct else None,
        )
        return self._session.client(
            service, region_name=HOMES.get(service), endpoint_url=self._endpoint_url, config=config
        )


def refuse_strange_answers(response_dict: Mapping[str, Any], operation_model: Any, **_: Any) -> None:
    """A handler of botocore's: a success that AWS cannot have sent is no answer. Raises: HTTPClientError.

    A proxy or a hotel's network may answer in AWS's place, with a page of its own or with nothing.
    """
    from botocore.exceptions import HTTPClientError

    if response_dict["status_code"] >= 300 or operation_model.has_streaming_output:
        return
    body, name = response_dict["body"], operation_model.name
    what = ""
    if body[:100].lstrip().lower().startswith((b"<html", b"<!doctype html")):
        what = "an HTML page"
    elif not body and (name.startswith(("Describe", "Get", "List")) or _has_body(operation_model)):
        what = "nothing"
    elif body and "json" in operation_model.service_model.metadata["protocol"] and not _is_json(body):
        what = "broken JSON"
    if what:
        raise HTTPClientError(error=f"{name} was answered with {what}, which AWS does not do")


def _has_body(operation_model: Any) -> bool:
    """Whether AWS always answers with something; S3, which speaks REST and XML, may say all in the headers."""
    members = operation_model.output_shape is not None and operation_model.output_shape.members
    return bool(members) and operation_model.service_model.metadata["protocol"] != "rest-xml"


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True
