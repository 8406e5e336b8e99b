"""Which of two findings comes first: every pair of all there are, with the reason for each one's place.

The table (`support.findings_seen`) is written down beside the product, and must name every finding that its source can
make.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from support.findings_seen import PROBED, RANKS, Seen, container

from eksprov.preflight.findings import Finding as Checked
from eksprov.preflight.findings import Level, sorted_out
from eksprov.serving.diagnosis import diagnose as product
from eksprov.serving.diagnosis.diagnose import diagnose
from eksprov.serving.diagnosis.observe import Observation
from eksprov.serving.workload import FETCH_CONTAINER

ROWS = tuple(row for line in RANKS for row in line)
PLACE = {row.cause: place for place, line in enumerate(RANKS) for row in line}


def observation(*some: Seen) -> Observation:
    """All of it at once, each on a pod of its own."""
    pods, events = [], []
    for number, seen in enumerate(some):
        name = f"digits-{number}"
        pods.append({"metadata": {"name": name}, "spec": {}, "status": seen.status})
        for reason, message in seen.events:
            involved = {"kind": "Pod", "name": name}
            events.append({"reason": reason, "message": message, "involvedObject": involved, "count": seen.count})
    status = {"conditions": [condition for seen in some for condition in seen.conditions]}
    return Observation({"metadata": {"name": "digits"}, "spec": {}, "status": status}, tuple(pods), tuple(events), {})


def shown() -> Iterator[tuple[str, bool, Seen]]:
    """Each cause in each of its two forms."""
    for row in ROWS:
        for final, seen in ((False, row.passing), (True, row.final)):
            if seen is not None:
                yield row.cause, final, seen


SHOWN = tuple(shown())


@pytest.mark.parametrize(("cause", "final", "seen"), SHOWN, ids=lambda value: str(value)[:40])
def test_what_shows_a_cause_shows_it_alone_and_whether_waiting_helps(cause: str, final: bool, seen: Seen) -> None:
    """So a run that was ended for its memory is no crash, nor one that a probe has ended."""
    assert [(one.cause, one.final) for one in diagnose(observation(seen))] == [(cause, final)]


KILLED = container({"waiting": {"reason": "CrashLoopBackOff"}}, 4, PROBED).status["containerStatuses"][0]
ENDED = {"exitCode": 137, "reason": "Error"}
LOOKS_LIKE_ANOTHER = {
    "memory, not S3": (
        "the memory limit is too low",
        Seen(
            {
                "initContainerStatuses": [
                    {
                        "name": FETCH_CONTAINER,
                        "restartCount": 0,
                        "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "message": "Access Denied"}},
                    }
                ]
            }
        ),
    ),
    "a probe, not the server": (
        "the server is not ready within its start-up time",
        Seen({"containerStatuses": [{**KILLED, "lastState": {"terminated": ENDED}}]}, PROBED),
    ),
    "the server, though a probe ended another run": (
        "the server ends by itself",
        Seen({"containerStatuses": [{**KILLED, "lastState": {"terminated": {**ENDED, "exitCode": 1}}}]}, PROBED[1:]),
    ),
    "something that is no probe": (
        "the server ends by itself",
        Seen(
            {"containerStatuses": [{**KILLED, "lastState": {"terminated": ENDED}}]},
            (("Killing", "Stopping container server"),),
        ),
    ),
}


@pytest.mark.parametrize("what", LOOKS_LIKE_ANOTHER)
def test_one_end_of_one_container_is_told_once_by_what_ended_it(what: str) -> None:
    cause, seen = LOOKS_LIKE_ANOTHER[what]
    assert [one.cause for one in diagnose(observation(seen))] == [cause]


def may_be_together(one: Seen, other: Seen) -> bool:
    """A Deployment has one condition of a type (https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/deployment-v1/)."""
    return not (one.conditions and other.conditions)


def test_of_every_two_findings_the_first_is_the_one_that_cannot_pass_and_else_the_heavier_one() -> None:
    wrong, looked = [], 0
    for (cause, final, seen), (other, other_final, other_seen) in itertools.permutations(SHOWN, 2):
        if cause == other or not may_be_together(seen, other_seen):
            continue
        first, second = (not final, PLACE[cause]), (not other_final, PLACE[other])
        if first >= second:
            continue
        looked += 1
        for together in ((seen, other_seen), (other_seen, seen)):
            found = [one.cause for one in diagnose(observation(*together))]
            if found != [cause, other]:
                wrong.append(f"{cause} (final: {final}) before {other} (final: {other_final}), but {found}")
    assert wrong == []
    assert looked > 300


def test_all_at_once_come_in_the_order_of_the_table() -> None:
    for final in (False, True):
        some = [(cause, seen) for cause, known, seen in SHOWN if known is final]
        for ordered in (some, some[::-1]):
            found = [PLACE[one.cause] for one in diagnose(observation(*(seen for _, seen in ordered)))]
            assert found == sorted(found)
            assert len(found) == len(some)


def test_a_cause_that_is_final_on_one_pod_is_told_as_final() -> None:
    for row in ROWS:
        if row.passing and row.final:
            for together in ((row.passing, row.final), (row.final, row.passing)):
                assert [(one.cause, one.final) for one in diagnose(observation(*together))] == [(row.cause, True)]


def causes_in_the_source() -> list[re.Pattern[str]]:
    """The first argument of every finding that `diagnose` makes; what is put into it may be anything."""
    tree = ast.parse(Path(product.__file__).read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Cause"]
    return [re.compile(_like(call.args[0])) for call in calls]


def _like(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return re.escape(str(node.value))
    assert isinstance(node, ast.JoinedStr), f"{ast.unparse(node)} is no text that this test can read"
    return "".join(_like(part) if isinstance(part, ast.Constant) else ".+" for part in node.values)


def test_the_table_names_every_finding_that_there_is_each_once() -> None:
    for like in causes_in_the_source():
        assert [row.cause for row in ROWS if like.fullmatch(row.cause)], f"no row for {like.pattern}"
    assert len(causes_in_the_source()) == len(ROWS) == len(PLACE)


def test_findings_before_a_run_come_worst_first_whatever_their_names() -> None:
    levels: tuple[Level, ...] = ("error", "warning", "info")
    assert get_args(Level) == levels, "errors stop a run, warnings may come true, the rest is news"
    for names in itertools.permutations("abc"):
        for order in itertools.permutations(zip(levels, names, strict=True)):
            listed = sorted_out((Checked(name, level, "said") for level, name in order), ()).listed
            assert tuple(one.level for one in listed) == levels
