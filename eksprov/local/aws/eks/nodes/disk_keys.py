"""The KMS keys of instances' disks, and whether Auto Scaling may use them.

A customer's key must be opened to AWSServiceRoleForAutoScaling, by its policy or by a grant; else every instance ends
as it starts (https://docs.aws.amazon.com/autoscaling/ec2/userguide/key-policy-requirements-EBS-encryption.html).
"""

from __future__ import annotations

import json
from typing import Any

from moto.kms.models import kms_backends

from eksprov.local.aws.eks.model import Nodegroup
from eksprov.local.aws.eks.region import EksRegion
from eksprov.local.aws.iam import service_roles
from eksprov.local.aws.keys import ACCOUNT
from eksprov.local.aws.policy import allows

NEEDED = ("Decrypt", "GenerateDataKeyWithoutPlaintext", "CreateGrant")
OF_AWS = "alias/aws/"


def opens(region: EksRegion, nodegroup: Nodegroup) -> bool:
    """Whether Auto Scaling can start an instance with the disks of the template."""
    disks = [disk.get("Ebs", {}) for disk in nodegroup.template_data.get("BlockDeviceMappings", [])]
    named = {str(disk.get("KmsKeyId") or "") for disk in disks if disk.get("Encrypted") in (True, "true")}
    return all(_admits(region, name or str(region.ec2.default_kms_key_id or "")) for name in named)


def _admits(region: EksRegion, name: str) -> bool:
    backend = kms_backends[ACCOUNT][region.name]
    key = backend.keys.get(name.rsplit("/", 1)[-1])
    if not name:
        return True
    if key is None or key.key_state != "Enabled":
        return False
    if any(alias.startswith(OF_AWS) for alias in key.aliases):
        return True
    name = service_roles.NAMES[service_roles.AUTO_SCALING]
    role = next((one for one in region.iam.get_roles() if one.name == name), None)
    if role is None:
        return False
    granted = {op for grant in key.grants.values() if grant.grantee_principal == role.arn for op in grant.operations}
    document = _of(role.arn, json.loads(key.policy or '{"Statement": []}'))
    context = {"kms:grantisforawsresource": "true", "aws:principalarn": role.arn, "kms:calleraccount": ACCOUNT}
    return all(op in granted or allows([document], f"kms:{op}", key.arn, context) for op in NEEDED)


def _of(arn: str, policy: dict[str, Any]) -> str:
    """The statements of a key's policy that name the role; what is left to the account's IAM is nothing to it."""
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    mine = []
    for statement in statements:
        principal = statement.get("Principal", {})
        named = principal.get("AWS", []) if isinstance(principal, dict) else principal
        if {arn, "*"} & set([named] if isinstance(named, str) else named):
            mine.append({**statement, "Resource": "*"})
    return json.dumps({"Statement": mine})
