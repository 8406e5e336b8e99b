"""The models' bucket: private, TLS only, tidy; gone with everything in it, and never a stranger's."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError
from support.bench import Bench

from eksprov.core.outcome import Status
from eksprov.core.step import Outputs
from eksprov.steps.storage.bucket import Bucket

PLACE = {"LocationConstraint": "us-west-2"}


def bucket_of(bench: Bench) -> Bucket:
    step = bench.steps["bucket/models"]
    assert isinstance(step, Bucket)
    return step


@pytest.fixture
def made(bench: Bench) -> Bench:
    bench.make("bucket/models")
    return bench


def test_a_new_bucket_is_private_tls_only_tidy_and_settles(bench: Bench) -> None:
    step = bucket_of(bench)
    assert bench.make(step).status is Status.CREATED
    assert bench.calls() == [
        "CreateBucket",
        "PutPublicAccessBlock",
        "PutBucketPolicy",
        "PutBucketLifecycleConfiguration",
    ]
    s3 = bench.plain("s3")
    block = s3.get_public_access_block(Bucket=step.slug)["PublicAccessBlockConfiguration"]
    assert list(block.values()) == [True] * 4
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=step.slug)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=step.slug)["Rules"]
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert rule["Status"] == "Enabled"
    bench.settles(step)
    assert len(bench.tape.reads) == 4


@pytest.mark.parametrize(
    ("field", "operation"),
    [
        ("private", "delete_public_access_block"),
        ("tls_only", "delete_bucket_policy"),
        ("abort_days", "delete_bucket_lifecycle"),
    ],
)
def test_each_setting_comes_back(made: Bench, field: str, operation: str) -> None:
    step = bucket_of(made)
    getattr(made.plain("s3"), operation)(Bucket=step.slug)
    assert made.again(step).change.names == (field,)
    assert len(made.calls()) == 1
    made.settles(step)


def test_rules_and_statements_of_others_stay(made: Bench) -> None:
    step, s3 = bucket_of(made), made.plain("s3")
    theirs = {
        "Sid": "Theirs",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObjectAcl",
        "Resource": f"{step._arn}/*",
    }
    rule = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 1}}
    s3.put_bucket_policy(Bucket=step.slug, Policy=json.dumps({"Version": "2012-10-17", "Statement": [theirs]}))
    s3.put_bucket_lifecycle_configuration(Bucket=step.slug, LifecycleConfiguration={"Rules": [rule]})
    assert made.again(step).change.names == ("tls_only", "abort_days")
    policy = json.loads(s3.get_bucket_policy(Bucket=step.slug)["Policy"])
    assert [one["Sid"] for one in policy["Statement"]] == ["Theirs", "EksprovTlsOnly"]
    rules = s3.get_bucket_lifecycle_configuration(Bucket=step.slug)["Rules"]
    assert [one["ID"] for one in rules] == ["theirs", "eksprov-broken-uploads"]
    made.settles(step)


def test_a_rule_of_ours_that_was_switched_off_does_not_count(made: Bench) -> None:
    step, s3 = bucket_of(made), made.plain("s3")
    rules = s3.get_bucket_lifecycle_configuration(Bucket=step.slug)["Rules"]
    off = [{**rule, "Status": "Disabled"} for rule in rules]
    s3.put_bucket_lifecycle_configuration(Bucket=step.slug, LifecycleConfiguration={"Rules": off})
    assert made.again(step).change.names == ("abort_days",)
    made.settles(step)


def test_it_goes_with_every_version_of_every_object(made: Bench) -> None:
    step, s3 = bucket_of(made), made.plain("s3")
    s3.put_object(Bucket=step.slug, Key="unversioned", Body=b"0")
    s3.put_bucket_versioning(Bucket=step.slug, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2"):
        s3.put_object(Bucket=step.slug, Key="versioned", Body=body)
    s3.delete_object(Bucket=step.slug, Key="versioned")
    made.goes(step)
    assert step.slug not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]


class SmallCalls(Bucket):
    """A bucket whose objects go two by two."""

    batch = 2


def test_more_objects_than_one_call_takes_go_too(made: Bench) -> None:
    step, s3 = bucket_of(made), made.plain("s3")
    for number in range(5):
        s3.put_object(Bucket=step.slug, Key=f"k{number}", Body=b"")
    assert made.remove(SmallCalls(name=step.name, slug=step.slug)).status is Status.DELETED
    assert made.calls().count("DeleteObjects") == 3


def test_a_strangers_bucket_is_refused_even_by_a_create(bench: Bench) -> None:
    step, s3 = bucket_of(bench), bench.plain("s3")
    s3.create_bucket(Bucket=step.slug, CreateBucketConfiguration=PLACE)
    s3.put_object(Bucket=step.slug, Key="theirs", Body=b"")
    bench.is_refused(step)
    step.create(bench.aws(), step.desired(Outputs()), "token")
    assert "Contents" in s3.list_objects_v2(Bucket=step.slug)
    with pytest.raises(Exception, match="NoSuchBucketPolicy"):
        s3.get_bucket_policy(Bucket=step.slug)
    assert bench.resources(step) == []


def test_every_call_on_a_known_name_says_whose_account_it_must_be(made: Bench) -> None:
    made.again(bucket_of(made))
    assert {call.params.get("ExpectedBucketOwner") for call in made.tape.calls} == {"123456789012"}


def test_us_east_1_takes_no_location(bench: Bench) -> None:
    from dataclasses import replace

    step = bucket_of(bench)
    bench.tape.rewind()
    aws = replace(bench.aws(), region="us-east-1")
    with pytest.raises(ClientError, match="IllegalLocationConstraint"):  # said by an endpoint of another region
        step.create(aws, step.desired(Outputs()), "token")
    assert set(bench.tape.mutating[0].params["CreateBucketConfiguration"]) == {"Tags"}
