"""The table of operations: it is what the code answers, and everything that eksprov calls is in it."""

from __future__ import annotations

from pathlib import Path

from eksprov.local.aws import operations
from eksprov.local.aws.eks.response import OPERATIONS

DOCS = Path(__file__).parents[3] / "docs" / "local-aws-operations.md"


def test_the_table_in_the_docs_is_what_the_code_answers() -> None:
    assert DOCS.read_text("utf-8") == operations.table().rstrip("\n") + "\n", (
        "make it anew: python -m eksprov.local.aws.operations > docs/local-aws-operations.md"
    )


def test_fifty_and_more_operations_of_eks_are_there_and_all_of_them_exist() -> None:
    known = set(operations.operations_of("eks").values())
    assert set(OPERATIONS) <= known
    assert len(OPERATIONS) >= 50


def test_everything_that_eksprov_calls_is_found_in_its_source_and_answered() -> None:
    called = operations.called()
    assert {"CreateVpc", "DescribeSubnets", "CreateNatGateway"} <= called["ec2"]
    assert {"CreateRole", "ListRoles", "PutRolePolicy"} <= called["iam"]
    assert {"CreateAddon", "DescribeAddonVersions", "DescribeAddonConfiguration"} <= called["eks"]
    assert called["eks"] <= set(OPERATIONS)
    absent = [(s, n) for s, names in called.items() if s != "eks" for n in names]
    assert [each for each in absent if operations.answered_by(*each) == operations.ABSENT] == []
    assert operations.answered_by("ec2", "DescribeNatGateways") == operations.OURS
    assert operations.answered_by("ec2", "DescribeVpcs") == operations.MOTO
    assert operations.answered_by("ec2", "CreateNothing") == operations.ABSENT
