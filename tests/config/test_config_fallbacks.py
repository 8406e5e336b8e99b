"""Laws of a node group's fallbacks: no choice twice, none where the template is made for one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from eksprov.config.check import check
from eksprov.config.schema import Config


def errors(*fallbacks: dict[str, Any], **more: Any) -> list[str]:
    """The paths to blame."""
    group = {"name": "gpu", "instance_types": ["g5.xlarge"], "fallbacks": list(fallbacks), **more}
    config = Config.model_validate_json(json.dumps({"name": "a", "node_groups": [group]}))
    return [problem.path for problem in check(config) if problem.level == "error"]


AT = "node_groups[0].fallbacks"
SPOT, OTHER = {"capacity_type": "SPOT"}, {"instance_types": ["g6.xlarge"]}


@pytest.mark.parametrize(
    ("fallbacks", "blamed"),
    [
        ([SPOT, OTHER, {**SPOT, **OTHER}], []),
        ([{"zone_ids": ["usw2-az1"]}, {"zone_ids": ["usw2-az2"]}], []),
        ([{}], [f"{AT}[0]"]),
        ([SPOT, {**SPOT, "instance_types": ["g5.xlarge"]}], [f"{AT}[1]"]),
        ([{"zone_ids": ["usw2-az1", "usw2-az2"]}, {"zone_ids": ["usw2-az2", "usw2-az1"]}], [f"{AT}[1]"]),
        ([{"instance_types": ["g6.xlarge", "g6.xlarge"]}], [f"{AT}[0].instance_types[1]"]),
        ([{"zone_ids": ["usw2-az1", "usw2-az1"]}], [f"{AT}[0].zone_ids[1]"]),
    ],
)
def test_no_choice_is_there_twice(fallbacks: list[dict[str, Any]], blamed: list[str]) -> None:
    assert errors(*fallbacks) == blamed


def test_what_the_template_is_made_for_has_no_fallback() -> None:
    assert AT in errors(SPOT, capacity_reservation_id="cr-0123456789abcdef0")
    assert f"{AT}[0].instance_types" in errors(OTHER, efa=True)
    assert f"{AT}[0].capacity_type" in errors(SPOT, warm_pool={"enabled": True})


def test_five_fallbacks_are_enough() -> None:
    with pytest.raises(ValidationError, match="at most 5"):
        errors(*({"instance_types": [f"g5.{n}xlarge"]} for n in (2, 4, 8, 12, 16, 24)))
