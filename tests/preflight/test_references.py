"""What the config names is looked up before the first create; and no key of the schema escapes the table."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from pydantic import BaseModel
from support.configs import changed, with_group
from support.stage import Stage, quick_start

from eksprov import errors
from eksprov.config.schema import Config
from eksprov.config.schema.preflight import FindingName
from eksprov.core.names import is_models
from eksprov.operations.commands.forecast import doctor, forecast
from eksprov.operations.commands.plan import make_plan
from eksprov.operations.commands.provision import Report, provision
from eksprov.operations.stack import Opened
from eksprov.preflight.references import CHOSEN, ELSEWHERE, LOOK_UPS
from eksprov.steps.identity.iam_role import trust_document

ACCOUNT, HERE = "123456789012", "us-west-2"
SSO = "AWSReservedSSO_Admin_0123456789abcdef"
SSO_PATH = "/aws-reserved/sso.amazonaws.com/"
NO_KEY = f"arn:aws:kms:{HERE}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def guarded(stage: Stage, config: Config) -> Opened:
    """The stack as the command line opens it: with preflight, and without a model."""
    opened = stage.opened(config)
    steps = tuple(step for step in opened.steps if not is_models(step.name))
    return replace(opened, steps=steps, stack=replace(opened.stack, preflight=True))


def run(stage: Stage, config: Config) -> Report:
    opened = guarded(stage, config)
    stage.tape.rewind()
    return provision(opened)


def strings(kind: Any, path: str) -> Iterator[str]:
    """The keys of a schema under which free text stands, as the table writes them."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        yield from strings(arguments[0], path)
    elif origin in (Union, types.UnionType):
        for each in arguments:
            yield from strings(each, path)
    elif origin is tuple:
        yield from strings(arguments[0], f"{path}[]")
    elif origin is dict:
        yield from strings(arguments[1], f"{path}{{}}")
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            yield from strings(field.annotation, f"{path}.{name}".lstrip("."))
    elif kind is str:
        yield path
    else:
        assert kind in (int, float, bool, type(None), Any) or origin is Literal, (path, kind)


def test_every_key_of_the_schema_that_holds_text_is_looked_up_or_said_to_be_free() -> None:
    every = set(strings(Config, ""))
    told = [set(LOOK_UPS), set(ELSEWHERE), set(CHOSEN)]
    assert set.union(*told) == every
    assert sum(map(len, told)) == len(every), "a key stands in two tables"


def test_every_look_up_has_a_name_that_the_config_may_suppress() -> None:
    assert {each.name for each in LOOK_UPS.values()} <= set(get_args(FindingName))


def role(stage: Stage, name: str, path: str = "/") -> str:
    trust = trust_document("ec2.amazonaws.com", ["sts:AssumeRole"])
    made = stage.account.plain("iam").create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=trust)
    return str(made["Role"]["Arn"])


def sso(stage: Stage) -> Config:
    role(stage, SSO, SSO_PATH)
    return entry(f"arn:aws:iam::{ACCOUNT}:role/{SSO}")


def entry(principal: str) -> Config:
    return changed(quick_start(), access=[{"principal_arn": principal}])


def key_in(stage: Stage, region: str, **more: Any) -> str:
    import boto3

    kms = boto3.Session("testing", "testing", region_name=region).client("kms") if region != HERE else None
    return str((kms or stage.account.plain("kms")).create_key(**more)["KeyMetadata"]["Arn"])


def disabled_key(stage: Stage) -> Config:
    arn = key_in(stage, HERE)
    stage.account.plain("kms").disable_key(KeyId=arn)
    return with_group(quick_start(), disk_kms_key_arn=arn)


def open_key(stage: Stage) -> str:
    """A key that Auto Scaling's service-linked role may use; without that role nobody could name it in a policy."""
    slr = stage.account.plain("iam").create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com")
    both = {"AWS": [f"arn:aws:iam::{ACCOUNT}:root", slr["Role"]["Arn"]]}
    statement = {"Effect": "Allow", "Principal": both, "Action": "kms:*", "Resource": "*"}
    return key_in(stage, HERE, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def addon(**more: Any) -> Config:
    return changed(quick_start(), addons=[{"name": "aws-ebs-csi-driver", **more}])


def monitoring(topic: str) -> Config:
    return changed(quick_start(), monitoring={"alarms": True, "alarm_topic_arn": topic})


def pool(**more: Any) -> Config:
    return changed(quick_start(), autoscaler="karpenter", node_pools=[{"name": "general", **more}])


NOBODY = f"arn:aws:iam::{ACCOUNT}:role/nobody"


def rsa(stage: Stage) -> Config:
    arn = key_in(stage, HERE, KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    return changed(quick_start(), cluster={"kms_key": arn})


def disk_key(stage: Stage) -> Config:
    return with_group(quick_start(), disk_kms_key_arn=key_in(stage, "us-east-1"))


def mount(_: Stage) -> Config:
    return changed(quick_start(), addons=[{"name": "aws-mountpoint-s3-csi-driver", "s3_buckets": ["our-data"]}])


WITH_PATH = f"write arn:aws:iam::{ACCOUNT}:role{SSO_PATH}{SSO}"
PODS = "addons[0].pod_identity_roles.ebs-csi-controller-sa"
# Key, finding and words of it, and the config that has the mistake.
MISTAKES: dict[str, tuple[str, str, str, Any]] = {
    "an SSO role without its path": ("access[].principal_arn", "principal", WITH_PATH, sso),
    "no such role": ("access[].principal_arn", "principal", "there is no role 'nobody'", lambda _: entry(NOBODY)),
    "no such user": (
        "access[].principal_arn",
        "principal",
        "there is no user 'ann'",
        lambda _: entry(f"arn:aws:iam::{ACCOUNT}:user/ann"),
    ),
    "another account's role": (
        "access[].principal_arn",
        "principal",
        "is of account 999999999999",
        lambda _: entry("arn:aws:iam::999999999999:role/x"),
    ),
    "a disk key of another region": ("node_groups[].disk_kms_key_arn", "kms-key", "lies in us-east-1", disk_key),
    "a disabled disk key": ("node_groups[].disk_kms_key_arn", "kms-key", "is Disabled", disabled_key),
    "no such cluster key": (
        "cluster.kms_key",
        "kms-key",
        "there is no key",
        lambda _: changed(quick_start(), cluster={"kms_key": NO_KEY}),
    ),
    "a key that is not symmetric": ("cluster.kms_key", "kms-key", "not symmetric", rsa),
    "a release of another Kubernetes": (
        "node_groups[].release_version",
        "node-release",
        "is of Kubernetes 1.33",
        lambda _: with_group(quick_start(), release_version="1.33.2-20260801"),
    ),
    "a release that never was": (
        "node_groups[].release_version",
        "node-release",
        "has published no node image v20991231",
        lambda _: with_group(quick_start(), release_version="1.36.0-20991231"),
    ),
    "a release of Bottlerocket for AL2023": (
        "node_groups[].release_version",
        "node-release",
        "is no release of the image AL2023",
        lambda _: with_group(quick_start(), release_version="1.30.0-1a2b3c4d"),
    ),
    "a pool's release that never was": (
        "node_pools[].ami_version",
        "node-release",
        "v20991231",
        lambda _: pool(ami_version="v20991231"),
    ),
    "a pool's zone of another region": (
        "node_pools[].zone_ids[]",
        "zone",
        "us-west-2 has no zone use1-az1",
        lambda _: pool(zone_ids=["use1-az1"]),
    ),
    "no such endpoint service": (
        "network.endpoints[]",
        "endpoint-service",
        "there is no endpoint service com.amazonaws.us-west-2.sqss",
        lambda _: changed(quick_start(), network={"endpoints": ["sqss"]}),
    ),
    "no such role of an add-on": (
        "addons[].pod_identity_roles{}",
        "principal",
        PODS,
        lambda _: addon(pod_identity_roles={"ebs-csi-controller-sa": NOBODY}),
    ),
    "no such IRSA role": (
        "addons[].service_account_role_arn",
        "principal",
        "there is no role 'nobody'",
        lambda _: addon(service_account_role_arn=NOBODY),
    ),
    "no such bucket": ("addons[].s3_buckets[]", "s3-bucket", "there is no bucket 'our-data'", mount),
    "a topic of another region": (
        "monitoring.alarm_topic_arn",
        "sns-topic",
        "lies in us-east-1",
        lambda _: monitoring(f"arn:aws:sns:us-east-1:{ACCOUNT}:ops"),
    ),
    "no such topic": (
        "monitoring.alarm_topic_arn",
        "sns-topic",
        "there is no topic",
        lambda _: monitoring(f"arn:aws:sns:{HERE}:{ACCOUNT}:ops"),
    ),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_stops_a_run_before_its_first_create_and_is_in_plan_and_doctor(stage: Stage, what: str) -> None:
    _, name, words, make = MISTAKES[what]
    config = make(stage)
    before = stage.world()
    with pytest.raises(errors.ProvisioningError) as refused:
        run(stage, config)
    assert f"{name}: " in refused.value.message
    assert words in refused.value.message
    assert stage.tape.mutating == []
    assert stage.world() == before
    opened = guarded(stage, config)
    plan = make_plan(opened)
    for found in (doctor(opened, plan), forecast(opened, plan).findings):
        assert [one.cure for one in found.errors if one.name == name and words in f"{one.message} {one.cure}"]


def test_every_look_up_is_tried_with_a_mistake() -> None:
    warned = {"network.exclude_zone_ids[]"}
    assert {key for key, *_ in MISTAKES.values()} | warned == set(LOOK_UPS)


def test_a_zone_of_elsewhere_that_is_never_to_be_used_is_only_warned_about(stage: Stage) -> None:
    opened = guarded(stage, changed(quick_start(), network={"exclude_zone_ids": ["use1-az1"]}))
    (found,) = [one for one in doctor(opened, make_plan(opened)).listed if one.name == "zone"]
    assert (found.level, "use1-az1" in found.message) == ("warning", True)


def test_what_is_right_is_let_through(stage: Stage) -> None:
    arn, user = role(stage, SSO, SSO_PATH), stage.account.plain("iam").create_user(UserName="ann", Path="/team/")
    topic = stage.account.plain("sns").create_topic(Name="ops")["TopicArn"]
    stage.account.plain("s3").create_bucket(Bucket="our-data", CreateBucketConfiguration={"LocationConstraint": HERE})
    config = changed(
        with_group(quick_start(), release_version="1.36.0-20260801", disk_kms_key_arn=open_key(stage)),
        access=[{"principal_arn": arn}, {"principal_arn": user["User"]["Arn"]}],
        addons=[{"name": "aws-mountpoint-s3-csi-driver", "s3_buckets": ["our-data"]}],
        monitoring={"alarms": True, "alarm_topic_arn": topic},
        network={"endpoints": ["sqs"], "exclude_zone_ids": ["usw2-az4"]},
    )
    opened = guarded(stage, config)
    assert not doctor(opened, make_plan(opened)).errors
    assert run(stage, config).ok
    stage.tape.rewind()
    assert run(stage, config).ok
    asked = {call.operation for call in stage.tape.calls}
    assert not asked & {"DescribeKey", "GetTopicAttributes", "GetParameters", "HeadBucket"}


def test_what_may_not_be_looked_up_is_said_and_stops_nothing(stage: Stage) -> None:
    config = entry(role(stage, "admin"))
    opened = guarded(stage, config)
    plan = make_plan(opened)
    stage.tape.rewind()
    stage.tape.refuse("GetRole", "AccessDenied", "no GetRole", times=1)
    found = doctor(opened, plan)
    assert [one.known for one in found.listed if one.name == "principal"] == [False]
    assert not found.errors


def test_an_access_entry_of_a_role_that_has_gone_since_is_no_error_of_a_run_that_changes_something_else(
    stage: Stage,
) -> None:
    config = entry(role(stage, "admin"))
    assert run(stage, config).ok
    stage.account.plain("iam").delete_role(RoleName="admin")
    opened = guarded(stage, changed(config, cluster={"support_type": "EXTENDED"}))
    plan = make_plan(opened)
    assert not forecast(opened, plan).findings.errors
    assert [one.level for one in doctor(opened, plan).listed if one.name == "principal"] == ["warning"]


def test_a_misspelt_add_on_is_refused_before_anything_is_made(stage: Stage) -> None:
    with pytest.raises(errors.ConfigError) as refused:
        run(stage, changed(quick_start(), addons=[{"name": "aws-ebs-csi-drivers"}]))
    assert "addons[0].name" in str(refused.value)
    assert stage.tape.mutating == []
