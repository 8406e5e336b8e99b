"""The AWS a run talks to: one Session, clients made once, who we are, and whose run it is.

Botocore's own retries cover throttling and broken connections (standard mode). `once` is the same service with a
single attempt, for creates that AWS cannot recognise when they are sent again: botocore re-sends without looking at
idempotency, so a lost CreateVpc answer would leave up to three VPCs.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from eksprov.aws.inventory import Inventory
from eksprov.aws.tags import owner_tags
from eksprov.core.converge import Clock
from eksprov.core.step import Owner

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_eks import EKSClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sts import STSClient

Service = Literal["ec2", "eks", "iam", "s3", "ecr", "logs", "sts"]
T = TypeVar("T")

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 30
MAX_ATTEMPTS = 8  # throttling by EC2's and IAM's token buckets lasts longer than the default three attempts


@dataclass(frozen=True)
class Identity:
    """Who calls: account, the ARN as STS says it, and the partition."""

    account: str
    arn: str
    partition: str


class Clients:
    """The services of one Session, made when first asked for, shared by all threads (clients are thread-safe)."""

    def __init__(self, session: Any, *, attempts: int, endpoint_url: str | None = None) -> None:
        self._session, self._attempts, self._endpoint_url = session, attempts, endpoint_url
        self._made: dict[str, Any] = {}
        self._lock = threading.Lock()

    def get(self, service: Service) -> Any:
        """The client of a service."""
        from botocore.config import Config

        with self._lock:
            if service not in self._made:
                config = Config(
                    retries={"mode": "standard", "total_max_attempts": self._attempts},
                    connect_timeout=CONNECT_TIMEOUT_S,
                    read_timeout=READ_TIMEOUT_S,
                    max_pool_connections=32,
                    user_agent_extra="eksprov",
                )
                client = self._session.client(service, endpoint_url=self._endpoint_url, config=config)
                client.meta.events.register("before-parse", refuse_strange_answers)
                self._made[service] = client
            return self._made[service]

    @property
    def ec2(self) -> EC2Client:
        """Amazon EC2."""
        client: EC2Client = self.get("ec2")
        return client

    @property
    def eks(self) -> EKSClient:
        """Amazon EKS."""
        client: EKSClient = self.get("eks")
        return client

    @property
    def iam(self) -> IAMClient:
        """AWS IAM."""
        client: IAMClient = self.get("iam")
        return client

    @property
    def s3(self) -> S3Client:
        """Amazon S3."""
        client: S3Client = self.get("s3")
        return client

    @property
    def ecr(self) -> ECRClient:
        """Amazon ECR."""
        client: ECRClient = self.get("ecr")
        return client

    @property
    def logs(self) -> CloudWatchLogsClient:
        """Amazon CloudWatch Logs."""
        client: CloudWatchLogsClient = self.get("logs")
        return client

    @property
    def sts(self) -> STSClient:
        """AWS STS."""
        client: STSClient = self.get("sts")
        return client


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
    elif not body and name.startswith(("Describe", "Get", "List")):
        what = "nothing"
    elif body and "json" in operation_model.service_model.metadata["protocol"] and not _is_json(body):
        what = "broken JSON"
    if what:
        raise HTTPClientError(error=f"{name} was answered with {what}, which AWS does not do")


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class Aws:
    """What an AWS step is handed: clients, listings shared by the run, the owner to be written into tags."""

    clients: Clients
    once: Clients
    region: str
    owner: Owner
    clock: Clock
    inventory: Inventory
    extra_tags: tuple[tuple[str, str], ...] = ()
    speed: float = 1.0

    @classmethod
    def connect(
        cls,
        session: Any,
        owner: Owner,
        clock: Clock,
        *,
        endpoint_url: str | None = None,
        extra_tags: tuple[tuple[str, str], ...] = (),
        speed: float = 1.0,
    ) -> Aws:
        """Wrap a boto3 Session."""
        return cls(
            clients=Clients(session, attempts=MAX_ATTEMPTS, endpoint_url=endpoint_url),
            once=Clients(session, attempts=1, endpoint_url=endpoint_url),
            region=session.region_name,
            owner=owner,
            clock=clock,
            inventory=Inventory(),
            extra_tags=extra_tags,
            speed=speed,
        )

    def owned_by(self, owner: Owner) -> Aws:
        """The same AWS, with the stack id now known."""
        return replace(self, owner=owner)

    def tags(self, step: str, name: str = "") -> dict[str, str]:
        """The tags of a step's resource; `name` becomes the Name tag, which consoles show."""
        return {**dict(self.extra_tags), **owner_tags(self.owner, step, name)}

    def identity(self) -> Identity:
        """Ask STS who calls. Raises: AccessError when there are no usable credentials."""
        from eksprov.aws.faults import translated

        with translated("find out who calls AWS"):
            answer = self.clients.sts.get_caller_identity()
        return Identity(answer["Account"], answer["Arn"], answer["Arn"].split(":")[1])

    def listing(self, key: str, load: Callable[[], T], *, fresh: bool = False) -> T:
        """The run's shared listing `key`, loaded once; `fresh` loads anew (for a proof)."""
        return self.inventory.listing(key, load, fresh=fresh)
