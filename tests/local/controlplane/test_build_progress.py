"""Laws of a build's progress: it only grows, is never finished early, and says what it does not know."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eksprov.local.controlplane.progress import MAIN_PACKAGE, BuildProgress, Tracker, is_package, work_share


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def tracker(clock: Clock, compiled: tuple[str, ...] = (), total: int = 1000) -> Tracker:
    made = Tracker(clock, compiled, total)
    made.enter("modules")
    return made


def test_phases_follow_what_go_prints() -> None:
    clock = Clock()
    build = Tracker(clock, (), 1000)
    build.enter("toolchain")
    assert not build.line(MAIN_PACKAGE)  # `go list -m` says it while the toolchain is looked for
    assert build.now().phase == "toolchain"
    build.enter("modules")
    assert not build.line("go: downloading k8s.io/api v0.36.3")
    assert build.now().phase == "modules"
    assert build.line("internal/goarch")
    assert not build.line("go: downloading late.example/module v1.0.0")
    assert build.now().phase == "compiling"
    build.line(MAIN_PACKAGE)
    assert build.now().phase == "linking"
    build.enter("done")
    assert build.now() == BuildProgress("done", 1000, 1000, 0.0, 0.0)


# (packages begun, seconds since the first one) of a real build on two busy cores; linking began at 265 s.
RECORDED = ((215, 10), (467, 30), (632, 51), (796, 71), (1005, 102), (1230, 133), (1691, 174), (2076, 214), (2412, 245))


def test_time_left_is_honest_at_every_stage_of_a_recorded_build() -> None:
    clock = Clock()
    build = tracker(clock, total=2531)
    before = (0, 0.0)
    for packages, seconds in RECORDED:
        for index in range(before[0], packages):
            clock.now = before[1] + (seconds - before[1]) * (index - before[0]) / (packages - before[0])
            build.line(f"package{index}")
        clock.now = seconds
        before = (packages, seconds)
        assert build.now().left_s == pytest.approx(265 - seconds + 20, rel=0.15)


def test_time_left_grows_while_nothing_is_printed_and_shrinks_while_linking() -> None:
    clock = Clock()
    build = tracker(clock)
    for index in range(200):
        clock.now += 0.1
        build.line(f"package{index}")
    left = build.now().left_s
    assert left is not None
    clock.now += 10
    assert (build.now().left_s or 0) > left
    build.line(MAIN_PACKAGE)
    clock.now += 15
    assert build.now().left_s == 5
    clock.now += 15
    assert build.now().left_s == 1  # never nothing, and never less


@given(st.floats(0, 1), st.floats(0, 1))
def test_more_packages_are_never_less_work(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0 <= work_share(low) <= work_share(high) <= 1


def test_nothing_is_claimed_before_there_is_a_rate() -> None:
    build = tracker(Clock())
    build.line("internal/goarch")
    assert build.now().left_s is None
    assert str(build.now()) == "building Kubernetes v1.36.3: 1 of 1,000 packages, 0 s so far"


def test_a_build_that_takes_over_counts_what_was_done_and_its_own_rate() -> None:
    clock = Clock()
    build = tracker(clock, tuple(f"old{index}" for index in range(600)))
    assert build.now().done == 600
    for index in range(100):
        clock.now += 1
        build.line(f"new{index}")
    progress = build.now()
    assert progress.done == 700
    # 600 to 700 of 1,000 packages took 99 s; what remains is about three times as much
    assert progress.left_s == pytest.approx(3 * 99 + 20, rel=0.2)


@given(st.lists(st.sampled_from(["a", "b", "c", "d/e", MAIN_PACKAGE, "go: downloading x v1", "# x", ""])))
def test_done_never_falls_and_is_never_all_before_the_end(lines: list[str]) -> None:
    build = tracker(Clock(), ("a", "z"), total=3)
    before = 0
    for line in lines:
        build.line(line)
        progress = build.now()
        assert before <= progress.done < progress.total
        before = progress.done


@pytest.mark.parametrize("text", ["", "# k8s.io/api", "go: finding x", "\tx.go:3: bad", "k8s.io/x: cannot find"])
def test_messages_are_no_packages(text: str) -> None:
    assert not is_package(text)


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        (
            BuildProgress("compiling", 1204, 2531, 100, 96.4),
            "building Kubernetes v1.36.3: 1,204 of 2,531 packages, about 95 s left",
        ),
        (BuildProgress("modules", 0, 2531, 12, None), "building Kubernetes v1.36.3: fetching the sources, 12 s so far"),
        (BuildProgress("linking", 2530, 2531, 200, 7.6), "building Kubernetes v1.36.3: linking, about 8 s left"),
        (
            BuildProgress("waiting", 0, 2531, 3, None),
            "waiting for another eksprov that is building Kubernetes v1.36.3, 3 s so far",
        ),
        (BuildProgress("done", 2531, 2531, 205.2, 0), "built Kubernetes v1.36.3 in 205 s"),
    ],
)
def test_one_line_for_people(progress: BuildProgress, line: str) -> None:
    assert str(progress) == line
