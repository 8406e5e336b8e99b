"""The rules of `access` and of the cluster's key: what EKS would refuse, and what would lock everybody out."""

from __future__ import annotations

from typing import Any

import pytest

from eksprov.config.load import parse
from eksprov.config.schema import AccessEntry
from eksprov.errors import ConfigError, Problem

ACCOUNT = "111122223333"
ADMIN = {"principal_arn": f"arn:aws:iam::{ACCOUNT}:role/admin"}
OTHER = f"arn:aws:iam::{ACCOUNT}:role/other"
KEY = f"arn:aws:kms:us-west-2:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def problems(**config: Any) -> list[Problem]:
    import yaml

    try:
        parse(yaml.safe_dump({"name": "a", **config}), "eksprov.yaml")
    except ConfigError as error:
        return list(error.problems)
    return []


def blamed(*entries: dict[str, Any]) -> list[str]:
    return [problem.path for problem in problems(access=list(entries)) if problem.level == "error"]


@pytest.mark.parametrize(
    "entry",
    [
        ADMIN,
        {**ADMIN, "policy": "AmazonEKSClusterAdminPolicy"},
        {**ADMIN, "policies": [{"policy": "AmazonEKSClusterAdminPolicy"}], "kubernetes_groups": ["ml"]},
        {**ADMIN, "policy": "AmazonEKSClusterAdminPolicy", "user_name": "ml:{{SessionName}}"},
    ],
)
def test_an_admin_of_the_whole_cluster_is_enough(entry: dict[str, Any]) -> None:
    assert blamed(entry) == []


@pytest.mark.parametrize(
    "entries",
    [
        [{**ADMIN, "policy": "AmazonEKSViewPolicy"}],
        [{**ADMIN, "namespaces": ["a"]}],
        [{**ADMIN, "kubernetes_groups": ["ml"]}],
        [{**ADMIN, "policies": [{"policy": "AmazonEKSClusterAdminPolicy", "namespaces": ["a"]}]}],
        [{**ADMIN, "type": "EC2"}],
    ],
)
def test_the_last_admin_cannot_be_written_away(entries: list[dict[str, Any]]) -> None:
    [problem] = [one for one in problems(access=entries) if one.level == "error"]
    assert problem.path == "access"
    assert "AmazonEKSClusterAdminPolicy" in problem.hint


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        ({"type": "EC2_LINUX", "kubernetes_groups": ["ml"]}, "kubernetes_groups"),
        ({"type": "FARGATE_LINUX", "user_name": "ml"}, "user_name"),
        ({"type": "EC2_LINUX", "policy": "AmazonEKSViewPolicy"}, "policy"),
        ({"type": "HYBRID_LINUX", "policies": [{"policy": "AmazonEKSViewPolicy"}]}, "policies"),
        ({"kubernetes_groups": ["system:masters"]}, "kubernetes_groups[0]"),
        ({"kubernetes_groups": ["ml", "ml"]}, "kubernetes_groups[1]"),
        ({"user_name": "aws:me"}, "user_name"),
        ({"user_name": "{{SessionName}}"}, "user_name"),
        ({"policies": [{"policy": "AmazonEKSViewPolicy"}] * 2}, "policies[1].policy"),
        ({"policy": "AmazonEKSViewPolicy", "policies": [{"policy": "AmazonEKSViewPolicy"}]}, "policies[0].policy"),
        ({"kubernetes_groups": ["ml"], "namespaces": ["a"]}, "namespaces"),
    ],
)
def test_what_eks_would_refuse_is_refused_before(entry: dict[str, Any], path: str) -> None:
    assert blamed(ADMIN, {"principal_arn": OTHER, **entry}) == [f"access[1].{path}"]


def test_nodes_have_roles_not_users() -> None:
    user = {"principal_arn": f"arn:aws:iam::{ACCOUNT}:user/ann", "type": "EC2_LINUX"}
    assert blamed(ADMIN, user) == ["access[1].principal_arn"]


def test_auto_modes_nodes_take_policies() -> None:
    policies = [{"policy": "AmazonEKSAutoNodePolicy"}]
    assert blamed(ADMIN, {"principal_arn": OTHER, "type": "EC2", "policies": policies}) == []


def test_a_sessions_arn_is_refused_with_the_roles() -> None:
    session = {"principal_arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/ml/ann@example.com"}
    [problem] = problems(access=[session])
    assert problem.path == "access[0].principal_arn"
    assert f"arn:aws:iam::{ACCOUNT}:role/ml " in problem.hint


def test_a_principal_is_listed_once() -> None:
    assert blamed(ADMIN, ADMIN) == ["access[1].principal_arn"]


def test_the_usual_policy_is_admin_only_where_nothing_else_is_given() -> None:
    assert AccessEntry(principal_arn=OTHER).is_admin
    for more in ({"kubernetes_groups": ("ml",)}, {"policies": ()}, {"type": "EC2_LINUX"}):
        entry = AccessEntry.model_validate({"principal_arn": OTHER, **more})
        assert entry.is_admin is (more == {"policies": ()})


@pytest.mark.parametrize("key", ["none", "own", KEY])
def test_a_key_may_be_none_own_or_an_arn(key: str) -> None:
    assert problems(cluster={"kms_key": key}) == []


@pytest.mark.parametrize(
    "key", ["mine", "alias/a", KEY.replace("key/", "alias/"), KEY.replace("us-west-2", "eu-west-1")]
)
def test_a_key_that_eks_would_refuse_is_refused(key: str) -> None:
    assert [one.path for one in problems(cluster={"kms_key": key})] == ["cluster.kms_key"]
