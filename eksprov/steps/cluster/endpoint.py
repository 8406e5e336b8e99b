"""The public endpoint of a cluster that is made with one, and loses it at the end of the run.

A cluster whose API endpoint is private from the start cannot be reached from outside its VPC, so nothing could be put
into it by whoever makes it there. With `cluster.close_endpoint_last` it is made with public access, and this step,
which comes after everything else, takes that away again, in an update of its own, as EKS wants
(https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from eksprov import errors
from eksprov.aws.rights import Place, Rights, on
from eksprov.aws.session import Aws
from eksprov.aws.tags import owner_of
from eksprov.aws.waiting import BUSY_LIMIT_S, EKS_BUSY, eventually
from eksprov.core.billing import UNBILLED, Billing
from eksprov.core.convergence.external import Part
from eksprov.core.step import READY, Outputs, Owner, Phase, PhaseState, Timing, Traits
from eksprov.steps.cluster.cluster import MOVING, endpoint_request
from eksprov.steps.cluster.reading import described_cluster, in_words, issues
from eksprov.steps.cluster.rights import own_cluster
from eksprov.steps.cluster.updates import begun, why_failed


@dataclass(frozen=True)
class ClusterEndpointFacts:
    """Who may reach the API server; `public_cidrs` is empty where the endpoint is not public."""

    public_access: bool
    private_access: bool
    public_cidrs: frozenset[str]
    status: str = field(default="ACTIVE", compare=False)
    health: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    owner: Owner | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class ClusterEndpoint(Part[Aws, ClusterEndpointFacts]):
    """`slug` is the cluster's name; the endpoint becomes private only."""

    kind: ClassVar[str] = "cluster-endpoint"
    billing: ClassVar[Billing | None] = UNBILLED
    traits: ClassVar[Traits] = Traits(inside=True)
    timing: ClassVar[Timing] = Timing(create_s=230, delete_s=0.1, create_limit_s=1800, update_limit_s=3600)

    def desired(self, outputs: Outputs) -> ClusterEndpointFacts:
        """Reachable from inside the VPC alone."""
        return ClusterEndpointFacts(public_access=False, private_access=True, public_cidrs=frozenset())

    def describe(self, want: ClusterEndpointFacts) -> str:
        """What is created, for the plan."""
        return "private and public" if want.public_access else "private only"

    def discover(self, aws: Aws, *, fresh: bool = False) -> ClusterEndpointFacts | None:
        cluster = described_cluster(aws, self.slug)
        if cluster is None:
            return None
        vpc = cluster.get("resourcesVpcConfig", {})
        public = bool(vpc.get("endpointPublicAccess"))
        return ClusterEndpointFacts(
            public_access=public,
            private_access=bool(vpc.get("endpointPrivateAccess")),
            public_cidrs=frozenset(vpc.get("publicAccessCidrs", [])) if public else frozenset(),
            status=cluster.get("status", ""),
            health=issues(cluster.get("health")),
            owner=owner_of(cluster.get("tags")),
        )

    def create(self, aws: Aws, want: ClusterEndpointFacts, token: str) -> dict[str, str]:
        """It comes with the cluster. Raises: ProvisioningError, always."""
        raise errors.ProvisioningError(f"{self.name}: there is no cluster {self.slug!r}", "run the same command again")

    def update(
        self,
        aws: Aws,
        want: ClusterEndpointFacts,
        have: ClusterEndpointFacts,
        fields: tuple[str, ...],
    ) -> str:
        """One update of the cluster, after a running one."""
        answer = eventually(
            aws,
            lambda: aws.clients.eks.update_cluster_config(
                name=self.slug,
                resourcesVpcConfig=endpoint_request(want),  # type: ignore[arg-type]  # a plain dict serves
            ),
            EKS_BUSY,
            limit_s=BUSY_LIMIT_S,
        )
        return begun(answer)

    def why_failed(self, aws: Aws, update: str) -> str:
        return why_failed(aws, self.slug, update)

    def phase(self, have: ClusterEndpointFacts) -> Phase:
        """Moving while EKS changes the cluster."""
        said = (MOVING.get(have.status, ""), in_words(have.health))
        return Phase(PhaseState.MOVING, ": ".join(filter(None, said))) if have.status in MOVING else READY

    def outputs(self, have: ClusterEndpointFacts) -> dict[str, str]:
        """How it may be reached."""
        return {"access": "public" if have.public_access else "private"}

    @classmethod
    def rights(cls, place: Place) -> Rights:
        """A step of its own for one of the cluster's settings."""
        return Rights(
            read=on(own_cluster(place), "eks:DescribeCluster"),
            make=on(own_cluster(place), "eks:UpdateClusterConfig"),
            change=on(own_cluster(place), "eks:UpdateClusterConfig", "eks:DescribeUpdate"),
        )
