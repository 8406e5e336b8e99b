"""OIDC identity providers of a cluster: people who log in elsewhere. They are kept and shown; no token is ever checked.

https://docs.aws.amazon.com/eks/latest/userguide/authenticate-oidc-identity-provider.html: one provider a cluster, over
https, and group and user names must not begin with `system:`.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from eksprov.local.aws.eks import refusals, updates
from eksprov.local.aws.eks.model import Cluster, Part, Shape
from eksprov.local.aws.eks.region import EksRegion

OIDC = "oidc"
KEPT = ("usernameClaim", "usernamePrefix", "groupsClaim", "groupsPrefix", "requiredClaims")


def associate(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """AssociateIdentityProviderConfig."""
    cluster, oidc = region.live_cluster(ask["clusterName"]), ask["oidc"]
    name = oidc["identityProviderConfigName"]
    if cluster.identity_providers:
        there = next(iter(cluster.identity_providers))
        raise refusals.in_use(f"Identity provider config is already associated: {there}", clusterName=cluster.name)
    if not str(oidc["issuerUrl"]).startswith("https://"):
        raise refusals.invalid("issuerUrl must begin with https://", clusterName=cluster.name)
    if any(str(oidc.get(key) or "").startswith("system:") for key in ("usernamePrefix", "groupsPrefix")):
        raise refusals.invalid("A prefix must not begin with system:", clusterName=cluster.name)
    updates.refuse_second(cluster, "associate an identity provider config")
    tags = dict(ask.get("tags") or {})
    shape: Shape = {
        "identityProviderConfigName": name,
        "identityProviderConfigArn": region.arn("identityproviderconfig", cluster.name, OIDC, name, str(uuid.uuid4())),
        "clusterName": cluster.name,
        "issuerUrl": oidc["issuerUrl"],
        "clientId": oidc["clientId"],
        "tags": tags,
        "status": "CREATING",
        **{key: oidc[key] for key in KEPT if oidc.get(key)},
    }
    part = Part(shape, region.world.now())
    cluster.identity_providers[name] = part

    def finish() -> None:
        shape["status"] = "ACTIVE"

    params = {"IdentityProviderConfig": json.dumps([{"type": OIDC, "name": name}])}
    kind = "AssociateIdentityProviderConfig"
    return {**updates.begin(region, cluster, kind, params, "identity-provider-update", finish), "tags": tags}


def describe(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """DescribeIdentityProviderConfig."""
    return {"identityProviderConfig": {OIDC: _provider(region, ask)[1].shape}}


def list_providers(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """ListIdentityProviderConfigs."""
    names = sorted(region.cluster(ask["clusterName"]).identity_providers)
    return region.page("identityProviderConfigs", [{"type": OIDC, "name": name} for name in names], ask)


def disassociate(region: EksRegion, ask: Shape) -> dict[str, Any]:
    """DisassociateIdentityProviderConfig."""
    cluster, part = _provider(region, ask)
    name = str(part.shape["identityProviderConfigName"])
    updates.refuse_second(cluster, "disassociate an identity provider config")
    part.shape["status"] = "DELETING"

    def finish() -> None:
        cluster.identity_providers.pop(name, None)

    params = {"IdentityProviderConfig": json.dumps([{"type": OIDC, "name": name}])}
    kind = "DisassociateIdentityProviderConfig"
    return updates.begin(region, cluster, kind, params, "identity-provider-update", finish)


def _provider(region: EksRegion, ask: Shape) -> tuple[Cluster, Part]:
    cluster, wanted = region.cluster(ask["clusterName"]), ask["identityProviderConfig"]
    if wanted["type"] != OIDC:
        raise refusals.invalid(f"Identity provider config type {wanted['type']} is not supported")
    if wanted["name"] not in cluster.identity_providers:
        raise refusals.not_found(f"Identity provider config is not associated with cluster {cluster.name}")
    return cluster, cluster.identity_providers[wanted["name"]]


OPERATIONS = {
    "AssociateIdentityProviderConfig": associate,
    "DescribeIdentityProviderConfig": describe,
    "ListIdentityProviderConfigs": list_providers,
    "DisassociateIdentityProviderConfig": disassociate,
}
