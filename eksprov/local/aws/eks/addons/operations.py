"""EKS add-ons of a cluster: create, describe, list, update, delete.

https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateAddon.html. Their objects in kube-system are made by
the Kubernetes side. Pod identity associations given here belong to the add-on and go with it.
"""

from __future__ import annotations

import uuid
from typing import Any

from eksprov.local.aws.eks import checks, pod_identity, refusals, updates
from eksprov.local.aws.eks.addons.catalog import (
    CATALOG,
    check_configuration,
    default_version,
    is_offered,
    versions_for,
)
from eksprov.local.aws.eks.model import Addon, Cluster, Shape
from eksprov.local.aws.eks.region import EksRegion
from eksprov.local.contract import AddonSpec

# What EKS itself puts into a cluster, unless told not to.
SELF_MANAGED = frozenset({"vpc-cni", "kube-proxy", "coredns"})
PARAMS = {
    "addonVersion": "AddonVersion",
    "configurationValues": "ConfigurationValues",
    "podIdentityAssociations": "PodIdentityAssociations",
    "resolveConflicts": "ResolveConflicts",
    "serviceAccountRoleArn": "ServiceAccountRoleArn",
}


def create_addon(region: EksRegion, ask: Shape) -> dict[str, Any]:
    cluster, name = region.live_cluster(ask["clusterName"]), ask["addonName"]
    if not is_offered(region, name):
        raise refusals.invalid(f"Addon {name} specified is not supported", clusterName=cluster.name, addonName=name)
    if name in cluster.addons:
        raise refusals.in_use("Addon already exists.", clusterName=cluster.name, addonName=name)
    version = ask.get("addonVersion") or default_version(name, cluster.version)
    namespace = (ask.get("namespaceConfig") or {}).get("namespace") or CATALOG[name].namespace
    _check_version(cluster, name, version)
    configuration = check_configuration(name, ask.get("configurationValues"))
    wanted = ask.get("podIdentityAssociations") or []
    _check_identities(region, cluster, namespace, wanted, set())
    _check_service_account_role(region, ask)
    now = region.stamp()
    arn = region.arn("addon", cluster.name, name, str(uuid.uuid4()))
    shape: Shape = {
        "addonName": name,
        "clusterName": cluster.name,
        "status": "CREATING",
        "addonVersion": version,
        "health": {"issues": []},
        "addonArn": arn,
        "createdAt": now,
        "modifiedAt": now,
        "tags": dict(ask.get("tags") or {}),
        "publisher": "eks",
        "owner": "aws",
        "namespaceConfig": {"namespace": namespace},
    }
    shape |= {key: ask[key] for key in ("configurationValues", "serviceAccountRoleArn") if ask.get(key)}
    cluster.addons[name] = Addon(shape, region.account.now())
    _set_identities(region, cluster, cluster.addons[name], wanted)
    if _conflicts(cluster, name, ask.get("resolveConflicts")):
        shape |= {"status": "CREATE_FAILED", "health": {"issues": [_conflict(name)]}}
        return {"addon": shape}
    region.account.kubernetes.install_addon(cluster.arn, AddonSpec(name, version, configuration))
    return {"addon": shape}


def describe_addon(region: EksRegion, ask: Shape) -> dict[str, Any]:
    return {"addon": _addon(region, ask)[1].shape}


def list_addons(region: EksRegion, ask: Shape) -> dict[str, Any]:
    return region.page("addons", sorted(region.cluster(ask["clusterName"]).addons), ask)


def update_addon(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """UpdateAddon: version, configuration, pod identities."""
    cluster, addon = _addon(region, ask)
    updates.refuse_second(cluster, "update the add-on", addon=addon.name)
    if addon.shape["status"] not in ("ACTIVE", "DEGRADED", "UPDATE_FAILED", "CREATE_FAILED"):
        raise refusals.in_use(
            f"Addon {addon.name} cannot be updated as it is {addon.shape['status']}", addonName=addon.name
        )
    version = ask.get("addonVersion") or addon.shape["addonVersion"]
    _check_version(cluster, addon.name, version)
    values = addon.shape.get("configurationValues")
    if ask.get("configurationValues") is not None:
        values = ask["configurationValues"]
    configuration = check_configuration(addon.name, values)
    _check_service_account_role(region, ask)
    if ask.get("podIdentityAssociations") is not None:
        _check_identities(region, cluster, _namespace(addon), ask["podIdentityAssociations"], _own(cluster, addon))
        _set_identities(region, cluster, addon, ask["podIdentityAssociations"])
    addon.shape |= {"status": "UPDATING", "addonVersion": version, "modifiedAt": region.stamp()}
    if values:
        addon.shape["configurationValues"] = values
    if ask.get("serviceAccountRoleArn"):
        addon.shape["serviceAccountRoleArn"] = ask["serviceAccountRoleArn"]
    region.account.kubernetes.install_addon(cluster.arn, AddonSpec(addon.name, version, configuration))

    def finish() -> None:
        if addon.shape["status"] == "UPDATING":
            addon.shape |= {"status": "ACTIVE", "health": {"issues": []}}

    params = {param: ask[key] for key, param in PARAMS.items() if ask.get(key) is not None}
    return updates.begin(
        region,
        cluster,
        "AddonUpdate",
        params,
        "addon-update",
        finish,
        addon=addon.name,
        is_ready=lambda: region.account.kubernetes.addon_health(cluster.arn, addon.name).ready,
    )


def delete_addon(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """DeleteAddon; with `preserve` its software stays."""
    cluster, addon = _addon(region, ask)
    if addon.shape["status"] != "DELETING":
        addon.shape["status"] = "DELETING"
        addon.changed_at = region.account.now()
        for key in _own(cluster, addon):
            del cluster.associations[key]
        if not ask.get("preserve"):
            region.account.kubernetes.remove_addon(cluster.arn, addon.name)
    return {"addon": addon.shape}


def _addon(region: EksRegion, ask: Shape) -> tuple[Cluster, Addon]:
    cluster = region.cluster(ask["clusterName"])
    if ask["addonName"] not in cluster.addons:
        raise refusals.no_addon(ask["addonName"], cluster.name)
    return cluster, cluster.addons[ask["addonName"]]


def _check_version(cluster: Cluster, name: str, version: str) -> None:
    # The words of https://github.com/aws/containers-roadmap/issues/2625 and
    # https://github.com/hashicorp/terraform-provider-aws/issues/33385
    members = {"clusterName": cluster.name, "addonName": name}
    if not versions_for(name, cluster.version):
        message = f"Addon {name} specified is not supported in {cluster.version} kubernetes version"
        raise refusals.invalid(message, **members)
    if version not in versions_for(name, cluster.version):
        raise refusals.invalid("Addon version specified is not supported", **members)


def _check_service_account_role(region: EksRegion, ask: Shape) -> None:
    arn = ask.get("serviceAccountRoleArn")
    if arn and all(role.arn != arn for role in region.iam.get_roles()):
        raise refusals.invalid(f"The role {arn} does not exist", addonName=ask["addonName"])


def _conflicts(cluster: Cluster, name: str, mode: str | None) -> bool:
    """Whether the self-managed software that EKS put there stands in the way; unset is NONE."""
    return name in SELF_MANAGED and cluster.bootstrap_addons and mode != "OVERWRITE"


def _conflict(name: str) -> Shape:
    message = f"Conflicts found when trying to apply. Will not continue due to resolve conflicts mode: {name}"
    return {"code": "ConfigurationConflict", "message": message, "resourceIds": []}


def _namespace(addon: Addon) -> str:
    return str(addon.shape["namespaceConfig"]["namespace"])


def _own(cluster: Cluster, addon: Addon) -> set[str]:
    arn = addon.shape["addonArn"]
    return {key for key, each in cluster.associations.items() if each.shape.get("ownerArn") == arn}


def _check_identities(region: EksRegion, cluster: Cluster, namespace: str, wanted: list[Shape], own: set[str]) -> None:
    for each in wanted:
        checks.pod_role(region, each["roleArn"])
        there = cluster.association(namespace, each["serviceAccount"])
        if there is not None and there.shape["associationId"] not in own:
            raise refusals.in_use(f"Association already exists: {there.shape['associationId']}")


def _set_identities(region: EksRegion, cluster: Cluster, addon: Addon, wanted: list[Shape]) -> None:
    for key in _own(cluster, addon):
        del cluster.associations[key]
    space, arn = _namespace(addon), addon.shape["addonArn"]
    made = [pod_identity.make(region, cluster, {**each, "namespace": space}, arn) for each in wanted]
    addon.shape["podIdentityAssociations"] = [each.shape["associationArn"] for each in made]


OPERATIONS = {
    "CreateAddon": create_addon,
    "DescribeAddon": describe_addon,
    "ListAddons": list_addons,
    "UpdateAddon": update_addon,
    "DeleteAddon": delete_addon,
}
