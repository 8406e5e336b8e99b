"""The names of faults: each is known on both sides, and what is none is refused with its place and cure."""

from __future__ import annotations

import pytest

from eksprov.config.check import check
from eksprov.config.schema import Config, Local
from eksprov.local.faults.named import NAMED, plan_of
from eksprov.local.faults.names import FAULTS, Place, place, problem, quota, shown
from eksprov.local.faults.plan import NOTHING

SAMPLES = {"no-capacity": "g5.xlarge/usw2-az1/SPOT", "quota": "L-DB2E81BA=0"}


def test_every_name_does_something_and_nothing_is_unnamed() -> None:
    assert set(FAULTS) == set(NAMED)
    for name in FAULTS:
        for fault in {name, f"{name}:{SAMPLES[name]}"} if name in SAMPLES else {name}:
            if fault != "quota":
                assert problem(fault) == ("", "")
                assert plan_of([fault], 0) != NOTHING


@pytest.mark.parametrize(
    "fault",
    ["flood", "", "throttle:High", "nodegroup-create-failed:", "nodegroup-create-failed:no code", "quota",
     "quota:L-DB2E81BA", "quota:GPUs=0", "quota:L-DB2E81BA=-1", "no-capacity:", "no-capacity:g5",
     "no-capacity:SPOT/ON_DEMAND", "no-capacity:g5.xlarge/g6.xlarge", "no-capacity:g5.xlarge/"],
)  # fmt: skip
def test_what_is_no_fault_is_refused_with_its_place_and_a_cure(fault: str) -> None:
    (found,) = check(Config(name="a", local=Local(faults=("role-lag", fault))))
    assert (found.level, found.path) == ("error", "local.faults[1]")
    assert found.hint


def test_a_slip_of_the_pen_is_answered_with_the_nearest_name() -> None:
    assert "did you mean leaked-interface?" in problem("leaked-interfaces")[1]
    assert problem("quota:g=0")[0].endswith(f"is not of the form {shown('quota')}")
    assert problem("no-capacity:x")[0].endswith("is not of the form no-capacity[:TYPE/ZONE/BUYING]")


def test_the_parts_of_an_argument_come_in_any_order() -> None:
    assert place("SPOT/us-west-2a/g5.xlarge") == Place("g5.xlarge", "us-west-2a", "SPOT")
    assert place("usw2-az1") == Place(zone="usw2-az1")
    assert place("") == Place()
    assert quota("L-0263D0A3=2") == ("L-0263D0A3", 2.0)


def test_the_same_fault_twice_is_refused() -> None:
    (found,) = check(Config(name="a", local=Local(faults=("throttle", "throttle"))))
    assert found.path == "local.faults[1]"
