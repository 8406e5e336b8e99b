"""Laws of the difference and of the pace: pure functions, so random values say it all."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from eksprov.core.change import NO_CHANGE, UNKNOWN, Action, diff
from eksprov.core.convergence.pace import EARLY_S, poll_interval


@dataclass(frozen=True)
class Thing:
    """Facts with one field of each sort."""

    size: Any
    kind: Any = field(default=None, metadata={"replace": True})
    arn: str = field(default="", compare=False)


VALUES = st.one_of(st.integers(), st.text(max_size=5), st.frozensets(st.integers(), max_size=3), st.none())
THINGS = st.builds(Thing, size=VALUES, kind=VALUES, arn=st.text(max_size=5))


@given(THINGS)
def test_nothing_differs_from_itself(thing: Thing) -> None:
    assert diff(thing, thing) is NO_CHANGE


@given(THINGS, st.text())
def test_what_the_world_assigns_takes_no_part(thing: Thing, arn: str) -> None:
    assert diff(thing, replace(thing, arn=arn)) is NO_CHANGE


@given(THINGS, THINGS)
def test_a_difference_names_exactly_the_fields_that_differ_with_both_values(want: Thing, have: Thing) -> None:
    change = diff(want, have)
    expected = [name for name in ("size", "kind") if getattr(want, name) != getattr(have, name)]
    assert list(change.names) == expected
    assert [(one.want, one.have) for one in change.fields] == [(getattr(want, n), getattr(have, n)) for n in expected]
    if not expected:
        assert change.action is Action.NONE
    else:
        assert change.action is (Action.REPLACE if "kind" in expected else Action.UPDATE)


@given(THINGS)
def test_absence_means_create(thing: Thing) -> None:
    assert diff(thing, None).action is Action.CREATE


@given(THINGS)
def test_unknown_equals_nothing_a_resource_can_have(have: Thing) -> None:
    assert diff(replace(have, size=UNKNOWN), have).names == ("size",)


EXPECTED = st.floats(0.5, 1200)


def readings(expected_s: float, took_s: float, speed: float) -> tuple[int, float]:
    """How many readings it takes to see something that took `took_s` scaled seconds, and the scaled seconds lost."""
    waited, count = 0.0, 0
    while waited * speed < took_s:
        waited += poll_interval(waited, expected_s, speed)
        count += 1
    return count, waited * speed - took_s


@given(EXPECTED, st.floats(0.7, 1.5))
def test_near_the_expected_end_at_most_two_seconds_are_lost(expected_s: float, share: float) -> None:
    assert readings(expected_s, expected_s * share, 1.0)[1] <= 2.0


@given(EXPECTED, st.floats(0.01, 4))
def test_never_more_than_ten_seconds_are_lost_and_readings_stay_few(expected_s: float, share: float) -> None:
    count, lost = readings(expected_s, expected_s * share, 1.0)
    assert lost <= EARLY_S
    assert count <= 20 + expected_s * share / 2


@given(st.floats(0, 1000), EXPECTED, st.floats(1, 40))
def test_speed_scales_the_pause_until_the_floor(waited_s: float, expected_s: float, speed: float) -> None:
    assert poll_interval(waited_s / speed, expected_s, speed) <= poll_interval(waited_s, expected_s, 1.0) + 1e-6
    least = min(0.2, poll_interval(waited_s, expected_s, 1.0) / speed)
    assert poll_interval(waited_s / speed, expected_s, speed) >= least - 1e-6


@given(st.floats(0, 5000), EXPECTED, st.floats(1, 1000))
def test_a_pause_is_never_nothing_and_never_long(waited_s: float, expected_s: float, speed: float) -> None:
    assert 0.1 <= poll_interval(waited_s, expected_s, speed) <= EARLY_S
