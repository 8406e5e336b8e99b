"""AssociateEncryptionConfig: a KMS key for a cluster's secrets, once and for ever.

https://docs.aws.amazon.com/eks/latest/APIReference/API_AssociateEncryptionConfig.html,
https://docs.aws.amazon.com/eks/latest/userguide/enable-kms.html: the key is symmetric, usable and in the cluster's
region, and there is no way back.
"""

from __future__ import annotations

import json
from typing import Any

from moto.kms.models import kms_backends

from eksprov.local.aws.eks import refusals, updates
from eksprov.local.aws.eks.model import Shape
from eksprov.local.aws.eks.region import EksRegion
from eksprov.local.aws.keys import ACCOUNT

SECRETS = ["secrets"]
SYMMETRIC = "SYMMETRIC_DEFAULT"


def associate_encryption_config(region: EksRegion, ask: Shape) -> dict[str, Any]:
    cluster, wanted = region.live_cluster(ask["clusterName"]), ask["encryptionConfig"]
    updates.refuse_second(cluster, "associate an encryption config")
    if cluster.shape.get("encryptionConfig"):
        raise refusals.invalid("The cluster already has an encryption config associated", clusterName=cluster.name)
    check(region, wanted, cluster.shape["roleArn"], cluster.name)

    def finish() -> None:
        cluster.shape["encryptionConfig"] = wanted
        if cluster.status == "UPDATING":
            cluster.shape["status"] = "ACTIVE"

    cluster.shape["status"] = "UPDATING"
    params = {"EncryptionConfig": json.dumps(wanted)}
    return updates.begin(region, cluster, "AssociateEncryptionConfig", params, "encryption-update", finish)


def check(region: EksRegion, wanted: list[Shape] | None, role_arn: str, cluster_name: str) -> None:
    """Refuse what is no usable encryption config, or a key that neither its own policy nor the role's gives to it.

    The words of the last refusal are AWS's: https://github.com/hashicorp/terraform-provider-aws/issues/49247.
    """
    if not wanted:
        return
    if len(wanted) != 1 or wanted[0].get("resources") != SECRETS:
        raise refusals.invalid("encryptionConfig must hold one entry, for secrets", clusterName=cluster_name)
    arn = str((wanted[0].get("provider") or {}).get("keyArn") or "")
    keys = kms_backends[ACCOUNT][region.name].keys.values()
    key = next((key for key in keys if key.arn == arn), None)
    if key is None:
        raise refusals.invalid(f"KeyArn in encryptionConfig provider not found: {arn}", clusterName=cluster_name)
    if key.key_state != "Enabled":
        raise refusals.invalid(f"The key {arn} is {key.key_state}", clusterName=cluster_name)
    if key.key_spec != SYMMETRIC:
        raise refusals.invalid(f"The key {arn} is not symmetric", clusterName=cluster_name)
    role = next((role for role in region.iam.get_roles() if role.arn == role_arn), None)
    own = [] if role is None else [str(document) for document in role.policies.values()]
    if role_arn not in str(key.policy) and not any(arn in document for document in own):
        said = f"Access denied to KMS key {arn} due to explicit deny policy or revoked grant"
        raise refusals.invalid(said, clusterName=cluster_name)


OPERATIONS = {"AssociateEncryptionConfig": associate_encryption_config}
