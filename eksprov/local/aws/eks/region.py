"""EKS in one region: its clusters, and what all operations share."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from moto.autoscaling.models import AutoScalingBackend, autoscaling_backends
from moto.ec2.models import EC2Backend, ec2_backends
from moto.iam.models import IAMBackend

from eksprov.local.aws.clock import Clock
from eksprov.local.aws.conditions import Conditions
from eksprov.local.aws.ec2.capacity import Capacity
from eksprov.local.aws.ec2.reservations import Reservations
from eksprov.local.aws.eks import refusals
from eksprov.local.aws.eks.model import Cluster, Nodegroup, Shape
from eksprov.local.aws.keys import ACCOUNT, admin_arn
from eksprov.local.aws.quotas import Quotas
from eksprov.local.contract import KubernetesSide
from eksprov.local.partitions import partition_of

Item = TypeVar("Item")
LARGEST_PAGE = 100


class Account(Clock, Protocol):
    """What EKS asks of the account that it is a service of; `speed` is the world's, by which latencies are divided."""

    kubernetes: KubernetesSide
    speed: float
    capacity: Capacity
    conditions: Conditions
    quotas: Quotas
    reservations: Reservations

    def iam(self, partition: str) -> IAMBackend: ...

    def role_is_usable(self, name: str) -> bool: ...


class EksRegion:
    """The clusters of a region by name; `answers` remembers what was answered to each client request token.

    `caller_arn` is the principal (user or role) of the request being answered.
    """

    def __init__(self, account: Account, name: str) -> None:
        self.account = account
        self.name = name
        self.clusters: dict[str, Cluster] = {}
        self.answers: dict[tuple[str, str], tuple[Shape, Shape]] = {}
        self.partition = partition_of(name)
        self.caller_arn = admin_arn(self.partition)

    @property
    def ec2(self) -> EC2Backend:
        """moto's EC2 in this region."""
        return ec2_backends[ACCOUNT][self.name]

    @property
    def iam(self) -> IAMBackend:
        """moto's IAM of this partition."""
        return self.account.iam(self.partition)

    @property
    def autoscaling(self) -> AutoScalingBackend:
        """moto's Auto Scaling in this region."""
        return autoscaling_backends[ACCOUNT][self.name]

    def cluster(self, name: str) -> Cluster:
        """The cluster of this name. Raises: ResourceNotFoundException."""
        if name not in self.clusters:
            raise refusals.no_cluster(name)
        return self.clusters[name]

    def live_cluster(self, name: str) -> Cluster:
        """The cluster, which must be ACTIVE or UPDATING; raises InvalidRequestException else."""
        cluster = self.cluster(name)
        if cluster.status not in ("ACTIVE", "UPDATING"):
            raise refusals.not_active(name)
        return cluster

    def nodegroup(self, cluster_name: str, name: str) -> tuple[Cluster, Nodegroup]:
        """The node group with its cluster; raises ResourceNotFoundException."""
        cluster = self.cluster(cluster_name)
        if name not in cluster.nodegroups:
            raise refusals.no_nodegroup(name, cluster_name)
        return cluster, cluster.nodegroups[name]

    def stamp(self) -> datetime:
        """The current time, as answers carry it."""
        return datetime.fromtimestamp(self.account.now(), UTC)

    def passed(self, since: float, latency: str) -> bool:
        """Whether what began at `since` and takes `latency` is over."""
        return self.account.now() >= since + self.account.latency(latency)

    def arn(self, kind: str, *names: str) -> str:
        """The ARN of something of EKS: arn:<partition>:eks:<region>:<account>:<kind>/<names…>."""
        return f"arn:{self.partition}:eks:{self.name}:{ACCOUNT}:{kind}/{'/'.join(names)}"

    def page(self, key: str, items: Sequence[Item], ask: Shape) -> dict[str, Any]:
        """One page of `items` under `key`, with `nextToken` where more follow."""
        start = _offset(ask.get("nextToken"), len(items))
        size = ask.get("maxResults") or LARGEST_PAGE
        if not 1 <= size <= LARGEST_PAGE:
            raise refusals.invalid(f"maxResults must be between 1 and {LARGEST_PAGE}")
        answer: dict[str, Any] = {key: list(items[start : start + size])}
        if start + size < len(items):
            answer["nextToken"] = base64.urlsafe_b64encode(str(start + size).encode()).decode()
        return answer


def _offset(token: str | None, length: int) -> int:
    if not token:
        return 0
    try:
        offset = int(base64.urlsafe_b64decode(token))
    except (ValueError, binascii.Error):
        offset = -1
    if not 0 < offset <= length:
        raise refusals.invalid("The nextToken is not valid.")
    return offset
