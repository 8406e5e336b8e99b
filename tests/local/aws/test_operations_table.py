"""The table of operations: it is what the code answers, and everything that eksprov calls is in it."""

from __future__ import annotations

from pathlib import Path

from eksprov.local.aws import hooks, operations
from eksprov.local.aws.eks.response import OPERATIONS

# botocore's name of each service of which our own code answers a part.
SERVICES = {urls.__name__.split(".")[1].replace("servicequotas", "service-quotas") for urls in hooks.CLASSES}
SERVICES |= {"pricing"}
DOCS = Path(__file__).parents[3] / "docs" / "local-aws-operations.md"


def test_the_table_in_the_docs_is_what_the_code_answers() -> None:
    assert DOCS.read_text("utf-8") == operations.table().rstrip("\n") + "\n", (
        "make it anew: python -m eksprov.local.aws.operations > docs/local-aws-operations.md"
    )


# What our own code answers though no call of it is found in eksprov's source, and why it is there all the same.
A_CLUSTER_TAKEN_OVER = "a cluster that is taken over may have them"
NEXT = "an upgrade asks them, and a forced one of somebody else's is followed"
AS_A_STRING = "the table of how tags are written names it"
OTHER_NAME = "eksprov calls it on a client that has not its service's name"
BY_TESTS = "tests of eksprov do what somebody else does"
UNCALLED = {
    "eks:DescribeCapability": A_CLUSTER_TAKEN_OVER,
    "eks:DescribeFargateProfile": A_CLUSTER_TAKEN_OVER,
    "eks:DescribeIdentityProviderConfig": A_CLUSTER_TAKEN_OVER,
    "eks:DescribeInsight": NEXT,
    "eks:DescribeInsightsRefresh": NEXT,
    "eks:ListCapabilities": A_CLUSTER_TAKEN_OVER,
    "eks:ListFargateProfiles": A_CLUSTER_TAKEN_OVER,
    "eks:ListIdentityProviderConfigs": A_CLUSTER_TAKEN_OVER,
    "eks:ListInsights": NEXT,
    "eks:ListTagsForResource": BY_TESTS,
    "eks:StartInsightsRefresh": NEXT,
    "eks:UpdateClusterVersion": NEXT,
    "cloudwatch:TagResource": AS_A_STRING,
    "kms:DisableKey": BY_TESTS,
    "service-quotas:GetAWSDefaultServiceQuota": OTHER_NAME,
    "service-quotas:GetServiceQuota": OTHER_NAME,
    "sns:ConfirmSubscription": BY_TESTS,
    "ssm:GetParameter": "else two ways of asking for one parameter would be answered differently",
    "sts:AssumeRole": BY_TESTS,
}


def test_the_local_aws_answers_nothing_that_nobody_calls() -> None:
    called = operations.called()
    here = {"eks": set(OPERATIONS)} | {service: operations.own(service) for service in SERVICES}
    uncalled = {f"{service}:{name}" for service, names in here.items() for name in names - called.get(service, set())}
    assert uncalled == set(UNCALLED)


def test_everything_that_eksprov_calls_is_found_in_its_source_and_answered() -> None:
    called = operations.called()
    assert {"CreateVpc", "DescribeSubnets", "CreateNatGateway"} <= called["ec2"]
    assert {"CreateRole", "ListRoles", "PutRolePolicy"} <= called["iam"]
    assert {"CreateAddon", "DescribeAddonVersions", "DescribeAddonConfiguration"} <= called["eks"]
    assert called["eks"] <= set(OPERATIONS) <= set(operations.operations_of("eks").values())
    absent = [(s, n) for s, names in called.items() if s != "eks" for n in names]
    assert [each for each in absent if operations.answered_by(*each) == operations.ABSENT] == []
    assert operations.answered_by("ec2", "DescribeNatGateways") == operations.OURS
    assert operations.answered_by("ec2", "DescribeVpcs") == operations.MOTO
    assert operations.answered_by("ec2", "CreateNothing") == operations.ABSENT
