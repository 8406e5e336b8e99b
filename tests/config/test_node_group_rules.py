"""Rules of node groups for machine learning: what excludes what is said before anything is made."""

from __future__ import annotations

import json
from typing import Any

import pytest

from eksprov.config.check import check
from eksprov.config.schema import Config

BLOCK = {"capacity_type": "CAPACITY_BLOCK", "capacity_reservation_id": "cr-0123456789abcdef0", "zone_ids": ["usw2-az1"]}
POOL = {"enabled": True}


def broken(**keys: Any) -> list[str]:
    """The keys that are blamed, in a config with one node group."""
    group = {"name": "gpu", "instance_types": ["p5.48xlarge"], **keys}
    config = Config.model_validate_json(json.dumps({"name": "a", "node_groups": [group]}))
    for problem in check(config):
        assert problem.path.startswith("node_groups[0]."), problem
        assert problem.message
    return [problem.path.removeprefix("node_groups[0].") for problem in check(config)]


@pytest.mark.parametrize(
    "keys",
    [
        {},
        BLOCK,
        {"efa": True, "placement_group": True, "zone_ids": ["usw2-az1"]},
        {"capacity_reservation_id": "cr-0123456789abcdef0", "efa": True},
        {**BLOCK, "zone_ids": []},
        {"zone_ids": ["usw2-az1", "usw2-az2"], "capacity_type": "SPOT"},
        {"ami_type": "BOTTLEROCKET_x86_64_NVIDIA"},
        {"disk_iops": 4000, "disk_throughput_mib": 1000},
        {"warm_pool": {**POOL, "min_size": 2}},
    ],
)
def test_what_goes_together_breaks_no_rule(keys: dict[str, Any]) -> None:
    assert broken(**keys) == []


@pytest.mark.parametrize(
    ("keys", "blamed"),
    [
        ({"zone_ids": ["usw2-az1", "usw2-az1"]}, "zone_ids[1]"),
        ({"capacity_type": "CAPACITY_BLOCK", "zone_ids": ["usw2-az1"]}, "capacity_type"),
        ({**BLOCK, "instance_types": ["p5.48xlarge", "p4d.24xlarge"]}, "instance_types"),
        ({**BLOCK, "zone_ids": ["usw2-az1", "usw2-az2"]}, "capacity_reservation_id"),
        ({**BLOCK, "capacity_type": "SPOT"}, "capacity_type"),
        ({"efa": True}, "efa"),
        ({"efa": True, "placement_group": True, "zone_ids": ["usw2-az1", "usw2-az2"]}, "placement_group"),
        ({"ami_type": "BOTTLEROCKET_x86_64", "ami_family": "al2023"}, "ami_type"),
        ({"ami_family": "bottlerocket", "local_storage": "raid0"}, "local_storage"),
        ({"ami_type": "BOTTLEROCKET_x86_64", "local_storage": "raid0"}, "local_storage"),
        ({"disk_size_gib": 20, "disk_iops": 10_001}, "disk_iops"),
        ({"disk_throughput_mib": 751}, "disk_throughput_mib"),
        ({"max_unavailable": 1, "max_unavailable_percentage": 50}, "max_unavailable_percentage"),
        ({"warm_pool": POOL, "capacity_type": "SPOT"}, "warm_pool.enabled"),
        ({"warm_pool": {**POOL, "min_size": 4}}, "warm_pool.min_size"),
        ({"warm_pool": {**POOL, "state": "HIBERNATED"}, "ami_family": "bottlerocket"}, "warm_pool.state"),
    ],
)
def test_what_excludes_one_another_is_blamed_on_one_key(keys: dict[str, Any], blamed: str) -> None:
    assert broken(**keys) == [blamed]
