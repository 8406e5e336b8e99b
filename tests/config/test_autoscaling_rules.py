"""What can be said of an autoscaler before anything is made."""

from __future__ import annotations

from typing import Any

from eksprov.config.check import check
from eksprov.config.schema import Config


def said(*groups: dict[str, Any]) -> list[tuple[str, str]]:
    named = [{"name": f"g{n}", "instance_types": ["m7i.large"], **group} for n, group in enumerate(groups)]
    config = Config.model_validate(
        {"name": "demo", "autoscaler": "cluster-autoscaler", "node_groups": named}, strict=False
    )
    return [(problem.level, problem.message.split(":")[0]) for problem in check(config)]


def test_it_needs_a_node_to_run_on() -> None:
    tainted = {"taints": [{"key": "a", "effect": "NO_SCHEDULE"}]}
    message = ("error", "cluster-autoscaler has no node to run on")
    assert said() == [message]
    assert said({"min_size": 0}) == [message]
    assert said(tainted) == [message]
    assert said(tainted, {}) == []


def test_it_needs_something_to_do_and_tags_to_read() -> None:
    nothing = "cluster-autoscaler has nothing to do"
    assert said({"min_size": 2, "max_size": 2}) == [("warning", nothing)]
    assert said({"labels": {f"k{n}": "v" for n in range(40)}}) == [("error", "too many labels and taints")]
    assert [level for level, _ in said({"labels": {f"{'a' * 60}.example/{'b' * 60}": "v"}})] == ["error"]


def test_types_of_different_sizes_in_one_group_mislead_it() -> None:
    mixed = [("warning", "cluster-autoscaler takes every node for one of the first type, but sizes differ")]
    assert said({"instance_types": ["m7i.large", "m7i.xlarge"], "capacity_type": "SPOT"}) == mixed
    assert said({"instance_types": ["m7i.large", "m6i.large"], "capacity_type": "SPOT"}) == []
    config = {"name": "g", "instance_types": ["m7i.large", "m7i.xlarge"], "capacity_type": "SPOT"}
    plain = Config.model_validate({"name": "demo", "node_groups": [config]}, strict=False)
    assert check(plain) == []


def karpenters(pool: dict[str, Any] | None = None, group: dict[str, Any] | None = None, **more: Any) -> list[str]:
    """The errors of a stack with Karpenter."""
    groups = [{"name": "system", "instance_types": ["m7i.large"], **(group or {})}]
    pools = [{"name": "p", **pool}] if pool else []
    data = {"name": "demo", "autoscaler": "karpenter", "node_groups": groups, "node_pools": pools, **more}
    config = Config.model_validate(data, strict=False)
    return [problem.message for problem in check(config) if problem.level == "error"]


def test_karpenter_needs_a_node_group_to_run_on_and_a_way_to_iam() -> None:
    assert karpenters() == []
    message = "karpenter has no node to run on, and does not launch its own"
    assert karpenters(group={"min_size": 0}) == [message]
    private = {"nat_gateways": "none", "private_endpoints": True}
    assert karpenters(network=private) == ["karpenter makes instance profiles, and IAM has no endpoint inside a VPC"]


def test_a_pool_is_of_types_or_families_and_keeps_off_karpenters_own_words() -> None:
    assert karpenters({"instance_types": ["g6.xlarge"], "instance_families": ["g6"]}) == [
        "families and types exclude each other"
    ]
    assert karpenters({"labels": {"karpenter.sh/x": "y"}}) == ["the label 'karpenter.sh/x' is karpenter's own"]
    assert karpenters(tags={"karpenter.sh/nodepool": "x"}) == [
        "the tag 'karpenter.sh/nodepool' is set by karpenter itself"
    ]
    assert karpenters({"ami_version": "v1.30.0"}) == ["v1.30.0 is no release of al2023"]
    assert karpenters({"ami_family": "bottlerocket", "ami_version": "v1.30.0"}) == []
    assert karpenters(node_pools=[{"name": "p"}, {"name": "p"}]) == ["'p' is there already"]


def test_pools_without_karpenter_are_said_to_have_no_effect() -> None:
    config = Config.model_validate({"name": "demo", "node_pools": [{"name": "p"}]}, strict=False)
    assert [(problem.level, problem.path) for problem in check(config)] == [("warning", "node_pools")]


def of_auto_mode(**more: Any) -> list[tuple[str, str]]:
    config = Config.model_validate({"name": "demo", "autoscaler": "auto-mode", **more}, strict=False)
    return [(problem.level, problem.message) for problem in check(config)]


def test_auto_mode_needs_no_node_group_but_a_pool_that_takes_models_and_a_way_out() -> None:
    assert of_auto_mode() == []
    assert of_auto_mode(node_groups=[{"name": "g", "instance_types": ["m7i.large"]}]) == []
    assert of_auto_mode(auto_mode={"node_pools": ["general-purpose"]}) == []
    system = of_auto_mode(auto_mode={"node_pools": ["system"]})
    assert [level for level, _ in system] == ["error"]
    assert "models would find none" in system[0][1]
    assert [level for level, _ in of_auto_mode(auto_mode={"node_pools": ["system", "system"]})] == ["error", "error"]
    alone = of_auto_mode(network={"nat_gateways": "none"})
    assert [level for level, _ in alone] == ["error"]


def test_what_auto_mode_contains_and_what_has_no_effect_is_warned_about() -> None:
    assert [level for level, _ in of_auto_mode(addons=[{"name": "coredns"}])] == ["warning"]
    assert of_auto_mode(addons=[{"name": "aws-efs-csi-driver"}]) == []
    idle = Config.model_validate({"name": "demo", "auto_mode": {"node_pools": ["system"]}}, strict=False)
    assert [(problem.level, problem.message) for problem in check(idle)] == [
        ("warning", "has no effect unless autoscaler is auto-mode")
    ]
