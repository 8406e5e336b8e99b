"""Laws between keys: each rule named with the key to blame, and silent on what is right."""

from __future__ import annotations

import json
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eksprov.config.check import check
from eksprov.config.schema import Config, NodeGroup
from eksprov.errors import Problem

GROUP = {"name": "w", "instance_types": ["m7i.large"]}
MODEL = {"name": "m", "path": "model"}


def config(**keys: Any) -> Config:
    """A config of plain values, as a file would give them."""
    return Config.model_validate_json(json.dumps({"name": "a", **keys}))


def found(folder: Path | None = None, **keys: Any) -> list[tuple[str, str]]:
    """The broken rules of a config: level and path."""
    return [(problem.level, problem.path) for problem in check(config(**keys), folder)]


def errors(**keys: Any) -> list[str]:
    """The paths of a config's errors."""
    return [path for level, path in found(**keys) if level == "error"]


def group(**keys: Any) -> dict[str, Any]:
    """The keys of a config with one node group."""
    return {"node_groups": [{**GROUP, **keys}]}


def test_the_defaults_break_no_rule() -> None:
    assert check(config(**group(), models=[MODEL])) == []


@pytest.mark.parametrize(
    ("least", "wanted", "most", "blamed"),
    [
        (1, 2, 3, []),
        (2, 2, 2, []),
        (3, 2, 4, ["node_groups[0].desired_size"]),
        (1, 5, 4, ["node_groups[0].desired_size"]),
        (5, 3, 2, ["node_groups[0].min_size"]),
    ],
)
def test_sizes_are_ordered(least: int, wanted: int, most: int, blamed: list[str]) -> None:
    assert errors(**group(min_size=least, desired_size=wanted, max_size=most)) == blamed


@pytest.mark.parametrize(
    ("keys", "blamed"),
    [
        ({"node_groups": [GROUP, GROUP]}, "node_groups[1].name"),
        ({"models": [MODEL, {**MODEL, "path": "other"}]}, "models[1].name"),
        ({"addons": [{"name": "x"}, {"name": "y"}, {"name": "x"}]}, "addons[2].name"),
        (group(instance_types=["m7i.large", "m7i.large"]), "node_groups[0].instance_types[1]"),
        (group(taints=[{"key": "k", "effect": "NO_SCHEDULE", "value": v} for v in "ab"]), "node_groups[0].taints[1]"),
        ({"access": [{"principal_arn": "arn:aws:iam::111122223333:role/r"}] * 2}, "access[1].principal_arn"),
        ({"cluster": {"log_types": ["api", "api"]}}, "cluster.log_types[1]"),
        ({"network": {"exclude_zone_ids": ["usw2-az1", "usw2-az1"]}}, "network.exclude_zone_ids[1]"),
    ],
)
def test_nothing_is_named_twice(keys: dict[str, Any], blamed: str) -> None:
    assert errors(**keys) == [blamed]


@pytest.mark.parametrize(
    ("network", "cluster", "blamed"),
    [
        ("10.0.0.0/15", "172.20.0.0/16", ["network.vpc_cidr"]),
        ("10.0.0.0/25", "172.20.0.0/16", ["network.vpc_cidr"]),
        ("10.0.0.1/16", "172.20.0.0/16", ["network.vpc_cidr"]),
        ("10.0.0.300/16", "172.20.0.0/16", ["network.vpc_cidr"]),
        ("10.0.0.0/99", "172.20.0.0/16", ["network.vpc_cidr"]),
        ("172.20.0.0/16", "172.20.0.0/16", ["cluster.service_ipv4_cidr"]),
        ("10.0.0.0/16", "10.0.255.0/24", ["cluster.service_ipv4_cidr"]),
        ("10.0.0.0/16", "172.16.0.0/11", ["cluster.service_ipv4_cidr"]),
        ("10.0.0.0/16", "192.168.0.0/25", ["cluster.service_ipv4_cidr"]),
        ("10.0.0.0/16", "100.64.0.0/16", ["cluster.service_ipv4_cidr"]),
        ("100.64.0.0/16", "10.0.0.0/16", []),
    ],
)
def test_ranges_are_whole_apart_and_of_a_size_eks_takes(network: str, cluster: str, blamed: list[str]) -> None:
    assert errors(network={"vpc_cidr": network}, cluster={"service_ipv4_cidr": cluster}) == blamed


def test_host_bits_come_with_the_range_that_was_meant() -> None:
    (problem,) = check(config(network={"vpc_cidr": "10.1.2.3/16"}))
    assert problem.hint == "did you mean 10.1.0.0/16?"


def test_a_public_range_is_a_warning_only() -> None:
    assert found(network={"vpc_cidr": "8.8.0.0/16"}) == [("warning", "network.vpc_cidr")]


@given(st.integers(16, 24), st.integers(0, 255), st.integers(12, 24), st.integers(0, 4095))
def test_services_are_refused_exactly_when_they_overlap_the_vpc(size: int, at: int, length: int, where: int) -> None:
    vpc = IPv4Network((f"10.{at}.0.0", size))
    services = IPv4Network((int(IPv4Network("10.0.0.0/8").network_address) + (where << 12), length), strict=False)
    refused = errors(network={"vpc_cidr": str(vpc)}, cluster={"service_ipv4_cidr": str(services)})
    assert bool(refused) == (vpc[0] in services or services[0] in vpc)


def test_a_small_vpc_has_no_room_for_many_nodes() -> None:
    assert errors(network={"vpc_cidr": "10.0.0.0/24"}, **group(desired_size=120)) == ["network.vpc_cidr"]
    assert errors(network={"vpc_cidr": "10.0.0.0/16"}, **group(desired_size=120)) == []


def test_somebody_must_be_able_to_reach_the_cluster() -> None:
    closed = {"endpoint_public_access": False, "endpoint_private_access": False}
    assert errors(cluster=closed) == ["cluster.endpoint_public_access"]


def test_public_ranges_are_checked_and_pointless_when_the_endpoint_is_private() -> None:
    assert errors(cluster={"public_access_cidrs": ["1.2.0.0/16", "1.2.3.4/24"]}) == ["cluster.public_access_cidrs[1]"]
    private = {"endpoint_public_access": False, "public_access_cidrs": ["1.2.3.4/32"]}
    assert found(cluster=private) == [("warning", "cluster.public_access_cidrs")]


@pytest.mark.parametrize("key", ["a b", "-a", "a/", "/a", "A/b/c", "UPPER.com/a", "x" * 64, "", "é", "a\n"])
def test_a_label_key_follows_kubernetes_grammar(key: str) -> None:
    assert errors(**group(labels={key: "v"})) == [f"node_groups[0].labels.{key}"]


@pytest.mark.parametrize("key", ["kubernetes.io/x", "node.kubernetes.io/x", "k8s.io/x", "eks.amazonaws.com/x"])
def test_prefixes_of_kubernetes_and_eks_are_refused(key: str) -> None:
    assert errors(**group(labels={key: "v"})) == [f"node_groups[0].labels.{key}"]
    assert errors(**group(taints=[{"key": key, "effect": "NO_EXECUTE"}])) == ["node_groups[0].taints[0].key"]


@pytest.mark.parametrize("key", ["a", "A.b_c-9", "example.com/team", "notkubernetes.io/x"])
def test_other_label_keys_are_taken(key: str) -> None:
    assert errors(**group(labels={key: "v"})) == []


def test_labels_of_a_group_are_as_short_as_eks_wants_them_and_have_a_value() -> None:
    """Kubernetes would take all of these."""
    longest = f"{'a' * 50}.com/{'b' * 8}"
    assert errors(**group(labels={longest: "v"})) == []
    assert errors(**group(labels={f"{longest}b": "v"})) == [f"node_groups[0].labels.{longest}b"]
    assert errors(**group(labels={"k": ""})) == ["node_groups[0].labels.k"]


@pytest.mark.parametrize("value", ["a b", "-a", "a-", "é", "x" * 64])
def test_a_label_value_follows_kubernetes_grammar(value: str) -> None:
    assert errors(**group(labels={"k": value})) == ["node_groups[0].labels.k"]


def test_replicas_are_ordered() -> None:
    assert errors(models=[{**MODEL, "replicas": {"min": 4, "max": 2}}]) == ["models[0].replicas.min"]
    assert errors(models=[{**MODEL, "replicas": {"min": 4}}]) == []


@pytest.mark.parametrize("namespace", ["kube-system", "default"])
def test_models_stay_out_of_namespaces_that_are_not_theirs(namespace: str) -> None:
    assert errors(models=[{**MODEL, "namespace": namespace}]) == ["models[0].namespace"]


@pytest.mark.parametrize(
    "key", ["aws:x", "AWS:x", "eksprov:stack", "eks:cluster-name", "kubernetes.io/role/elb", "Name", "name"]
)
def test_tags_of_aws_and_of_ours_cannot_be_set(key: str) -> None:
    assert errors(tags={key: "v"}) == [f"tags.{key}"]


def test_tags_take_what_aws_takes() -> None:
    assert errors(tags={"team": "a+b@c.d = 1/2:3"}) == []
    assert errors(tags={"team": "a*b"}) == ["tags.team"]
    assert errors(tags={"Team": "a", "team": "b"}) == ["tags.Team", "tags.team"]


def test_local_settings_on_aws_are_a_warning() -> None:
    assert found(target="aws", local={"speed": 9}) == [("warning", "local")]
    assert found(target="aws") == []


def folder_problem(root: Path, path: str) -> Problem | None:
    """What is wrong with a model's path seen from `root`."""
    problems = check(config(models=[{**MODEL, "path": path}]), root)
    return problems[0] if problems else None


def test_a_models_folder_lies_below_the_config(tmp_path: Path) -> None:
    root = tmp_path / "project"
    (root / "model").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (root / "link").symlink_to(tmp_path / "outside")
    (root / "loop").symlink_to(root / "loop")
    (root / "inner").symlink_to(root / "model")
    (root / "file").write_text("x")
    assert folder_problem(root, "model") is None
    assert folder_problem(root, "inner") is None
    for path in ("../outside", "link", "link/deeper", str(tmp_path / "outside"), ".", "/etc", "loop", "a\0b"):
        problem = folder_problem(root, path)
        assert problem is not None, path
        assert problem.level == "error", path
    not_a_folder, missing = folder_problem(root, "file"), folder_problem(root, "later/model")
    assert not_a_folder is not None
    assert missing is not None
    assert (not_a_folder.level, missing.level) == ("error", "warning")


def test_findings_are_the_same_for_equal_configs() -> None:
    bad = config(**group(desired_size=9, max_size=2))
    assert check(bad) == check(bad.model_copy())
    assert isinstance(bad.node_groups[0], NodeGroup)
