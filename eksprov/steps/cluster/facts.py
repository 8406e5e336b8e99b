"""What a cluster is, and how it reads in DescribeCluster's answer. Pure.

An IPv6 cluster says no IPv4 range of Services, and the IPv6 one that EKS chose
(https://docs.aws.amazon.com/eks/latest/APIReference/API_KubernetesNetworkConfigResponse.html).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from eksprov.aws.tags import owner_of
from eksprov.core.billing import BilledItem, Terms
from eksprov.core.change import UNKNOWN
from eksprov.core.step import Owner
from eksprov.steps.cluster import auto_mode
from eksprov.steps.cluster.reading import issues

AUTHENTICATION = "API"


@dataclass(frozen=True)
class ClusterFacts:
    """`public_cidrs` is empty where the endpoint is not public; `health` holds code and message of each issue.

    `service_cidr` is empty where EKS chooses it.
    """

    version: str = field(metadata={"replace": True})
    ip_family: str = field(metadata={"replace": True})
    role_arn: str = field(metadata={"replace": True})
    service_cidr: str = field(metadata={"replace": True})
    vpc_id: str = field(metadata={"replace": True})
    deletion_protection: bool
    log_types: frozenset[str]
    public_access: bool
    private_access: bool
    public_cidrs: frozenset[str]
    support_type: str
    authentication: str = AUTHENTICATION
    key_arn: str = ""
    auto_mode: bool = False
    node_pools: frozenset[str] = frozenset()
    node_role_arn: str = ""
    subnet_ids: tuple[str, ...] = field(default=(), compare=False)
    status: str = field(default="", compare=False)
    health: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    known: Mapping[str, str] = field(default_factory=dict, compare=False)  # the outputs
    owner: Owner | None = field(default=None, compare=False)
    unmanaged: frozenset[str] = field(default=frozenset(), compare=False, repr=False)


def facts_of(cluster: Mapping[str, Any]) -> ClusterFacts:
    """The facts of a described cluster."""
    vpc = cluster.get("resourcesVpcConfig", {})
    public = bool(vpc.get("endpointPublicAccess"))
    logging = cluster.get("logging", {}).get("clusterLogging", [])
    network = cluster.get("kubernetesNetworkConfig", {})
    family = network.get("ipFamily", "ipv4")
    return ClusterFacts(
        version=cluster.get("version", ""),
        ip_family=family,
        role_arn=cluster.get("roleArn", ""),
        service_cidr=network.get("serviceIpv4Cidr", "") if family == "ipv4" else "",
        deletion_protection=bool(cluster.get("deletionProtection")),
        log_types=frozenset(kind for setup in logging if setup.get("enabled") for kind in setup.get("types", [])),
        vpc_id=vpc.get("vpcId", ""),
        public_access=public,
        private_access=bool(vpc.get("endpointPrivateAccess")),
        public_cidrs=frozenset(vpc.get("publicAccessCidrs", [])) if public else frozenset(),
        support_type=cluster.get("upgradePolicy", {}).get("supportType", ""),
        authentication=cluster.get("accessConfig", {}).get("authenticationMode", ""),
        key_arn=next((one["provider"]["keyArn"] for one in cluster.get("encryptionConfig") or ()), ""),
        **auto_mode.read(cluster),
        subnet_ids=tuple(vpc.get("subnetIds", [])),
        status=cluster.get("status", ""),
        health=issues(cluster.get("health")),
        known=_known(cluster, vpc),
        owner=owner_of(cluster.get("tags")),
    )


def _known(cluster: Mapping[str, Any], vpc: Mapping[str, Any]) -> dict[str, str]:
    """What others want to know, as far as EKS says it yet."""
    network = cluster.get("kubernetesNetworkConfig", {})
    known = {
        "name": cluster["name"],
        "arn": cluster["arn"],
        "version": cluster.get("version"),
        "endpoint": cluster.get("endpoint"),
        "certificate_authority": cluster.get("certificateAuthority", {}).get("data"),
        "security_group": vpc.get("clusterSecurityGroupId"),
        "vpc": vpc.get("vpcId"),
        "ip_family": network.get("ipFamily", "ipv4"),
        "service_cidr": network.get("serviceIpv6Cidr") or network.get("serviceIpv4Cidr"),
        "oidc_issuer": cluster.get("identity", {}).get("oidc", {}).get("issuer"),
    }
    return {key: str(value) for key, value in known.items() if value and value is not UNKNOWN}


# https://aws.amazon.com/eks/pricing/: by instance type and second, on top of EC2's price.
AUTO_MODE = "instances that EKS Auto Mode makes as pods need them, and its charge on top of each"


def billed_cluster(_step: str, facts: ClusterFacts, terms: Terms) -> Iterator[BilledItem]:
    """Extended support costs more, unless the cluster is of those that EKS upgrades instead (support type STANDARD)."""
    yield BilledItem("eks.cluster", Decimal(1), "EKS control plane")
    if facts.auto_mode:
        yield BilledItem("unknown.auto-mode", Decimal(1), AUTO_MODE)
    if facts.support_type != "EXTENDED":
        return
    if terms.extended is None:
        yield BilledItem("unknown.extended-support", Decimal(1), f"extended support, if {facts.version} is in it")
    elif facts.version in terms.extended:
        yield BilledItem("eks.extended-support", Decimal(1), f"extended support of Kubernetes {facts.version}")
