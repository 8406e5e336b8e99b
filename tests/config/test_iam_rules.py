"""What can be said of `iam` before AWS is asked."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from eksprov.config.check import check
from eksprov.config.load import parse
from eksprov.config.schema import Config
from eksprov.config.template import json_schema, template
from eksprov.errors import ConfigError

HERE, THERE = "arn:aws:iam::111122223333", "arn:aws:iam::999988887777"
GROUP = {"name": "g", "instance_types": ["m7i.large"]}


def config(**more: Any) -> Config:
    return Config.model_validate_json(json.dumps({"name": "demo", "node_groups": [GROUP], **more}))


def said(roles: dict[str, str] | None = None, **more: Any) -> list[tuple[str, str]]:
    """Level and path of each finding."""
    iam = {"roles": roles or {}, **more.pop("iam", {})}
    return [(problem.level, problem.path) for problem in check(config(iam=iam, **more))]


def refused(**iam: Any) -> list[tuple[str, str]]:
    """Path and message of what the schema refuses."""
    with pytest.raises(ConfigError) as raised:
        parse(yaml.safe_dump({"name": "demo", "iam": iam}))
    return [(problem.path, problem.message) for problem in raised.value.problems]


@pytest.mark.parametrize(
    ("key", "useless", "useful"),
    [
        ("node", {"node_groups": [], "autoscaler": "auto-mode"}, {}),
        ("auto_node", {}, {"autoscaler": "auto-mode"}),
        ("vpc_cni", {"node_groups": [], "autoscaler": "auto-mode"}, {}),
        ("cluster_autoscaler", {"autoscaler": "karpenter"}, {"autoscaler": "cluster-autoscaler"}),
        ("karpenter", {"autoscaler": "cluster-autoscaler"}, {"autoscaler": "karpenter"}),
    ],
)
def test_a_role_that_nothing_uses_is_a_warning(key: str, useless: dict[str, Any], useful: dict[str, Any]) -> None:
    place = ("warning", f"iam.roles.{key}")
    assert place in said({key: f"{HERE}:role/some"}, **useless)
    assert place not in said({key: f"{HERE}:role/some"}, **useful)


@pytest.mark.parametrize("arn", [f"{HERE}:user/someone", f"{HERE}:role/", "some-role", f"{HERE}:policy/x"])
def test_what_is_no_role_is_refused_where_it_stands(arn: str) -> None:
    [(path, message)] = refused(roles={"cluster": arn})
    assert path == "iam.roles.cluster"
    assert "the ARN of an IAM role" in message


@pytest.mark.parametrize("path", ["teams/", "/teams", "", "/te*ms/", "/te ams/", f"/{'a' * 511}/", "//"])
def test_a_path_is_one_of_iams(path: str) -> None:
    assert [place for place, _ in refused(role_path=path)] == ["iam.role_path"]


@pytest.mark.parametrize("path", ["/", "/teams/ml/", "/a/", f"/{'a' * 510}/"])
def test_any_such_path_will_do(path: str) -> None:
    assert said(iam={"role_path": path}) == []


@pytest.mark.parametrize("boundary", ["boundary", f"{HERE}:role/x", "NONE", f"{HERE}:policy/"])
def test_a_boundary_is_a_managed_policy(boundary: str) -> None:
    assert [place for place, _ in refused(permissions_boundary=boundary)] == ["iam.permissions_boundary"]


@pytest.mark.parametrize(
    ("boundary", "region"),
    [
        ("none", "us-west-2"),
        (f"{HERE}:policy/a/b", "us-west-2"),
        ("arn:aws-us-gov:iam::aws:policy/PowerUserAccess", "us-gov-west-1"),
    ],
)
def test_or_none_of_any_path_or_awss(boundary: str, region: str) -> None:
    assert said(iam={"permissions_boundary": boundary}, region=region) == []


@pytest.mark.parametrize(
    "more",
    [
        {"iam": {"permissions_boundary": "arn:aws:iam::aws:policy/PowerUserAccess"}},
        {"iam": {"roles": {"cluster": f"{HERE}:role/x"}}},
        {"models": [{"name": "m", "path": "m", "role_arn": f"{HERE}:role/x"}]},
    ],
)
def test_none_is_of_another_partition_than_the_region(more: dict[str, Any]) -> None:
    found = check(config(region="us-gov-west-1", **more))
    assert ["aws-us-gov" in one.message for one in found if one.level == "error"] == [True]
    assert not [one for one in check(config(**more)) if one.level == "error"]


@pytest.mark.parametrize("key", ["cluster", "node", "vpc_cni"])
def test_service_linked_roles_cannot_be_handed_on(key: str) -> None:
    arn = f"{HERE}:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS"
    assert said({key: arn}) == [("error", f"iam.roles.{key}")]
    model = {"name": "m", "path": "m", "role_arn": arn}
    assert said(models=[model]) == [("error", "models[0].role_arn")]


def test_auto_modes_role_has_no_path() -> None:
    for arn, found in ((f"{HERE}:role/a/b", [("error", "iam.roles.auto_node")]), (f"{HERE}:role/b", [])):
        assert said({"auto_node": arn}, autoscaler="auto-mode") == found


def test_all_are_of_one_account() -> None:
    roles = {"cluster": f"{HERE}:role/a", "node": f"{THERE}:role/b"}
    assert said(roles) == [("error", "iam.roles.node")]
    boundary = {"permissions_boundary": f"{THERE}:policy/x"}
    assert said({"cluster": f"{HERE}:role/a"}, iam=boundary) == [("error", "iam.permissions_boundary")]
    assert said({"cluster": f"{HERE}:role/a"}, iam={"permissions_boundary": "arn:aws:iam::aws:policy/x"}) == []


@pytest.mark.parametrize(("one", "other"), [("cluster", "node"), ("cluster", "auto_node"), ("node", "auto_node")])
def test_eks_wants_a_role_of_its_own_for_each(one: str, other: str) -> None:
    same = {one: f"{HERE}:role/same", other: f"{HERE}:role/same"}
    assert said(same, autoscaler="auto-mode") == [("error", f"iam.roles.{other}")]


def test_the_cni_gets_its_role_from_one_place() -> None:
    addon = {"name": "vpc-cni", "pod_identity_roles": {"aws-node": f"{HERE}:role/cni"}}
    assert said({"vpc_cni": f"{HERE}:role/other"}, addons=[addon]) == [("error", "iam.roles.vpc_cni")]
    irsa = {"name": "vpc-cni", "service_account_role_arn": f"{HERE}:role/cni"}
    assert said({"vpc_cni": f"{HERE}:role/other"}, addons=[irsa]) == [("error", "iam.roles.vpc_cni")]


def test_the_path_of_service_linked_roles_is_awss() -> None:
    assert said(iam={"role_path": "/aws-service-role/mine/"}) == [("error", "iam.role_path")]


def test_every_finding_has_its_cure() -> None:
    roles = {"cluster": f"{HERE}:role/a", "node": f"{HERE}:role/a", "auto_node": f"{HERE}:role/x/y"}
    found = check(config(iam={"roles": roles}, autoscaler="auto-mode"))
    assert len(found) == 2
    assert all(problem.hint for problem in found)


def test_the_file_of_init_and_the_schema_know_the_keys() -> None:
    written = yaml.safe_load(template())["iam"]
    assert set(written) == {"permissions_boundary", "role_path", "roles"}
    assert written["role_path"] == "/eksprov/"
    assert "role_arn" in json_schema()["$defs"]["Model"]["properties"]
    assert set(written["roles"]) == set(json_schema()["$defs"]["Roles"]["properties"])
