"""The time that a walk still takes: a range that moves, never below zero, over virtual time."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eksprov.core.executor import Node
from eksprov.core.remaining import Spent, TimeLeft, time_left

CHAIN = (Node("vpc", (), 10.0), Node("cluster", ("vpc",), 600.0), Node("nodes", ("cluster",), 200.0))
NOTHING: Mapping[str, Spent] = {}


def played(nodes: tuple[Node, ...], real: Mapping[str, float], at: float) -> TimeLeft:
    """What is said `at` seconds into a walk whose steps really take so long, each as soon as it may begin."""
    begins: dict[str, float] = {}
    for node in nodes:
        begins[node.name] = max((begins[need] + real[need] for need in node.needs), default=0.0)
    ended = {name: Spent(real[name], moved=True) for name in real if begins[name] + real[name] <= at}
    running = {name: Spent(at - begins[name], moved=True) for name in real if begins[name] <= at and name not in ended}
    return time_left(nodes, (), ended, running)


def test_at_first_it_is_about_what_is_expected_of_the_longest_chain() -> None:
    left = time_left((*CHAIN, Node("bucket", (), 5.0)), (), NOTHING, NOTHING)
    assert left.high is not None
    assert left.low < 810.0 < left.high
    assert left.high < 2 * 810.0 < 4 * left.low


def test_it_moves_with_time_and_narrows_with_what_was_done() -> None:
    real = {"vpc": 10.0, "cluster": 600.0, "nodes": 200.0}
    ranges = [played(CHAIN, real, at) for at in (0.0, 100.0, 300.0, 500.0, 620.0, 700.0, 800.0)]
    highs = [left.high for left in ranges if left.high is not None]
    assert len(highs) == len(ranges)
    assert highs == sorted(highs, reverse=True)
    assert len(set(highs)) == len(highs)
    for at, left, high in zip((0.0, 100.0, 300.0, 500.0, 620.0, 700.0, 800.0), ranges, highs, strict=True):
        assert left.low <= 810.0 - at <= high
    assert highs[-2] - ranges[-2].low < (highs[0] - ranges[0].low) / 4


def test_a_world_that_is_slower_than_expected_lengthens_what_is_ahead() -> None:
    even, slow = ({"vpc": 10.0, "cluster": 600.0 * times, "nodes": 200.0 * times} for times in (1.0, 1.5))
    at_nodes = [played(CHAIN, even, 611.0), played(CHAIN, slow, 911.0)]
    assert at_nodes[0].high is not None
    assert at_nodes[1].high is not None
    assert at_nodes[1].low > at_nodes[0].low
    assert at_nodes[1].high > at_nodes[0].high


def test_a_step_that_outlasts_the_range_has_no_upper_end() -> None:
    assert played(CHAIN, {"vpc": 10.0, "cluster": 5000.0, "nodes": 200.0}, 4000.0).high is None
    assert played(CHAIN, {"vpc": 10.0, "cluster": 5000.0, "nodes": 200.0}, 5011.0).high is not None


def test_what_the_record_calls_ready_is_only_read_unless_it_moves() -> None:
    names = [node.name for node in CHAIN]
    still = time_left(CHAIN, names, NOTHING, {"vpc": Spent(0.1)})
    assert still.high is not None
    assert still.high < 5.0
    moving = time_left(CHAIN, names, {"vpc": Spent(0.2)}, {"cluster": Spent(0.5, moved=True)})
    assert moving.high is not None
    assert moving.high > 500.0


def test_nothing_to_do_takes_no_time() -> None:
    assert time_left((), (), NOTHING, NOTHING) == TimeLeft(0.0, 0.0)
    assert time_left(CHAIN, (), {node.name: Spent(1.0) for node in CHAIN}, NOTHING) == TimeLeft(0.0, 0.0)


@given(
    st.lists(st.floats(0.0, 3000.0), min_size=1, max_size=8),
    st.lists(st.floats(0.0, 9000.0), min_size=8, max_size=8),
    st.floats(0.0, 20000.0),
    st.lists(st.sets(st.integers(0, 7)), min_size=8, max_size=8),
)
def test_it_is_a_range_and_never_below_zero(
    expected: list[float], really: list[float], at: float, needs: list[set[int]]
) -> None:
    nodes = tuple(
        Node(str(index), tuple(str(need) for need in needs[index] if need < index), seconds)
        for index, seconds in enumerate(expected)
    )
    left = played(nodes, {node.name: really[index] for index, node in enumerate(nodes)}, at)
    assert left.low >= 0.0
    assert left.high is None or left.high >= left.low
    finished = played(nodes, {node.name: really[index] for index, node in enumerate(nodes)}, 10 * 9000.0)
    assert finished == TimeLeft(0.0, 0.0)


@pytest.mark.parametrize("speed", [1.0, 60.0, 2000.0])
def test_a_world_made_faster_has_the_same_law(speed: float) -> None:
    nodes = tuple(Node(node.name, node.needs, node.expected_s / speed) for node in CHAIN)
    left = time_left(nodes, (), NOTHING, NOTHING)
    assert left.high is not None
    assert left.low <= 810.0 / speed <= left.high
