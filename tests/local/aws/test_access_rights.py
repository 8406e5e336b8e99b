"""Who has which rights in a cluster: policies with and without namespaces, and roles that were made again; and KMS."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError
from support.aws_fakes import Account, Scene, token

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

POLICY = "arn:aws:eks::aws:cluster-access-policy/"
TRUST = json.dumps({"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]})
WHOLE = {"eks-access-policy:AmazonEKSViewPolicy": "view"}


def let_in(aws: Account, principal: str, policy: str, *namespaces: str) -> None:
    key = {"clusterName": "demo", "principalArn": principal}
    aws.eks.create_access_entry(**key)
    scope = {"type": "namespace", "namespaces": list(namespaces)} if namespaces else {"type": "cluster"}
    aws.eks.associate_access_policy(**key, policyArn=POLICY + policy, accessScope=scope)


def session_of(aws: Account, role: str) -> tuple[str, str, str]:
    made = aws.sts.assume_role(RoleArn=role, RoleSessionName="jane")["Credentials"]
    return made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]


@pytest.fixture
def role(scene: Scene) -> str:
    scene.active_cluster()
    made: str = scene.aws.iam.create_role(RoleName="dev", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    return made


def test_a_policy_of_namespaces_is_a_group_for_each_and_kubernetes_is_told(scene: Scene, role: str) -> None:
    let_in(scene.aws, role, "AmazonEKSEditPolicy", "a", "b")
    groups = {"eks-access-policy:AmazonEKSEditPolicy:a": "edit/a", "eks-access-policy:AmazonEKSEditPolicy:b": "edit/b"}
    assert scene.kubernetes.access.items() >= (groups | WHOLE).items()
    scene.world.wall = time.time
    arn = scene.aws.eks.describe_cluster(name="demo")["cluster"]["arn"]
    found = scene.world.authenticate(arn, token(*session_of(scene.aws, role)))
    assert found is not None
    assert set(found.groups) == set(groups)
    scene.aws.eks.delete_access_entry(clusterName="demo", principalArn=role)
    assert not groups.keys() & scene.kubernetes.access.keys()
    assert scene.kubernetes.access.items() >= WHOLE.items()


def test_the_entry_of_a_role_that_was_made_again_lets_nobody_in(scene: Scene, role: str) -> None:
    let_in(scene.aws, role, "AmazonEKSViewPolicy")
    scene.world.wall = time.time
    arn = scene.aws.eks.describe_cluster(name="demo")["cluster"]["arn"]
    assert scene.world.authenticate(arn, token(*session_of(scene.aws, role))) is not None
    scene.aws.iam.delete_role(RoleName="dev")
    scene.clock.advance(60)
    again = scene.aws.iam.create_role(RoleName="dev", AssumeRolePolicyDocument=TRUST)["Role"]
    assert again["Arn"] == role
    assert scene.world.authenticate(arn, token(*session_of(scene.aws, role))) is None
    entry = scene.aws.eks.describe_access_entry(clusterName="demo", principalArn=role)["accessEntry"]
    assert again["CreateDate"] > entry["createdAt"]  # which is how it can be told
    scene.aws.eks.delete_access_entry(clusterName="demo", principalArn=role)
    let_in(scene.aws, role, "AmazonEKSViewPolicy")
    assert scene.world.authenticate(arn, token(*session_of(scene.aws, role))) is not None


def kms() -> KMSClient:
    return boto3.client("kms", "us-west-2")


def test_a_key_goes_when_its_day_has_come_and_can_be_saved_before(scene: Scene) -> None:
    client = kms()
    lost, saved = (client.create_key()["KeyMetadata"] for _ in range(2))
    for key in (lost, saved):
        answer = client.schedule_key_deletion(KeyId=key["Arn"], PendingWindowInDays=7)
        assert (answer["KeyState"], answer["PendingWindowInDays"]) == ("PendingDeletion", 7)
        with pytest.raises(ClientError, match="KMSInvalidStateException"):
            client.enable_key_rotation(KeyId=key["KeyId"])
    client.cancel_key_deletion(KeyId=saved["Arn"])
    assert client.describe_key(KeyId=saved["KeyId"])["KeyMetadata"]["KeyState"] == "Disabled"
    with pytest.raises(ClientError, match="DisabledException"):
        client.enable_key_rotation(KeyId=saved["KeyId"])
    client.enable_key(KeyId=saved["Arn"])
    scene.clock.advance(8 * 86400)
    assert client.describe_key(KeyId=saved["KeyId"])["KeyMetadata"]["KeyState"] == "Enabled"
    with pytest.raises(ClientError, match="NotFoundException"):
        client.describe_key(KeyId=lost["KeyId"])


@pytest.mark.usefixtures("scene")
def test_what_kms_would_refuse_is_refused() -> None:
    client = kms()
    key = client.create_key()["KeyMetadata"]["KeyId"]
    with pytest.raises(ClientError, match="ValidationException"):
        client.schedule_key_deletion(KeyId=key, PendingWindowInDays=6)
    with pytest.raises(ClientError, match="KMSInvalidStateException"):
        client.cancel_key_deletion(KeyId=key)
    statement = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:role/none"}, "Action": "kms:*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Resource": "*"}]})
    with pytest.raises(ClientError, match="MalformedPolicyDocumentException"):
        client.create_key(Policy=document)
    with pytest.raises(ClientError, match="MalformedPolicyDocumentException"):
        client.put_key_policy(KeyId=key, PolicyName="default", Policy=document)


@pytest.mark.usefixtures("scene")
def test_keys_and_aliases_are_listed_in_pages() -> None:
    client = kms()
    keys = sorted(client.create_key()["KeyMetadata"]["KeyId"] for _ in range(5))
    first = client.list_keys(Limit=2)
    assert (len(first["Keys"]), first["Truncated"]) == (2, True)
    pages = client.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2})
    assert sorted(key["KeyId"] for page in pages for key in page["Keys"]) == keys
    for number, key in enumerate(keys):
        client.create_alias(AliasName=f"alias/k{number}", TargetKeyId=key)
    named = client.get_paginator("list_aliases").paginate(PaginationConfig={"PageSize": 3})
    assert {f"alias/k{n}" for n in range(5)} <= {one["AliasName"] for page in named for one in page["Aliases"]}
