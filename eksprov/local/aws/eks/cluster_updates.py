"""UpdateClusterConfig and UpdateClusterVersion: one kind of change a call, one change at a time.

https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateClusterConfig.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eksprov.local.aws.eks import auto_mode, checks, insights, networks, refusals, updates, wiring
from eksprov.local.aws.eks.clusters import logging_shape
from eksprov.local.aws.eks.model import Cluster, Shape
from eksprov.local.aws.eks.region import EksRegion
from eksprov.local.aws.eks.versions import NAMES, minor

MODES = ("CONFIG_MAP", "API_AND_CONFIG_MAP", "API")
NODES_MAY_LAG = 3
ENDPOINT = "EndpointAccessUpdate"
ENDPOINT_KEYS = ("endpointPublicAccess", "endpointPrivateAccess", "publicAccessCidrs")
VPC_KEYS = ("subnetIds", "securityGroupIds")
AUTO_MODE_KEYS = ("computeConfig", "storageConfig", "kubernetesNetworkConfig")
SIMPLE = {
    "upgradePolicy": ("UpgradePolicyUpdate", "UpgradePolicy"),
    "deletionProtection": ("DeletionProtectionUpdate", "DeletionProtection"),
}


def update_cluster_config(region: EksRegion, ask: Shape) -> dict[str, Any]:
    cluster = region.cluster(ask["name"])
    kinds = _kinds(ask)
    if not kinds:
        raise refusals.invalid("No update parameters were given", clusterName=cluster.name)
    if len(kinds) > 1:
        raise refusals.invalid("Only one type of update can be allowed.", clusterName=cluster.name)
    _ready_to_change(cluster, "update the configuration of the cluster")
    kind = kinds.pop()
    if kind == ENDPOINT:
        return _endpoint(region, cluster, ask["resourcesVpcConfig"])
    if kind == "VpcConfigUpdate":
        return _vpc(region, cluster, ask["resourcesVpcConfig"])
    if kind == "LoggingUpdate":
        return _logging(region, cluster, ask["logging"])
    if kind == "AccessConfigUpdate":
        return _access(region, cluster, ask["accessConfig"])
    if kind == "AutoModeUpdate":
        return _auto_mode(region, cluster, ask)
    for key, (update_kind, param) in SIMPLE.items():
        if kind == update_kind:
            return _simple(region, cluster, key, ask[key], kind, param)
    raise refusals.invalid(f"The local AWS does not emulate {kind}", clusterName=cluster.name)


def update_cluster_version(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """UpdateClusterVersion: one minor version up, nodes may lag by three. EKS's rollback is not emulated."""
    cluster, version = region.cluster(ask["name"]), ask["version"]
    if version not in NAMES:
        raise refusals.invalid("unsupported Kubernetes version", clusterName=cluster.name)
    if version == cluster.version:
        raise refusals.invalid(f"Cluster is already at version {version}", clusterName=cluster.name)
    if minor(version) != minor(cluster.version) + 1:
        raise refusals.invalid(
            f"Unsupported Kubernetes minor version update from {cluster.version} to {version}",
            clusterName=cluster.name,
        )
    old = [g.name for g in cluster.nodegroups.values() if minor(g.shape["version"]) < minor(version) - NODES_MAY_LAG]
    if old:
        raise refusals.invalid(
            f"Nodegroups {', '.join(sorted(old))} must be updated before the cluster can be updated to {version}",
            clusterName=cluster.name,
        )
    _ready_to_change(cluster, "VersionUpdate")
    _refuse_unready(cluster, ask)
    before = cluster.version

    def finish() -> None:
        cluster.shape["version"] = version
        cluster.upgraded = (before, region.account.now())
        cluster.insights.looked_at = 0.0

    params = {"Version": version, "PlatformVersion": cluster.shape["platformVersion"]}
    return _begin(region, cluster, "VersionUpdate", params, "cluster-version", finish)


def _refuse_unready(cluster: Cluster, ask: Shape) -> None:
    blocking = [] if ask.get("force") else insights.blocking(cluster, ask["version"])
    if blocking:
        raise refusals.bad_state(
            f"Amazon EKS detected readiness issues: {', '.join(blocking)}. Call the ListInsights API to view them. "
            "Pass the force flag when updating to override readiness errors.",
            clusterName=cluster.name,
        )


def _kinds(ask: Shape) -> set[str]:
    """The kinds of update that are asked for; what no kind takes is one of its own."""
    known = {**{key: kind for key, (kind, _) in SIMPLE.items()}, **dict.fromkeys(AUTO_MODE_KEYS, "AutoModeUpdate")}
    known |= {"logging": "LoggingUpdate", "accessConfig": "AccessConfigUpdate"}
    known |= {**dict.fromkeys(ENDPOINT_KEYS, ENDPOINT), **dict.fromkeys(VPC_KEYS, "VpcConfigUpdate")}
    keys = {*ask, *(ask.get("resourcesVpcConfig") or {})} - {"name", "clientRequestToken", "resourcesVpcConfig"}
    return {known.get(key, f"an update of {key}") for key in keys}


def _ready_to_change(cluster: Cluster, what: str) -> None:
    updates.refuse_second(cluster, what)
    if cluster.status != "ACTIVE":
        raise refusals.in_use(
            f"Cannot {what} because cluster {cluster.name} is {cluster.status}", clusterName=cluster.name
        )


def _begin(
    region: EksRegion,
    cluster: Cluster,
    kind: str,
    params: Shape,
    latency: str,
    finish: Callable[[], None],
) -> dict[str, Any]:
    def done() -> None:
        finish()
        if cluster.status == "UPDATING":
            cluster.shape["status"] = "ACTIVE"

    cluster.shape["status"] = "UPDATING"
    return updates.begin(region, cluster, kind, params, latency, done)


def _endpoint(region: EksRegion, cluster: Cluster, vpc: Shape) -> dict[str, Any]:
    wanted = {key: vpc[key] for key in ENDPOINT_KEYS if vpc.get(key) is not None}
    have = cluster.shape["resourcesVpcConfig"]
    if all(have[key] == value for key, value in wanted.items()):
        raise refusals.invalid("The cluster is already at the desired configuration", clusterName=cluster.name)
    ipv6 = cluster.shape["kubernetesNetworkConfig"]["ipFamily"] == "ipv6"
    networks.check_cidrs(cluster.name, wanted.get("publicAccessCidrs") or (), ipv6=ipv6)
    after = have | wanted
    if not after["endpointPublicAccess"] and not after["endpointPrivateAccess"]:
        raise refusals.invalid("Private and public endpoint access cannot be false", clusterName=cluster.name)
    names = {key: key[0].upper() + key[1:] for key in ENDPOINT_KEYS}
    params = {names[key]: value for key, value in wanted.items()}
    return _begin(region, cluster, ENDPOINT, params, "endpoint-update", lambda: have.update(wanted))


def _vpc(region: EksRegion, cluster: Cluster, vpc: Shape) -> dict[str, Any]:
    have = cluster.shape["resourcesVpcConfig"]
    wanted = {key: list(vpc[key]) for key in VPC_KEYS if vpc.get(key) is not None}
    new = checks.cluster_subnets(region, wanted.get("subnetIds", have["subnetIds"]), cluster.name)
    old = checks.subnets(region, have["subnetIds"])
    if {s.availability_zone for s in new} != {s.availability_zone for s in old}:
        raise refusals.invalid(
            "Provided subnets belong to a different set of availability zones than the cluster's",
            clusterName=cluster.name,
        )
    checks.security_groups(region, wanted.get("securityGroupIds", []), have["vpcId"])

    def finish() -> None:
        have.update(wanted)
        groups = [cluster.security_group, *have["securityGroupIds"]]
        wiring.remove_interfaces(region, cluster)
        cluster.interfaces = wiring.make_interfaces(region, cluster.name, new, groups)

    params = {{"subnetIds": "Subnets", "securityGroupIds": "SecurityGroups"}[k]: v for k, v in wanted.items()}
    return _begin(region, cluster, "VpcConfigUpdate", params, "endpoint-update", finish)


def _logging(region: EksRegion, cluster: Cluster, asked: Shape) -> dict[str, Any]:
    changed: dict[str, bool] = {}
    for setups in (cluster.shape["logging"], asked):
        for setup in setups.get("clusterLogging", []):
            changed |= dict.fromkeys(setup.get("types", []), bool(setup.get("enabled")))
    on = [kind for kind, enabled in changed.items() if enabled]
    after = logging_shape({"clusterLogging": [{"types": on, "enabled": True}]})
    if after == cluster.shape["logging"]:
        raise refusals.invalid("No changes needed for the logging config provided", clusterName=cluster.name)

    def finish() -> None:
        cluster.shape["logging"] = after

    return _begin(region, cluster, "LoggingUpdate", {"ClusterLogging": asked}, "logging-update", finish)


def _access(region: EksRegion, cluster: Cluster, asked: Shape) -> dict[str, Any]:
    have, wanted = cluster.shape["accessConfig"]["authenticationMode"], asked["authenticationMode"]
    # https://docs.aws.amazon.com/eks/latest/userguide/setting-up-access-entries.html: there is no way back.
    if MODES.index(wanted) <= MODES.index(have):
        raise refusals.invalid(
            f"Unsupported authentication mode update from {have} to {wanted}", clusterName=cluster.name
        )
    if MODES.index(wanted) - MODES.index(have) > 1:
        raise refusals.invalid("CONFIG_MAP can only be changed to API_AND_CONFIG_MAP", clusterName=cluster.name)

    def finish() -> None:
        cluster.shape["accessConfig"]["authenticationMode"] = wanted

    params = {"AuthenticationMode": wanted}
    return _begin(region, cluster, "AccessConfigUpdate", params, "settings-update", finish)


def _auto_mode(region: EksRegion, cluster: Cluster, ask: Shape) -> dict[str, Any]:
    shape, params = auto_mode.updated(region, cluster, ask)

    def finish() -> None:
        cluster.shape.update(shape)
        auto_mode.apply(region, cluster)

    return _begin(region, cluster, "AutoModeUpdate", params, "auto-mode-update", finish)


def _simple(region: EksRegion, cluster: Cluster, key: str, wanted: Any, kind: str, param: str) -> dict[str, Any]:
    if cluster.shape.get(key) == wanted:
        raise refusals.invalid("The cluster is already at the desired configuration", clusterName=cluster.name)

    def finish() -> None:
        cluster.shape[key] = wanted

    return _begin(region, cluster, kind, {param: wanted}, "settings-update", finish)


OPERATIONS = {"UpdateClusterConfig": update_cluster_config, "UpdateClusterVersion": update_cluster_version}
