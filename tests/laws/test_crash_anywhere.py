"""A process may end at any call: the next one finishes the work, and nothing is there twice.

Worlds are compared, not statuses, and they are read without the steps. Each crash is a process that ends at its n-th
mutating call, before AWS sees it or after AWS did it, or that loses the answer to it. One law ends a process after
every single call. Where each case is a run of its own, `make test` tries every fifth call, other ones for each
fault; `EKSPROV_LAWS=all` tries all of them.
"""

from __future__ import annotations

import os
from functools import cache

import pytest
from support.calls import Side
from support.stage import Stage, Theatre, everything

EVERY = 1 if os.environ.get("EKSPROV_LAWS") == "all" else 5
SENT_ONCE = frozenset({"CreateVpc", "CreateInternetGateway", "AllocateAddress"})  # AWS would do them twice
MOST = 80  # mutating calls; more than a run makes


@cache
def undisturbed(theatre: Theatre, name: str = "") -> dict[str, list[str]]:
    """The world that an uninterrupted run makes."""
    with theatre.stage(everything(name) if name else None) as stage:
        assert stage.provision().ok
        return stage.world()


def difference(found: dict[str, list[str]], right: dict[str, list[str]]) -> dict[str, list[str]]:
    """What is there that should not be (+), and the other way round (-)."""
    return {
        kind: [f"+ {item}" for item in found[kind] if item not in right[kind]]
        + [f"- {item}" for item in right[kind] if item not in found[kind]]
        + ([f"{len(found[kind])} instead of {len(right[kind])}"] if len(found[kind]) != len(right[kind]) else [])
        for kind in right
        if found[kind] != right[kind]
    }


@pytest.mark.parametrize("side", ["before", "after"])
def test_a_crash_at_any_call_is_made_good_by_the_next_run(theatre: Theatre, side: Side) -> None:
    right, first = undisturbed(theatre), 1 if side == "after" else min(2, EVERY)
    for crash_at in range(first, MOST, EVERY):
        with theatre.stage() as stage:
            if stage.survives(stage.provision, crash_at, side):
                assert stage.world() == right
                break
            report = stage.provision()
            assert report.ok, (crash_at, [o for o in report.outcomes if not o.good])
            assert not difference(stage.world(), right), f"crash {side} mutating call {crash_at}"
    else:
        pytest.fail("more mutating calls than the law expects: raise MOST")


@pytest.mark.real_time  # botocore pauses some milliseconds before it sends again
def test_a_lost_answer_leaves_nothing_twice(theatre: Theatre) -> None:
    """AWS did it, the connection broke, and botocore sends it again: that must do, but where it is sent only once."""
    right = undisturbed(theatre)
    for crash_at in range(min(3, EVERY), MOST, EVERY):
        with theatre.stage() as stage:
            stage.tape.rewind(crash_at, "lost")
            first = stage.provision()
            lost = stage.tape.crashed_in
            assert first.ok or lost in SENT_ONCE, (crash_at, lost, [o for o in first.outcomes if not o.good])
            stage.tape.rewind()
            report = stage.provision()
            assert report.ok, (crash_at, lost, [o for o in report.outcomes if not o.good])
            assert not difference(stage.world(), right), f"lost the answer to {lost}, mutating call {crash_at}"
            if not lost:
                break


@pytest.mark.parametrize("name", ["", "ipv6"], ids=["quick start", "ipv6"])
def test_processes_that_each_do_or_undo_one_thing_finish_together(theatre: Theatre, name: str) -> None:
    right = undisturbed(theatre, name)
    with theatre.stage(everything(name) if name else None) as stage:
        _one_call_at_a_time(stage, right)


def _one_call_at_a_time(stage: Stage, right: dict[str, list[str]]) -> None:
    for _ in range(MOST):
        if stage.survives(stage.provision, 1, "after"):
            break
    assert stage.provision().ok
    assert stage.tape.mutating == []
    assert not difference(stage.world(), right)
    for _ in range(MOST):
        if stage.survives(stage.teardown, 1, "after"):
            break
    assert stage.teardown().ok
    assert not difference(stage.world(), dict(stage.baseline))


def test_without_its_state_a_crash_is_made_good_all_the_same(theatre: Theatre) -> None:
    right = undisturbed(theatre)
    for crash_at in range(2, MOST, 3 * EVERY):
        with theatre.stage() as stage:
            if stage.survives(stage.provision, crash_at, "after"):
                break
            stage.store.forget()
            assert stage.provision().ok
            assert not difference(stage.world(), right), f"crash after mutating call {crash_at}, state lost"


def test_a_teardown_of_half_a_stack_leaves_nothing(theatre: Theatre) -> None:
    for crash_at in range(1, MOST, 3 * EVERY + 1):
        with theatre.stage() as stage:
            if stage.survives(stage.provision, crash_at, "after"):
                break
            assert stage.teardown().ok
            assert not difference(stage.world(), dict(stage.baseline)), f"crash after mutating call {crash_at}"
