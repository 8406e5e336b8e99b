"""Tokens and keys: who is let in, as whom, and what a pod's role may read."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from support.aws_fakes import Account, FakeKubernetes, token

from eksprov.local.aws.emulator import LocalAws
from eksprov.local.aws.inprocess import emulated_aws

ADMIN = "arn:aws:iam::123456789012:user/local-admin"
POLICY = "arn:aws:eks::aws:cluster-access-policy/"


@dataclass
class Place:
    aws: Account
    world: LocalAws
    arn: str
    wall: list[float]

    def groups(self, token: str) -> tuple[str, ...] | None:
        found = self.world.authenticate(self.arn, token)
        return None if found is None else found.groups


@pytest.fixture
def place(session: boto3.Session) -> Iterator[Place]:
    wall = [time.time()]
    clock = [wall[0]]
    with emulated_aws(FakeKubernetes(), lambda: clock[0], wall=lambda: wall[0]) as world:
        aws = Account(session)
        aws.eks.create_cluster(**aws.cluster_request())
        clock[0] += 451
        arn = aws.eks.describe_cluster(name="demo")["cluster"]["arn"]
        yield Place(aws, world, arn, wall)


def let_in(place: Place, principal: str = ADMIN, policy: str = "AmazonEKSClusterAdminPolicy") -> None:
    entry = {"clusterName": "demo", "principalArn": principal}
    place.aws.eks.create_access_entry(**entry, kubernetesGroups=["ops"])
    place.aws.eks.associate_access_policy(**entry, policyArn=POLICY + policy, accessScope={"type": "cluster"})


def test_a_good_token_with_an_entry_gets_the_groups_of_its_policies(place: Place) -> None:
    assert place.world.authenticate(place.arn, token()) is None
    let_in(place)
    found = place.world.authenticate(place.arn, token())
    assert found is not None
    assert (found.username, found.arn, found.access_key_id) == (ADMIN, ADMIN, "test")
    assert found.groups == ("ops", "eks-access-policy:AmazonEKSClusterAdminPolicy")
    assert place.world.authenticate(place.arn + "x", token()) is None


@pytest.mark.parametrize(
    "host", ["http://localhost:1", "http://[::1]:9", "https://127.0.0.2", "http://sts.localhost:5"]
)
def test_every_loopback_host_is_taken(place: Place, host: str) -> None:
    let_in(place)
    assert place.groups(token(host=host)) is not None


@pytest.mark.parametrize(
    "wrong",
    [
        {"cluster": "other"},
        {"cluster": None},
        {"key": "AKIAUNKNOWN"},
        {"secret": "guess"},
        {"session_token": "surplus"},
        {"host": "https://sts.us-west-2.amazonaws.com"},
        {"host": "http://127.0.0.1.evil.example"},
        {"action": "ListUsers"},
    ],
)
def test_a_wrong_token_is_refused(place: Place, wrong: dict[str, Any]) -> None:
    let_in(place)
    assert place.groups(token(**wrong)) is None


@pytest.mark.parametrize("text", ["", "k8s-aws-v1.", "k8s-aws-v1.%%%", "k8s-aws-v2.aGk", "k8s-aws-v1.aGk", "x" * 9000])
def test_nonsense_is_refused(place: Place, text: str) -> None:
    let_in(place)
    assert place.groups(text) is None


def test_a_changed_url_is_refused(place: Place) -> None:
    let_in(place)
    url = base64.urlsafe_b64decode(token().removeprefix("k8s-aws-v1.") + "===").decode()
    longer = url.replace("X-Amz-Expires=60", "X-Amz-Expires=900")
    assert longer != url
    assert place.groups("k8s-aws-v1." + base64.urlsafe_b64encode(longer.encode()).decode()) is None


def test_a_token_is_good_for_a_quarter_of_an_hour_whatever_its_url_says(place: Place) -> None:
    let_in(place)
    short, long, longer = token(expires=60), token(expires=900), token(expires=901)
    assert place.groups(longer) is None
    place.wall[0] += 890
    assert None not in (place.groups(short), place.groups(long))
    place.wall[0] += 12
    assert (place.groups(short), place.groups(long)) == (None, None)


def test_a_role_session_is_its_role(place: Place) -> None:
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    role = place.aws.iam.create_role(
        RoleName="dev", Path="/team/", AssumeRolePolicyDocument=json.dumps({"Statement": [statement]})
    )["Role"]["Arn"]
    let_in(place, role, "AmazonEKSViewPolicy")
    made = place.aws.sts.assume_role(RoleArn=role, RoleSessionName="jane")["Credentials"]
    keys = (made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
    found = place.world.authenticate(place.arn, token(*keys))
    assert found is not None
    assert found.username == "arn:aws:sts::123456789012:assumed-role/dev/jane"
    assert found.groups == ("ops", "eks-access-policy:AmazonEKSViewPolicy")
    sts = boto3.session.Session(*keys, region_name="us-west-2").client("sts")
    assert sts.get_caller_identity()["Arn"] == found.arn
    place.wall[0] += 3601
    assert place.groups(token(*keys)) is None
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        sts.get_caller_identity()


def test_sts_knows_its_own_keys_only(place: Place) -> None:
    assert place.aws.sts.get_caller_identity()["Arn"] == ADMIN
    for key, secret, code in (("other", "test", "InvalidClientTokenId"), ("test", "x", "SignatureDoesNotMatch")):
        sts = boto3.client("sts", "us-west-2", aws_access_key_id=key, aws_secret_access_key=secret)
        with pytest.raises(ClientError) as refused:
            sts.get_caller_identity()
        assert refused.value.response["Error"]["Code"] == code
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert boto3.client("sts", "us-west-2").get_caller_identity()["Arn"] == ADMIN  # the environment's
    with pytest.raises(ClientError, match="AccessDenied"):
        place.aws.sts.assume_role(RoleArn="arn:aws:iam::123456789012:role/none", RoleSessionName="xx")


def make_pod(place: Place, *statements: dict[str, Any]) -> Any:
    """An S3 client with the credentials of a pod whose role has these statements."""
    role = place.aws.role("digits", "pods.eks.amazonaws.com")
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    place.aws.iam.put_role_policy(RoleName="digits", PolicyName="models", PolicyDocument=document)
    place.aws.eks.create_pod_identity_association(
        clusterName="demo", namespace="models", serviceAccount="digits", roleArn=role
    )
    found = place.world.pod_credentials(place.arn, "models", "digits", "digits-0")
    assert found is not None
    assert found.secret_access_key not in repr(found)
    keys = (found.access_key_id, found.secret_access_key, found.token)
    return boto3.session.Session(*keys, region_name="us-west-2")


def put_models(place: Place) -> None:
    place.aws.s3.create_bucket(Bucket="bbb", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    for key in ("digits/model", "other/model"):
        place.aws.s3.put_object(Bucket="bbb", Key=key, Body=b"x")


def test_a_pod_reads_what_its_role_allows_and_nothing_else(place: Place) -> None:
    put_models(place)
    pod = make_pod(
        place,
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bbb/digits/*"},
        {
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": "arn:aws:s3:::bbb",
            "Condition": {"StringLike": {"s3:prefix": "digits/*"}},
        },
    )
    s3 = pod.client("s3")
    assert s3.get_object(Bucket="bbb", Key="digits/model")["Body"].read() == b"x"
    assert s3.head_object(Bucket="bbb", Key="digits/model")["ContentLength"] == 1
    assert s3.list_objects_v2(Bucket="bbb", Prefix="digits/")["KeyCount"] == 1
    for call, request in (
        (s3.get_object, {"Bucket": "bbb", "Key": "other/model"}),
        (s3.put_object, {"Bucket": "bbb", "Key": "digits/model", "Body": b"y"}),
        (s3.delete_object, {"Bucket": "bbb", "Key": "digits/model"}),
        (s3.list_objects_v2, {"Bucket": "bbb", "Prefix": "other/"}),
        (s3.list_objects_v2, {"Bucket": "bbb"}),
        (s3.list_buckets, {}),
        (pod.client("eks").list_clusters, {}),
        (pod.client("ec2").describe_vpcs, {}),
    ):
        with pytest.raises(ClientError) as refused:
            call(**request)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403, call
        assert refused.value.response["Error"]["Code"].startswith("AccessDenied")
    with pytest.raises(ClientError, match="403"):
        s3.head_object(Bucket="bbb", Key="other/model")
    assert place.aws.s3.get_object(Bucket="bbb", Key="digits/model")["Body"].read() == b"x"


def test_a_deny_wins_and_session_tags_fill_variables(place: Place) -> None:
    put_models(place)
    pod = make_pod(
        place,
        {
            "Effect": "Allow",
            "Action": "s3:Get*",
            "Resource": "arn:aws:s3:::bbb/${aws:PrincipalTag/kubernetes-service-account}/*",
        },
        {"Effect": "Deny", "Action": "*", "Resource": "arn:aws:s3:::bbb/digits/secret"},
    )
    place.aws.s3.put_object(Bucket="bbb", Key="digits/secret", Body=b"x")
    s3 = pod.client("s3")
    assert s3.get_object(Bucket="bbb", Key="digits/model")["Body"].read() == b"x"
    for key in ("digits/secret", "other/model"):
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.get_object(Bucket="bbb", Key=key)


def test_an_attached_policy_counts_in_its_default_version(place: Place) -> None:
    put_models(place)
    s3 = make_pod(place, {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}).client("s3")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.get_object(Bucket="bbb", Key="digits/model")
    place.aws.iam.attach_role_policy(RoleName="digits", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    assert s3.get_object(Bucket="bbb", Key="digits/model")["Body"].read() == b"x"
    assert s3.list_objects_v2(Bucket="bbb")["KeyCount"] == 2


def test_a_service_account_without_association_gets_nothing(place: Place) -> None:
    assert place.world.pod_credentials(place.arn, "models", "digits", "digits-0") is None
    make_pod(place, {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    assert place.world.pod_credentials(place.arn, "else", "digits", "digits-0") is None
    assert place.world.pod_credentials("no such cluster", "models", "digits", "digits-0") is None
    place.aws.iam.delete_role_policy(RoleName="digits", PolicyName="models")
    place.aws.iam.delete_role(RoleName="digits")
    assert place.world.pod_credentials(place.arn, "models", "digits", "digits-0") is None
