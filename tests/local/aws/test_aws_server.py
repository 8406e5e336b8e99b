"""The server: what a tool sees that is pointed at it with AWS_ENDPOINT_URL."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from support.aws_fakes import Account, FakeKubernetes

from eksprov.local.aws import hooks
from eksprov.local.aws.emulator import LocalAws
from eksprov.local.aws.server import AwsServer

ADMIN = "arn:aws:iam::123456789012:user/local-admin"


@dataclass
class Served:
    aws: Account
    world: LocalAws
    server: AwsServer

    def get(self, path: str, key: str = "secret") -> Any:
        request = urllib.request.Request(self.server.url + path, headers={"X-Eksprov-Key": key})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    world = LocalAws(FakeKubernetes(), time.time, speed=100_000.0)
    server = AwsServer(world, key="secret", control={"GET /eksprov/status": lambda: {"pid": 1}})
    server.start()
    session = boto3.Session("test", "test", region_name="us-west-2")
    yield Served(Account(session, server.url), world, server)
    server.stop()
    hooks.uninstall()


def presigned(url: str, secret: str = "test", expires: int = 60, key: str = "test") -> str:
    request = AWSRequest("GET", f"{url}/?Action=GetCallerIdentity&Version=2011-06-15", headers={"x-k8s-aws-id": "demo"})
    SigV4QueryAuth(Credentials(key, secret), "sts", "us-west-2", expires).add_auth(request)
    return str(request.url)


def fetch(url: str, **headers: str) -> tuple[int, str]:
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def test_a_presigned_identity_call_is_answered_by_sts(served: Served) -> None:
    header = {"x-k8s-aws-id": "demo"}
    status, body = fetch(presigned(served.server.url), **header)
    assert (status, ADMIN in body) == (200, True)
    assert fetch(presigned(served.server.url))[0] == 403
    assert fetch(presigned(served.server.url), **{"x-k8s-aws-id": "other"})[0] == 403
    assert fetch(presigned(served.server.url, secret="guess"), **header)[0] == 403
    assert fetch(presigned(served.server.url, key="AKIAOTHER"), **header)[0] == 403


def test_a_presigned_object_is_still_answered_by_s3(served: Served) -> None:
    served.aws.s3.create_bucket(Bucket="presigned", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    served.aws.s3.put_object(Bucket="presigned", Key="a b/c", Body=b"hello")
    url = served.aws.s3.generate_presigned_url("get_object", {"Bucket": "presigned", "Key": "a b/c"})
    assert fetch(url) == (200, "hello")


def test_a_journey_from_the_network_to_a_node_and_back(served: Served) -> None:
    aws, world = served.aws, served.world
    assert aws.sts.get_caller_identity()["Arn"] == ADMIN
    aws.eks.create_cluster(**aws.cluster_request(tags={"owner": "me"}))
    cluster = wait(lambda: aws.eks.describe_cluster(name="demo")["cluster"], "ACTIVE")
    aws.eks.create_access_entry(clusterName="demo", principalArn=ADMIN)
    assert aws.eks.list_access_entries(clusterName="demo")["accessEntries"] == [ADMIN]
    policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
    entry = {"clusterName": "demo", "principalArn": ADMIN}
    aws.eks.associate_access_policy(**entry, policyArn=policy, accessScope={"type": "cluster"})
    assert len(aws.eks.list_associated_access_policies(**entry)["associatedAccessPolicies"]) == 1
    aws.eks.create_addon(clusterName="demo", addonName="vpc-cni")
    made = aws.eks.create_nodegroup(**aws.nodegroup_request())["nodegroup"]
    names = {"clusterName": "demo", "nodegroupName": "cpu"}
    assert wait(lambda: aws.eks.describe_nodegroup(**names)["nodegroup"], "ACTIVE")["tags"] == {}
    aws.eks.tag_resource(resourceArn=made["nodegroupArn"], tags={"a": "b"})
    assert aws.eks.list_tags_for_resource(resourceArn=made["nodegroupArn"])["tags"] == {"a": "b"}
    assert world.calls.count("eks", "CreateNodegroup") == 1
    with pytest.raises(aws.eks.exceptions.ResourceInUseException):
        aws.eks.delete_cluster(name="demo")
    aws.eks.delete_nodegroup(**names)
    gone(aws.eks.exceptions.ResourceNotFoundException, aws.eks.describe_nodegroup, **names)
    aws.eks.delete_addon(clusterName="demo", addonName="vpc-cni")
    aws.eks.delete_cluster(name="demo")
    gone(aws.eks.exceptions.ResourceNotFoundException, aws.eks.describe_cluster, name="demo")
    for subnet in cluster["resourcesVpcConfig"]["subnetIds"]:
        aws.ec2.delete_subnet(SubnetId=subnet)
    aws.ec2.delete_vpc(VpcId=cluster["resourcesVpcConfig"]["vpcId"])


def test_bucket_tags_and_what_is_not_emulated_over_http(served: Served) -> None:
    where = {"LocationConstraint": "us-west-2", "Tags": [{"Key": "a", "Value": "b"}]}
    served.aws.s3.create_bucket(Bucket="tagged", CreateBucketConfiguration=where)
    assert served.aws.s3.get_bucket_tagging(Bucket="tagged")["TagSet"] == [{"Key": "a", "Value": "b"}]
    with pytest.raises(ClientError, match="does not emulate eks:ListCertificateAuthorities"):
        served.aws.eks.list_certificate_authorities(clusterName="demo")


def test_control_paths_need_the_key(served: Served) -> None:
    assert served.get("/eksprov/status") == {"pid": 1}
    assert "sts:GetCallerIdentity" in served.get("/eksprov/calls")["counts"]
    for path, key in (("/eksprov/status", "wrong"), ("/eksprov/calls", "")):
        assert fetch(served.server.url + path, **{"X-Eksprov-Key": key})[0] == 403
    assert fetch(served.server.url + "/eksprov/nothing", **{"X-Eksprov-Key": "secret"})[0] == 404
    assert fetch(served.server.url + "/moto-api/data.json")[0] == 404


def test_requests_wait_for_one_another(served: Served) -> None:
    asking = threading.Thread(target=served.aws.eks.list_clusters)
    with served.world.lock:
        asking.start()
        asking.join(0.3)
        assert asking.is_alive()
    asking.join(10)
    assert not asking.is_alive()


def test_many_at_once_do_not_tread_on_one_another(served: Served) -> None:
    results: list[str] = []

    def make() -> None:
        try:
            results.append(served.aws.role("same", "ec2.amazonaws.com"))
        except ClientError as refused:
            results.append(refused.response["Error"]["Code"])

    threads = [threading.Thread(target=make) for _ in range(12)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert results.count("EntityAlreadyExists") == 11


def wait(look: Any, wanted: str) -> Any:
    # Real time: the server's clock is the wall's, and 100,000 times faster than AWS.
    for _ in range(200):
        found = look()
        if found["status"] == wanted:
            return found
        threading.Event().wait(0.02)
    raise AssertionError(found)


def gone(missing: type[Exception], call: Any, **request: Any) -> None:
    for _ in range(200):
        try:
            call(**request)
        except missing:
            return
        threading.Event().wait(0.02)
    raise AssertionError(request)
