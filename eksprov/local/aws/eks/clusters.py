"""Clusters: create, describe, list, delete. What changes one is in `cluster_updates.py`.

Rules: https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html and API_DeleteCluster.html.
"""

from __future__ import annotations

import re
import secrets
from typing import Any

from eksprov.local.aws.eks import access, auto_mode, checks, encryption, networks, others, refusals, wiring
from eksprov.local.aws.eks.model import Cluster, Shape
from eksprov.local.aws.eks.nodes import on_demand
from eksprov.local.aws.eks.region import EksRegion
from eksprov.local.aws.eks.versions import DEFAULT_VERSION, NAMES, PLATFORM_VERSION
from eksprov.local.aws.iam import service_roles
from eksprov.local.contract import ClusterSpec
from eksprov.local.partitions import dns_suffix

NAME = re.compile(r"[0-9A-Za-z][A-Za-z0-9\-_]{0,99}")
LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")
# Every member of CreateCluster that is understood here; any other is refused, so that nothing is passed over.
UNDERSTOOD = frozenset(
    {
        "accessConfig",
        "bootstrapSelfManagedAddons",
        "clientRequestToken",
        "computeConfig",
        "deletionProtection",
        "encryptionConfig",
        "kubernetesNetworkConfig",
        "logging",
        "name",
        "resourcesVpcConfig",
        "roleArn",
        "storageConfig",
        "tags",
        "upgradePolicy",
        "version",
    }
)


def create_cluster(region: EksRegion, ask: Shape) -> dict[str, Any]:
    name = ask["name"]
    if name in region.clusters:
        raise refusals.in_use(f"Cluster already exists with name: {name}", clusterName=name)
    subnets = _checked(region, ask)
    cluster = Cluster(
        shape=_shape(region, ask, subnets),
        region=region.name,
        changed_at=region.account.now(),
        bootstrap_addons=ask.get("bootstrapSelfManagedAddons", True),
    )
    groups = [cluster.security_group, *cluster.shape["resourcesVpcConfig"]["securityGroupIds"]]
    cluster.interfaces = wiring.make_interfaces(region, name, subnets, groups)
    if _access(ask)["bootstrapClusterCreatorAdminPermissions"]:
        access.make_creator_admin(region, cluster)
    region.clusters[name] = cluster
    service_roles.make(region.iam, service_roles.EKS)
    network = cluster.shape["kubernetesNetworkConfig"]
    region.account.kubernetes.start_cluster(
        ClusterSpec(
            arn=cluster.arn,
            name=name,
            version=cluster.version,
            service_cidr=network.get("serviceIpv6Cidr") or network["serviceIpv4Cidr"],
            oidc_issuer=cluster.shape["identity"]["oidc"]["issuer"],
            subnet_cidrs=tuple(str(subnet.cidr_block) for subnet in subnets),
            pod_cidrs=networks.pod_ranges(network, subnets),
        )
    )
    return {"cluster": described(cluster)}


def describe_cluster(region: EksRegion, ask: Shape) -> dict[str, Any]:
    return {"cluster": described(region.cluster(ask["name"]))}


def list_clusters(region: EksRegion, ask: Shape) -> dict[str, Any]:
    return region.page("clusters", sorted(region.clusters), ask)


def delete_cluster(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """DeleteCluster; refused while node groups, Fargate profiles or capabilities are there, or it is protected."""
    cluster = region.cluster(ask["name"])
    if cluster.shape["deletionProtection"]:
        raise refusals.not_now(
            f"Cluster {cluster.name} has deletion protection enabled. Disable it before deleting the cluster.",
            clusterName=cluster.name,
        )
    if cluster.nodegroups:
        raise refusals.in_use(
            "Cluster has nodegroups attached",
            clusterName=cluster.name,
            nodegroupName=",".join(sorted(cluster.nodegroups)),
        )
    others.refuse_deletion(cluster)
    if cluster.status == "UPDATING":
        raise refusals.in_use(f"Cluster {cluster.name} currently has an update in progress", clusterName=cluster.name)
    if cluster.status != "DELETING":
        cluster.shape["status"] = "DELETING"
        cluster.changed_at = region.account.now()
        cluster.group_stays = cluster.group_stays or on_demand.has_auto(region, cluster)
        region.account.kubernetes.stop_cluster(cluster.arn)
    return {"cluster": described(cluster)}


def described(cluster: Cluster) -> Shape:
    """The cluster as Describe shows it: the creator's permission is never told again."""
    shape = dict(cluster.shape)
    shape["accessConfig"] = {"authenticationMode": shape["accessConfig"]["authenticationMode"]}
    return shape


def logging_shape(asked: Shape | None) -> Shape:
    """The log types that are on and those that are off."""
    enabled = {
        kind for setup in (asked or {}).get("clusterLogging", []) if setup.get("enabled") for kind in setup["types"]
    }
    on = [kind for kind in LOG_TYPES if kind in enabled]
    off = [kind for kind in LOG_TYPES if kind not in enabled]
    setups = [{"types": kinds, "enabled": is_on} for kinds, is_on in ((on, True), (off, False)) if kinds]
    return {"clusterLogging": setups}


def _checked(region: EksRegion, ask: Shape) -> list[Any]:
    name = ask["name"]
    if not NAME.fullmatch(name):
        raise refusals.invalid(
            "The cluster name must start with a letter or digit, hold only letters, digits, hyphens and "
            "underscores, and be no longer than 100 characters",
            clusterName=name,
        )
    if ask.get("version", DEFAULT_VERSION) not in NAMES:
        raise refusals.invalid("unsupported Kubernetes version", clusterName=name)
    if strange := sorted(set(ask) - UNDERSTOOD):
        raise refusals.invalid(f"The local AWS does not emulate {', '.join(strange)}", clusterName=name)
    subnet_ids = ask["resourcesVpcConfig"].get("subnetIds") or []
    if len(subnet_ids) < 2:
        raise refusals.invalid("At least two subnets in different AZs must be specified", clusterName=name)
    checks.cluster_role(region, ask["roleArn"])
    auto_mode.check_creation(region, ask)
    encryption.check(region, ask.get("encryptionConfig"), ask["roleArn"], name)
    subnets = checks.cluster_subnets(region, subnet_ids, name)
    checks.security_groups(region, ask["resourcesVpcConfig"].get("securityGroupIds") or [], subnets[0].vpc_id)
    _check_network(region, ask, subnets)
    creator = _access(ask)["bootstrapClusterCreatorAdminPermissions"]
    if _access(ask)["authenticationMode"] == "CONFIG_MAP" and not creator:
        raise refusals.invalid(
            "bootstrapClusterCreatorAdminPermissions must be true if cluster authentication mode is CONFIG_MAP"
        )
    return subnets


def _check_network(region: EksRegion, ask: Shape, subnets: list[Any]) -> None:
    vpc = ask["resourcesVpcConfig"]
    if vpc.get("endpointPublicAccess") is False and not vpc.get("endpointPrivateAccess"):
        raise refusals.invalid("Private and public endpoint access cannot be false", clusterName=ask["name"])
    networks.check(region, ask, subnets)


def _access(ask: Shape) -> Shape:
    # Defaults: https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateAccessConfigRequest.html
    asked = ask.get("accessConfig") or {}
    return {
        "authenticationMode": asked.get("authenticationMode", "CONFIG_MAP"),
        "bootstrapClusterCreatorAdminPermissions": asked.get("bootstrapClusterCreatorAdminPermissions", True),
    }


def _shape(region: EksRegion, ask: Shape, subnets: list[Any]) -> Shape:
    name = ask["name"]
    vpc_id = subnets[0].vpc_id
    issuer = f"https://oidc.eks.{region.name}.{dns_suffix(region.name)}/id/{secrets.token_hex(16).upper()}"
    vpc = ask["resourcesVpcConfig"]
    shape: Shape = {
        "name": name,
        "arn": region.arn("cluster", name),
        "createdAt": region.stamp(),
        "version": ask.get("version", DEFAULT_VERSION),
        "roleArn": ask["roleArn"],
        "resourcesVpcConfig": {
            "subnetIds": list(vpc["subnetIds"]),
            "securityGroupIds": list(vpc.get("securityGroupIds") or []),
            "clusterSecurityGroupId": wiring.make_security_group(region, name, vpc_id),
            "vpcId": vpc_id,
            "endpointPublicAccess": vpc.get("endpointPublicAccess", True),
            "endpointPrivateAccess": vpc.get("endpointPrivateAccess", False),
            "publicAccessCidrs": list(vpc.get("publicAccessCidrs") or networks.everyone(ask)),
        },
        "kubernetesNetworkConfig": networks.shape(region, ask, vpc_id),
        "computeConfig": auto_mode.compute_shape(ask.get("computeConfig")),
        "storageConfig": ask.get("storageConfig") or {"blockStorage": {"enabled": False}},
        "logging": logging_shape(ask.get("logging")),
        "identity": {"oidc": {"issuer": issuer}},
        "status": "CREATING",
        "certificateAuthority": {},
        "platformVersion": PLATFORM_VERSION,
        "tags": dict(ask.get("tags") or {}),
        "health": {"issues": []},
        "accessConfig": _access(ask),
        "upgradePolicy": {"supportType": (ask.get("upgradePolicy") or {}).get("supportType", "EXTENDED")},
        "deletionProtection": ask.get("deletionProtection", False),
    }
    return shape | {key: ask[key] for key in ("clientRequestToken", "encryptionConfig") if ask.get(key)}


OPERATIONS = {
    "CreateCluster": create_cluster,
    "DescribeCluster": describe_cluster,
    "ListClusters": list_clusters,
    "DeleteCluster": delete_cluster,
}
