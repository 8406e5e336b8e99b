"""An IAM role: exactly the trust, policies and description of the config, whatever others did to it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from support.bench import Bench

from eksprov import errors
from eksprov.core.outcome import Status
from eksprov.core.step import Outputs
from eksprov.steps.identity.iam_role import LONGEST, IamRole, role_name
from eksprov.steps.identity.policy_json import canonical
from eksprov.steps.identity.roles import model_role, stack_roles
from eksprov.steps.settled import Settled

CLUSTER_POLICY = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
FOREIGN_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)
CHOICES = Settled("123456789012", "aws", "us-west-2", "1.36", "1.36", ())


def role_of(bench: Bench) -> IamRole:
    step = bench.steps["role/cluster"]
    assert isinstance(step, IamRole)
    return step


def test_a_new_role_has_path_tags_trust_and_policies_and_settles(bench: Bench) -> None:
    step = role_of(bench)
    assert bench.make(step).status is Status.CREATED
    assert bench.calls() == ["CreateRole", "AttachRolePolicy"]
    role = bench.plain("iam").get_role(RoleName=step.slug)["Role"]
    tags = {tag["Key"]: tag["Value"] for tag in role["Tags"]}
    statement = role["AssumeRolePolicyDocument"]["Statement"]
    statement = statement[0] if isinstance(statement, list) else statement
    assert role["Path"] == "/eksprov/"
    assert tags["eksprov:stack"] == bench.us.stack
    assert tags["eksprov:stack-id"] == bench.us.stack_id
    assert sorted(statement["Action"]) == ["sts:AssumeRole", "sts:TagSession"]
    assert statement["Principal"] == {"Service": "eks.amazonaws.com"}
    bench.settles(step)
    assert len(bench.tape.reads) == 2


@pytest.mark.parametrize(
    ("field", "drift"),
    [
        ("trust", lambda iam, name: iam.update_assume_role_policy(RoleName=name, PolicyDocument=FOREIGN_TRUST)),
        ("policies", lambda iam, name: iam.detach_role_policy(RoleName=name, PolicyArn=CLUSTER_POLICY)),
        ("policies", lambda iam, name: iam.attach_role_policy(RoleName=name, PolicyArn=READ_ONLY)),
        ("description", lambda iam, name: iam.update_role(RoleName=name, Description="mine now")),
    ],
)
def test_drift_is_taken_back(bench: Bench, field: str, drift: object) -> None:
    step = role_of(bench)
    bench.make(step)
    iam = bench.plain("iam")
    before = (iam.get_role(RoleName=step.slug), iam.list_attached_role_policies(RoleName=step.slug))
    drift(iam, step.slug)  # type: ignore[operator]  # a lambda of the table above
    outcome = bench.again(step)
    assert outcome.status is Status.UPDATED
    assert outcome.change.names == (field,)
    after = (iam.get_role(RoleName=step.slug), iam.list_attached_role_policies(RoleName=step.slug))
    for reading in (*before, *after):
        reading.pop("ResponseMetadata")
    assert after == before
    bench.settles(step)


def test_a_models_role_reads_its_prefix_alone_and_drift_of_its_policy_is_taken_back(bench: Bench) -> None:
    step = model_role(bench.us.stack, CHOICES, "digits", "a-bucket")
    bench.make(step)
    iam = bench.plain("iam")
    document = iam.get_role_policy(RoleName=step.slug, PolicyName="eksprov")["PolicyDocument"]
    resources = {one["Action"]: one["Resource"] for one in document["Statement"]}
    assert resources == {
        "s3:GetObject": "arn:aws:s3:::a-bucket/models/digits/*",
        "s3:ListBucket": "arn:aws:s3:::a-bucket",
    }
    bench.settles(step)
    changes: tuple[Callable[[], object], ...] = (
        lambda: iam.delete_role_policy(RoleName=step.slug, PolicyName="eksprov"),
        lambda: iam.put_role_policy(RoleName=step.slug, PolicyName="eksprov", PolicyDocument=FOREIGN_RIGHTS),
    )
    for change in changes:
        change()
        assert bench.again(step).change.names == ("inline",)
        assert iam.get_role_policy(RoleName=step.slug, PolicyName="eksprov")["PolicyDocument"] == document


FOREIGN_RIGHTS = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
)


def test_a_role_goes_with_everything_that_others_attached(bench: Bench) -> None:
    step = role_of(bench)
    bench.make(step)
    iam = bench.plain("iam")
    iam.attach_role_policy(RoleName=step.slug, PolicyArn=READ_ONLY)
    iam.put_role_policy(RoleName=step.slug, PolicyName="theirs", PolicyDocument=FOREIGN_RIGHTS)
    bench.goes(step)


def test_inline_policies_of_others_are_left_alone(bench: Bench) -> None:
    step = role_of(bench)
    bench.make(step)
    bench.plain("iam").put_role_policy(RoleName=step.slug, PolicyName="theirs", PolicyDocument=FOREIGN_RIGHTS)
    bench.settles(step)


def test_a_strangers_role_is_refused_and_untouched_even_by_a_create(bench: Bench) -> None:
    step, iam = role_of(bench), bench.plain("iam")
    iam.create_role(RoleName=step.slug, AssumeRolePolicyDocument=FOREIGN_TRUST)
    bench.is_refused(step)
    step.create(bench.aws(), step.desired(Outputs()), "token")
    assert iam.list_attached_role_policies(RoleName=step.slug)["AttachedPolicies"] == []
    assert bench.resources(step) == []


def test_our_own_half_made_role_is_completed(bench: Bench) -> None:
    step, iam = role_of(bench), bench.plain("iam")
    tags = [{"Key": key, "Value": value} for key, value in bench.aws().tags(step.name).items()]
    iam.create_role(RoleName=step.slug, AssumeRolePolicyDocument=FOREIGN_TRUST, Tags=tags)
    step.create(bench.aws(), step.desired(Outputs()), "token")
    attached = iam.list_attached_role_policies(RoleName=step.slug)["AttachedPolicies"]
    assert [policy["PolicyArn"] for policy in attached] == [CLUSTER_POLICY]


def test_an_access_error_says_which_action_is_missing(bench: Bench) -> None:
    from eksprov.aws.faults import translated

    step = role_of(bench)
    bench.tape.rewind()
    aws = bench.aws()
    bench.tape.refuse("GetRole", "AccessDenied", "not authorized")
    with pytest.raises(errors.AccessError, match="GetRole"), translated("look"):
        step.discover(aws)


def test_documents_that_mean_the_same_are_the_same_text() -> None:
    one = {"Statement": [{"Action": ["b", "a"], "Effect": "Allow"}], "Version": "1"}
    other = json.dumps({"Version": "1", "Statement": {"Effect": "Allow", "Action": ["a", "b"]}})
    assert canonical(one) == canonical(other)
    assert canonical(one) != canonical({"Statement": {"Action": "a", "Effect": "Allow"}, "Version": "1"})


def test_role_names_fit_iam_and_stay_apart() -> None:
    long = [role_name("a" * 28, "ap-southeast-2", f"model-{'m' * 27}{last}") for last in "xy"]
    assert all(len(name) <= LONGEST for name in long)
    assert long[0] != long[1]
    assert role_name("demo", "us-west-2", "cluster") == "demo-us-west-2-cluster"


def test_the_clusters_role_is_never_the_nodes_and_nodes_have_no_cni_rights() -> None:
    cluster, node, cni = stack_roles("demo", CHOICES)
    assert len({cluster.slug, node.slug, cni.slug}) == 3
    assert not any("CNI" in arn for arn in node.policies)
    assert cni.service == "pods.eks.amazonaws.com"


@pytest.mark.parametrize(
    ("partition", "ec2"), [("aws-cn", "ec2.amazonaws.com.cn"), ("aws-us-gov", "ec2.amazonaws.com")]
)
def test_roles_follow_the_partition(partition: str, ec2: str) -> None:
    from dataclasses import replace

    _, node, _ = stack_roles("demo", replace(CHOICES, partition=partition))
    assert node.service == ec2
    assert all(arn.startswith(f"arn:{partition}:iam::aws:policy/") for arn in node.policies)
