"""The KMS key of nodes' disks: what Auto Scaling may not use is refused with the statement to add, never granted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from support.configs import with_group
from support.stage import Stage, Theatre, quick_start

from eksprov import errors
from eksprov.config.schema import Config
from eksprov.operations.commands.forecast import doctor, guard
from eksprov.operations.commands.plan import make_plan
from eksprov.operations.stack import Opened

ROLE = "arn:aws:iam::123456789012:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
ACCOUNT = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
    "Action": "kms:*",
    "Resource": "*",
}
GROUP = "node-group/workers"


def guarded(stage: Stage, config: Config) -> Opened:
    """As the command line opens it: with preflight."""
    opened = stage.opened(config)
    return replace(opened, stack=replace(opened.stack, preflight=True))


@pytest.fixture
def stage(theatre: Theatre) -> Iterator[Stage]:
    with theatre.stage() as stage:
        stage.account.plain("iam").create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com")
        yield stage


def key(stage: Stage, *statements: Any, **more: Any) -> str:
    document = json.dumps({"Version": "2012-10-17", "Statement": [ACCOUNT, *statements]})
    return str(stage.account.plain("kms").create_key(Policy=document, **more)["KeyMetadata"]["Arn"])


def found(stage: Stage, config: Config) -> list[tuple[str, str, str]]:
    opened = guarded(stage, config)
    every = doctor(opened, make_plan(opened)).listed
    return [(one.level, one.message, one.cure) for one in every if one.name == "disk-key"]


def named(arn: str) -> Config:
    return with_group(quick_start(), disk_kms_key_arn=arn)


def statements(cure: str) -> list[Any]:
    return list(json.loads(re.search(r"\[.*\]", cure)[0]))  # type: ignore[index]  # it is there


def test_a_key_that_keeps_auto_scaling_out_is_refused_before_anything_is_made_and_the_cure_cures(stage: Stage) -> None:
    arn = key(stage)
    config = named(arn)
    with pytest.raises(errors.ProvisioningError, match="disk-key") as caught:
        guard(guarded(stage, config))
    assert ROLE in str(caught.value)
    assert stage.tape.mutating == []
    ((level, message, cure),) = found(stage, config)
    assert (level, arn in message) == ("error", True)
    report = stage.provision(config)  # without preflight: what AWS does
    assert "NodeCreationFailure" in next(o.message for o in report.outcomes if o.name == GROUP)
    policy = json.dumps({"Version": "2012-10-17", "Statement": [ACCOUNT, *statements(cure)]})
    stage.account.plain("kms").put_key_policy(KeyId=arn, PolicyName="default", Policy=policy)
    assert found(stage, config) == []
    assert stage.provision(config).ok
    assert "CreateGrant" not in [call.operation for call in stage.tape.mutating]


def test_a_grant_serves_as_well(stage: Stage) -> None:
    arn = key(stage)
    operations: Any = [
        *("Decrypt", "DescribeKey", "GenerateDataKeyWithoutPlaintext"),
        *("ReEncryptFrom", "ReEncryptTo", "CreateGrant"),
    ]
    stage.account.plain("kms").create_grant(KeyId=arn, GranteePrincipal=ROLE, Operations=operations[:-1])
    assert found(stage, named(arn))
    stage.account.plain("kms").create_grant(KeyId=arn, GranteePrincipal=ROLE, Operations=operations)
    assert found(stage, named(arn)) == []
    assert stage.provision(named(arn)).ok


def test_the_accounts_default_key_counts_where_the_config_names_none(stage: Stage) -> None:
    assert found(stage, quick_start()) == []  # AWS's own
    arn = key(stage)
    stage.account.plain("ec2").modify_ebs_default_kms_key_id(KmsKeyId=arn)
    ((level, message, _),) = found(stage, quick_start())
    assert (level, arn in message) == ("error", True)
    assert not stage.provision().ok


def test_keys_that_could_never_serve_are_told_with_what_is_wrong(stage: Stage) -> None:
    kms = stage.account.plain("kms")
    off, going = key(stage), key(stage)
    kms.disable_key(KeyId=off)
    kms.schedule_key_deletion(KeyId=going, PendingWindowInDays=7)
    for arn, said in (
        (off, "Disabled"),
        (going, "PendingDeletion"),
        (key(stage, KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT"), "symmetric"),
        (re.sub(r"[^/]+$", "1234abcd-12ab-34cd-56ef-1234567890ab", off), "does not exist"),
    ):
        ((level, message, cure),) = found(stage, named(arn))
        assert (level, said in message, bool(cure)) == ("error", True, True), message


@pytest.mark.parametrize(
    ("principal", "action", "condition", "serves"),
    [
        ({"AWS": ROLE}, "kms:*", {}, True),
        ({"AWS": [ROLE]}, ["kms:Decrypt", "kms:DescribeKey"], {}, False),
        ("*", "kms:*", {"StringEquals": {"kms:CallerAccount": "123456789012"}}, True),
        ({"AWS": "*"}, "kms:*", {"ArnLike": {"aws:PrincipalArn": ROLE[:40] + "*"}}, True),
        ({"AWS": "*"}, "kms:*", {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/other"}}, False),
        ({"Service": "autoscaling.amazonaws.com"}, "kms:*", {}, False),
    ],
)
def test_what_a_policy_says_is_read_as_kms_reads_it(
    stage: Stage, principal: Any, action: Any, condition: Any, serves: bool
) -> None:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*", "Condition": condition}
    arn = key(stage, statement)
    assert (found(stage, named(arn)) == []) == serves
    assert stage.provision(named(arn)).ok == serves  # the emulated KMS reads it by itself


def test_a_deny_wins(stage: Stage) -> None:
    allow = {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "kms:*", "Resource": "*"}
    assert found(stage, named(key(stage, allow, {**allow, "Effect": "Deny", "Action": "kms:CreateGrant"})))


def test_a_key_that_may_not_be_read_is_said_and_stops_nothing(stage: Stage) -> None:
    config = named(key(stage))
    opened = guarded(stage, config)
    plan = make_plan(opened)
    stage.tape.refuse("GetKeyPolicy", "AccessDeniedException", "not authorized to perform kms:GetKeyPolicy")
    levels = [one.level for one in doctor(opened, plan).listed if one.name == "disk-key"]
    assert levels == ["warning"]
