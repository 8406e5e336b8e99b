"""The KMS keys of the nodes' disks: whether Auto Scaling may use them.

A node group's instances are started by Auto Scaling's own role, to which a key of the customer's must be opened; else
each instance ends at once and EKS says so after 25 minutes
(https://docs.aws.amazon.com/autoscaling/ec2/userguide/key-policy-requirements-EBS-encryption.html). Where the config
names no key, the account's default for EBS counts, which may be a customer's too
(https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetEbsDefaultKmsKeyId.html). The key is somebody's: it is
read, and what it lacks is told; nothing is ever granted on it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from eksprov import errors
from eksprov.aws.faults import translated
from eksprov.aws.session import Aws, Identity
from eksprov.core.plan import Plan
from eksprov.core.step import Owner
from eksprov.preflight.facts import DiskKey, PreflightFacts, Unread
from eksprov.preflight.findings import Finding, unknown
from eksprov.preflight.key_policy import lets
from eksprov.preflight.need import groups
from eksprov.steps.absent import none_if

NAME = "disk-key"
ROLE = "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
# What EBS does with a key in the name of whoever starts the instance
# (https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html#ebs-encryption-permissions).
USE = ("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo")
GRANT = "kms:CreateGrant"
# AWS's own key, which every service may use; what EBS takes where nobody has chosen a default
# (https://docs.aws.amazon.com/cli/latest/reference/ec2/get-ebs-default-kms-key-id.html).
OWN = "alias/aws/ebs"
SYMMETRIC = "SYMMETRIC_DEFAULT"


def disk_keys(aws: Aws, identity: Identity, wanted: Mapping[str, str]) -> dict[str, DiskKey | Unread]:
    """By node group what is wrong with its key, if anything; `wanted` has each group's key, "" for the default."""
    read: dict[str, DiskKey | Unread] = {}
    for key in dict.fromkeys(wanted.values()):
        try:
            with translated(f"read {key or 'the default key of disks'}"):
                read[key] = _read(aws, identity, key or _default(aws))
        except errors.EksprovError as error:
            read[key] = Unread(error.message)
    return {group: read[key] for group, key in wanted.items()}


def _default(aws: Aws) -> str:
    return str(aws.clients.ec2.get_ebs_default_kms_key_id()["KmsKeyId"])


def _read(aws: Aws, identity: Identity, name: str) -> DiskKey:
    if name == OWN:
        return DiskKey(name)
    kms = aws.clients.kms
    found: Any = none_if(lambda: kms.describe_key(KeyId=name)["KeyMetadata"], "NotFoundException")
    if found is None:
        return DiskKey(name, "does not exist", "name a key of this region")
    arn = str(found["Arn"])
    if found.get("KeyManager") == "AWS":
        return DiskKey(arn)
    if found["KeyState"] != "Enabled":
        return DiskKey(arn, f"is {found['KeyState']}", "enable it, or name another disk_kms_key_arn")
    if found.get("KeySpec", SYMMETRIC) != SYMMETRIC:
        return DiskKey(arn, f"is {found['KeySpec']}, and EBS takes symmetric keys alone", "name a symmetric key")
    policy = json.loads(kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"])
    grants = [one for page in kms.get_paginator("list_grants").paginate(KeyId=arn) for one in page["Grants"]]
    principal = f"arn:{identity.partition}:iam::{identity.account}:{ROLE}"
    if lets(policy, grants, principal, (*USE, GRANT)):
        return DiskKey(arn)
    return DiskKey(arn, f"does not let {principal} use it, so no node could start", _cure(principal, identity, arn))


def _cure(principal: str, identity: Identity, arn: str) -> str:
    """The statements to add; in another account's key only a grant helps, which is made from this one."""
    common = {"Effect": "Allow", "Principal": {"AWS": principal}, "Resource": "*"}
    given = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    statements = [{**common, "Action": list(USE)}, {**common, "Action": GRANT, "Condition": given}]
    if arn.split(":")[4] == identity.account:
        make = f"aws iam create-service-linked-role --aws-service-name {ROLE.split('/')[2]}"
        return f"add to the key's policy: {json.dumps(statements)} (`{make}` makes the role where it is missing)"
    operations = " ".join(action.removeprefix("kms:") for action in (*USE, GRANT))
    return (
        f"make a grant: aws kms create-grant --key-id {arn} --grantee-principal {principal} --operations {operations}"
    )


def usable(plan: Plan, facts: PreflightFacts, _us: Owner) -> Iterator[Finding]:
    """A group that is made, or grows, needs its key."""
    for group in groups(plan):
        one = facts.disk_keys.get(group.name)
        if one is None or not (group.new or group.more):
            continue
        if isinstance(one, Unread):
            yield unknown(NAME, f"{group.name}: whether Auto Scaling may use the key of its disks", one.why)
        elif one.problem:
            yield Finding(NAME, "error", f"{group.name}: the key of its disks, {one.arn}, {one.problem}", one.cure)
