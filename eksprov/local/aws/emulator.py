"""The local AWS as one object: clock, speed, lock, keys, call log, EKS clusters. Implements `contract.AwsSide`.

What moto keeps (VPCs, roles, buckets, …) stays in moto's backends, which are one a process; this object keeps the
rest. Nothing moves by itself: `advance` lets what is due happen, and is called before every request and by `tick`.

All requests run one after the other under `lock`, because moto is not made for threads. `KubernetesSide` is called
with the lock held; so a `KubernetesSide` must not wait for a thread that calls back into this object.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from moto.iam.models import IAMBackend, iam_backends
from moto.sts.models import sts_backends

from eksprov.local.aws import eks_token
from eksprov.local.aws.calls import CallLog
from eksprov.local.aws.conditions import USUAL, Conditions
from eksprov.local.aws.ec2.capacity import Capacity
from eksprov.local.aws.ec2.endpoints import VpcEndpoints
from eksprov.local.aws.ec2.ipv6 import Ipv6Ranges
from eksprov.local.aws.ec2.nat import NatGateways
from eksprov.local.aws.ec2.reservations import Reservations
from eksprov.local.aws.ec2.templates import Templates
from eksprov.local.aws.eks import progress
from eksprov.local.aws.eks.model import Association, Cluster
from eksprov.local.aws.eks.nodes import on_demand
from eksprov.local.aws.eks.region import EksRegion
from eksprov.local.aws.keys import ACCOUNT, Key, KeyRing, Session
from eksprov.local.aws.latency import LATENCY_S
from eksprov.local.aws.policy import documents_of
from eksprov.local.aws.quotas import Quotas
from eksprov.local.contract import Identity, KubernetesSide, NodeSpec, NodeWish, Offers, PodCredentials, Product
from eksprov.local.partitions import partition_of

FIXED_KEYS = {"test": "test"}
POD_CREDENTIALS_S = 6 * 3600


class LocalAws:
    """One account with all its regions.

    `now` gives seconds since the epoch in the world's time, `wall` those by which signatures are dated (the same,
    unless the world's time is virtual). `speed` divides latencies. With `role_lag` a new role is unknown to EKS
    for a while, as on AWS. `products` are those of the price list.
    """

    def __init__(
        self,
        kubernetes: KubernetesSide,
        now: Callable[[], float],
        speed: float = 1.0,
        *,
        wall: Callable[[], float] = time.time,
        role_lag: bool = False,
        products: Iterable[Product] = (),
    ) -> None:
        self.kubernetes = kubernetes
        self.now = now
        self.wall = wall
        self.speed = speed
        self.role_lag = role_lag
        self.products = tuple(products)
        self.lock = threading.RLock()
        self.calls = CallLog()
        self.keys = KeyRing(FIXED_KEYS)
        self.nat = NatGateways(self)
        self.quotas = Quotas()
        self.capacity = Capacity()
        self.conditions = USUAL
        self.spot_scores: dict[str, int] = {}  # of instance types whose placement score is not the usual one
        self.endpoints = VpcEndpoints(self)
        self.ipv6 = Ipv6Ranges(self)
        self.templates = Templates()
        self.reservations = Reservations()
        self.route_table_tokens: dict[tuple[str, str], str] = {}  # region and client token to the table's id
        self.queues_deleted: dict[tuple[str, str], float] = {}  # region and name to when
        self.buckets_deleted: dict[str, float] = {}  # name to when
        self.url = ""
        self.roles_made: dict[str, float] = {}
        self._regions: dict[str, EksRegion] = {}

    def latency(self, name: str) -> float:
        """How long `name` (a key of `LATENCY_S`) takes here, in seconds of the world's clock."""
        return LATENCY_S[name] / self.speed

    def region(self, name: str) -> EksRegion:
        """The EKS of one region."""
        return self._regions.setdefault(name, EksRegion(self, name))

    def rule(self, conditions: Conditions) -> None:
        """Have the account be so from now on, and not as any conditions before these had it."""
        self.capacity.short[:] = conditions.short
        self.quotas.only(dict(conditions.quotas))
        self.conditions = conditions

    def clusters(self) -> Iterator[Cluster]:
        """All clusters of all regions."""
        for region in self._regions.values():
            yield from region.clusters.values()

    def iam(self, partition: str) -> IAMBackend:
        """moto's IAM of one partition."""
        return iam_backends[ACCOUNT][partition]

    def role_is_usable(self, name: str) -> bool:
        """Whether other services see the role already (https://github.com/pulumi/pulumi-aws/issues/2411)."""
        made = self.roles_made.get(name)
        return not self.role_lag or made is None or self.now() >= made + self.latency("role-usable")

    def advance(self) -> None:
        """Let everything happen that is due by now; the lock must be held."""
        self.nat.advance()
        self.endpoints.advance()
        self.ipv6.advance()
        for region in self._regions.values():
            for cluster in list(region.clusters.values()):
                progress.advance(region, cluster)

    def tick(self) -> None:
        """`advance`, from a thread that does not hold the lock."""
        with self.lock:
            self.advance()

    def endpoint_url(self) -> str:
        """Where the server answers; empty without one."""
        return self.url

    def authenticate(self, cluster_arn: str, token: str) -> Identity | None:
        """The identity behind an EKS token, or None where the signature, STS or the access entries say no."""
        with self.lock:
            return eks_token.authenticate(self, self.find_cluster(cluster_arn), token)

    def pod_credentials(
        self, cluster_arn: str, namespace: str, service_account: str, pod: str
    ) -> PodCredentials | None:
        """New credentials of the associated role; None without an association or where the role is gone."""
        with self.lock:
            cluster = self.find_cluster(cluster_arn)
            found = None if cluster is None else cluster.association(namespace, service_account)
            if cluster is None or found is None:
                return None
            return self._assume_for_pod(cluster, found, pod)

    def offers(self, cluster_arn: str) -> Offers:
        """What EC2 has in the cluster's region."""
        with self.lock:
            return on_demand.offers(self.region(cluster_arn.split(":")[3]))

    def launch_node(self, cluster_arn: str, wish: NodeWish) -> NodeSpec | None:
        """An instance for the wish; None where EC2 has none, or the cluster goes."""
        with self.lock:
            cluster = self.find_cluster(cluster_arn)
            if cluster is None or cluster.status == "DELETING":
                return None
            return on_demand.launch(self.region(cluster.region), cluster, wish)

    def terminate_node(self, cluster_arn: str, name: str) -> None:
        """End the instance of a node that was launched on demand."""
        with self.lock:
            cluster = self.find_cluster(cluster_arn)
            if cluster is not None:
                on_demand.terminate(self.region(cluster.region), cluster, name)

    def find_cluster(self, arn: str) -> Cluster | None:
        """The cluster of this ARN, in any region."""
        return next((cluster for cluster in self.clusters() if cluster.arn == arn), None)

    def pod_rights(self, key: Key) -> tuple[list[str], dict[str, str]]:
        """The policies that a pod's request must be allowed by, and the condition keys of its session."""
        assert key.session is not None
        context = {f"aws:principaltag/{name}".lower(): value for name, value in key.session.tags.items()}
        context |= {"aws:securetransport": "true", "aws:principalaccount": ACCOUNT}
        roles = self.iam(key.session.partition).get_roles()
        role = next((role for role in roles if role.name == key.session.role_name), None)
        return ([] if role is None else documents_of(role)), context

    def assume_role(self, role_arn: str, session_name: str, duration_s: int, region: str, **session: Any) -> Key:
        """New temporary credentials of a role, known to moto and to us."""
        assumed = sts_backends[ACCOUNT][role_arn.split(":")[1]].assume_role(
            region_name=region,
            role_session_name=session_name,
            role_arn=role_arn,
            policy="",
            duration=duration_s,
            external_id="",
        )
        name = role_arn.rsplit("/", 1)[-1]
        more: dict[str, Any] = {"partition": role_arn.split(":")[1], **session}
        return self.keys.issue(assumed, Session(name, session_name, self.wall() + duration_s, **more))

    def _assume_for_pod(self, cluster: Cluster, found: Association, pod: str) -> PodCredentials | None:
        if not any(role.arn == found.role_arn for role in self.iam(partition_of(cluster.region)).get_roles()):
            return None
        tags = {
            "eks-cluster-arn": cluster.arn,
            "eks-cluster-name": cluster.name,
            "kubernetes-namespace": found.namespace,
            "kubernetes-service-account": found.service_account,
            "kubernetes-pod-name": pod,
        }
        # https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html names the session and its tags.
        name = f"eks-{cluster.name[:20]}-{pod[:20]}-{secrets.token_hex(8)}"
        key = self.assume_role(
            found.role_arn,
            name,
            POD_CREDENTIALS_S,
            cluster.region,
            is_pod=True,
            tags=tags,
        )
        assert key.session is not None
        expires = datetime.fromtimestamp(key.session.expires_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return PodCredentials(key.access_key_id, key.secret, key.token, ACCOUNT, expires)
