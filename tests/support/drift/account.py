"""What is changed behind our back in roles, keys, buckets, repositories and log groups."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from support.drift.made import NO_RIGHTS, AnyStep, Change, Changes, Made

BLOCK = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": False, "RestrictPublicBuckets": False}


def role_trust(m: Made, step: AnyStep) -> None:
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}  # fmt: skip  # noqa: E501
    m.client("iam").update_assume_role_policy(RoleName=step.slug, PolicyDocument=json.dumps(trust))


def role_policies(m: Made, step: AnyStep) -> None:
    arn = "arn:aws:iam::aws:policy/AdministratorAccess"
    m.client("iam").attach_role_policy(RoleName=step.slug, PolicyArn=arn)


def untag_group(m: Made, step: AnyStep) -> None:
    arn = m.outputs.get(step.name, "arn")
    m.client("logs").untag_resource(
        resourceArn=arn, tagKeys=["eksprov:region", "eksprov:stack", "eksprov:stack-id", "eksprov:step"]
    )


def key(change: Callable[[Any, str], Any]) -> Change:
    return lambda m, step: change(m.client("kms"), m.id(step.name))


CHANGES: Changes = {
    ("iam-role", "trust"): role_trust,
    ("iam-role", "policies"): role_policies,
    ("iam-role", "inline"): lambda m, s: m.client("iam").delete_role_policy(RoleName=s.slug, PolicyName="eksprov"),
    ("iam-role", "description"): lambda m, s: m.client("iam").update_role(RoleName=s.slug, Description="?"),
    ("iam-role", "boundary"): "compared only where the config names one; tests/laws/test_roles.py changes it",
    ("kms-key", "policy"): key(lambda kms, key: kms.put_key_policy(KeyId=key, PolicyName="default", Policy=NO_RIGHTS)),
    ("kms-key", "rotation"): key(lambda kms, key: kms.disable_key_rotation(KeyId=key)),
    ("kms-key", "enabled"): key(lambda kms, key: kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)),
    ("kms-key", "alias"): lambda m, s: m.client("kms").delete_alias(AliasName=s.slug),
    ("bucket", "private"): lambda m, s: m.client("s3").put_public_access_block(
        Bucket=s.slug, PublicAccessBlockConfiguration=BLOCK
    ),
    ("bucket", "tls_only"): lambda m, s: m.client("s3").delete_bucket_policy(Bucket=s.slug),
    ("bucket", "abort_days"): lambda m, s: m.client("s3").delete_bucket_lifecycle(Bucket=s.slug),
    ("repository", "tag_mutability"): lambda m, s: m.client("ecr").put_image_tag_mutability(
        repositoryName=s.slug, imageTagMutability="MUTABLE"
    ),
    ("log-group", "retention_days"): lambda m, s: m.client("logs").delete_retention_policy(logGroupName=s.slug),
    ("log-group", "tagged"): untag_group,
}
