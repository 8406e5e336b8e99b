"""Laws of the walk, over random graphs, failures and interleavings."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.graphs import graphs
from support.handlers import entered_anywhere, returned

from eksprov import errors
from eksprov.core.executor import Node, StopFlag, Walk, critical_paths, order
from eksprov.core.outcome import Outcome, Status


class OneByOne:
    """A pool in the caller's hands: of the submitted work, a drawn one is done when anything must be."""

    def __init__(self) -> None:
        self.submitted: list[Callable[[], None]] = []

    def submit(self, work: Callable[[], None], /) -> None:
        """Do it at once: the order of submission is the order of work."""
        self.submitted.append(work)
        work()


def behind(graph: list[Node], names: set[str]) -> set[str]:
    """Everything that needs one of `names`, directly or not."""
    found: set[str] = set()
    while more := {n.name for n in graph if set(n.needs) & (names | found)} - found:
        found |= more
    return found


def walk(graph: list[Node], act: Callable[[str], Outcome], **more: Any) -> tuple[Mapping[str, Outcome], list[str]]:
    """Walk with real threads; the outcomes, and the names in the order in which they were heard."""
    heard: list[str] = []
    outcomes = Walk(graph, act, lambda outcome: heard.append(outcome.name), **more).run(workers=4)
    return outcomes, heard


def good(name: str) -> Outcome:
    """A step that goes well."""
    return Outcome(name, Status.CREATED)


@settings(deadline=None, max_examples=60)
@given(graphs())
def test_every_step_is_done_once_after_all_it_needs(graph: list[Node]) -> None:
    begun: list[str] = []
    done: set[str] = set()
    needs = {node.name: set(node.needs) for node in graph}

    def act(name: str) -> Outcome:
        assert needs[name] <= done
        begun.append(name)
        return good(name)

    Walk(graph, act, lambda outcome: done.add(outcome.name)).run(workers=4)
    assert sorted(begun) == sorted(needs) == sorted(done)


@settings(deadline=None, max_examples=60)
@given(graphs(), st.data())
def test_a_failure_skips_exactly_what_is_behind_it_and_says_why(graph: list[Node], data: st.DataObject) -> None:
    failing = data.draw(st.sets(st.sampled_from([node.name for node in graph]), max_size=3))

    def act(name: str) -> Outcome:
        if name in failing:
            raise errors.ProvisioningError(f"{name} broke", "mend it")
        return good(name)

    outcomes, heard = walk(graph, act)
    skipped = behind(graph, failing)
    assert {name for name, one in outcomes.items() if one.status is Status.SKIPPED} == skipped
    assert {name for name, one in outcomes.items() if one.status is Status.FAILED} == failing - skipped
    for name in skipped:
        assert any(outcomes[name].message == f"needs {root}, which failed" for root in failing)
    assert sorted(heard) == sorted(outcomes), "each is heard once"


@settings(deadline=None, max_examples=60)
@given(graphs())
def test_of_what_is_ready_the_longest_pole_goes_first(graph: list[Node]) -> None:
    begun: list[str] = []
    length = critical_paths(graph)

    def act(name: str) -> Outcome:
        ready = {n.name for n in graph if n.name not in begun and set(n.needs) <= set(begun)}
        assert length[name] == max(length[one] for one in ready)
        begun.append(name)
        return good(name)

    Walk(graph, act, lambda _: None).run(pool=OneByOne(), workers=1)


@given(graphs())
def test_a_pole_is_the_longest_way_to_the_end(graph: list[Node]) -> None:
    length = critical_paths(graph)
    for node in graph:
        later = [length[other.name] for other in graph if node.name in other.needs]
        assert length[node.name] == pytest.approx(node.expected_s + max(later, default=0))


def test_outcomes_and_posts_are_heard_on_the_callers_thread_alone() -> None:
    heard: list[threading.Thread] = []
    graph = [Node(f"s{n}", (), 1) for n in range(8)]

    def act(name: str) -> Outcome:
        one.post(lambda: heard.append(threading.current_thread()))
        return good(name)

    one = Walk(graph, act, lambda _: heard.append(threading.current_thread()))
    one.run(workers=4)
    assert set(heard) == {threading.current_thread()}
    assert len(heard) == 16


def test_no_more_work_at_once_than_workers() -> None:
    lock, at_work, most = threading.Lock(), [0], [0]
    together = threading.Barrier(3)

    def act(name: str) -> Outcome:
        with lock:
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
        together.wait(5)
        with lock:
            at_work[0] -= 1
        return good(name)

    Walk([Node(f"s{n}", (), 1) for n in range(9)], act, lambda _: None).run(workers=3)
    assert most[0] == 3


def test_a_stop_begins_nothing_new_and_says_so() -> None:
    flag = StopFlag()

    def act(name: str) -> Outcome:
        flag.set()
        raise errors.InterruptedRunError(f"{name} was stopped")

    graph = [Node("a", (), 2), Node("b", ("a",), 1), Node("c", (), 1)]
    outcomes = Walk(graph, act, lambda _: None, stopped=flag.is_set).run(workers=1)
    assert outcomes["a"].status is Status.INTERRUPTED
    assert outcomes["b"].message == "needs a, which was interrupted"
    assert (outcomes["c"].status, outcomes["c"].message) == (Status.SKIPPED, "stopped before it began")
    assert flag.wait(10), "a wait ends at once"


def test_a_bug_surfaces_after_what_runs_has_ended() -> None:
    heard: list[Outcome] = []

    def act(name: str) -> Outcome:
        if name == "a":
            raise ZeroDivisionError("a bug")
        return good(name)

    graph = [Node("a", (), 9), Node("b", ("a",), 1), Node("c", (), 1)]
    with pytest.raises(ZeroDivisionError):
        Walk(graph, act, heard.append).run(workers=2)
    assert {one.name for one in heard} == {"a", "b", "c"}, "all are recorded"


def test_a_chain_longer_than_pythons_stack_is_skipped_whole() -> None:
    chain = [Node(f"s{n}", (f"s{n - 1}",) if n else (), 1) for n in range(3000)]

    def act(name: str) -> Outcome:
        raise errors.AccessError(f"{name} may not")

    outcomes, _ = walk(chain, act)
    assert sum(one.status is Status.SKIPPED for one in outcomes.values()) == 2999
    assert outcomes["s2999"].message == "needs s0, which failed"


def test_needs_outside_the_walk_are_taken_as_done() -> None:
    assert walk([Node("a", ("elsewhere",), 1)], good)[0]["a"].good


def test_a_circle_is_named() -> None:
    with pytest.raises(ValueError, match=r"circle: (a -> b -> a|b -> a -> b)"):
        order([Node("a", ("b",), 1), Node("b", ("a",), 1)])


def test_a_stop_may_be_asked_for_from_the_midst_of_a_wait() -> None:
    flags = [StopFlag()]

    def wait() -> None:
        flags.append(StopFlag())
        for _ in range(2):
            flags[-1].wait(0.001)

    def stop() -> None:
        flags[-1].set()
        flags[-1].set()

    stuck = (where for where, ended in entered_anywhere(wait, stop) if not ended)
    assert next(stuck, "") == ""
    assert len(flags) > 5


def test_a_stop_wakes_all_that_wait_and_stays() -> None:
    flag, woken = StopFlag(), list[bool]()
    threads = [threading.Thread(target=lambda: woken.append(flag.wait(60.0)), daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert not flag.wait(0.0)
    flag.set()
    assert all(returned(thread.join) for thread in threads)
    assert woken == [True] * 8
    assert flag.wait(60.0)
    assert flag.is_set()
