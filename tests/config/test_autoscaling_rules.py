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
