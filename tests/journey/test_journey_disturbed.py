"""What a second user, a lost state and a bad network do to the real command line: nothing twice, nothing left behind.

Against a local world in this process (`support.world_here`). Moments are not waited for but held: a run is stopped by
SIGSTOP after so many calls, and goes on when the test says so. Afterwards the account is read with plain boto3.
"""

from __future__ import annotations

import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import boto3
import pytest
from support.journey import REGION, Begun, Done, owned
from support.lossy_proxy import lossy_proxy
from support.world import world
from support.world_here import WorldHere, announce, world_here

pytestmark = pytest.mark.real_time
BUCKET = "teams-state"


@pytest.fixture(scope="module")
def here() -> Iterator[WorldHere]:
    """One world for all of these."""
    with world_here() as made:
        client(made)("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield made


@pytest.fixture
def empty(here: WorldHere) -> dict[str, list[str]]:
    """The account without the stack."""
    return world(client(here))


def client(here: WorldHere) -> Callable[[str], Any]:
    """Plain clients of the administrator."""
    session: Any = boto3.Session("test", "test", region_name=REGION)  # its clients by their names
    return lambda service: session.client(service, endpoint_url=here.url)


def changes(here: WorldHere) -> int:
    """How many calls that change something AWS has had."""
    return here.emulator.calls.count(mutating=True)


def held(here: WorldHere, *command: str, after: int) -> Begun:
    """A run that stands still after so many changes, in the middle of whatever comes then."""
    until_then = changes(here) + after
    run = here.begin(*command)
    run.until(lambda: changes(here) >= until_then, f"{after} changes of {command[0]}")
    run.process.send_signal(signal.SIGSTOP)
    return run


def goes_on(run: Begun) -> Done:
    """To its end."""
    run.process.send_signal(signal.SIGCONT)
    return run.ended()


def nothing_is_twice(here: WorldHere, *config: str) -> None:
    """Each step has one resource, and another run has nothing to do."""
    ours = (step for kind, step, _ in owned(client(here), "quickstart") if kind not in ("instance", "security-group"))
    assert {step: count for step, count in Counter(ours).items() if count > 1} == {}
    before = changes(here)
    again = here("provision", *config)
    assert "no changes: " in again.out, again.err
    assert changes(here) == before or config  # a state in S3 takes and gives back its lock there


def torn_down(here: WorldHere, empty: dict[str, list[str]], done: Done) -> None:
    """A teardown has left the account as it was; what lies in the team's own bucket is the team's."""
    assert done.code == 0, done.err
    left = world(client(here))
    new = [one for kind, items in left.items() for one in set(items) - set(empty[kind]) if BUCKET not in one]
    gone = [one for kind, items in empty.items() for one in set(items) - set(left[kind]) if BUCKET not in one]
    assert (new, gone) == ([], [])


@pytest.mark.parametrize("state", ["", f"state: s3://{BUCKET}/stacks\n"], ids=["local-state", "state-in-s3"])
def test_of_two_runs_at_once_one_is_refused_with_the_holders_name(
    here: WorldHere, empty: dict[str, list[str]], state: str
) -> None:
    config = ("--config", "shared.yaml")
    (here.folder / config[1]).write_text((here.folder / "eksprov.yaml").read_text() + state)
    breath = [here.begin("provision", *config, name=name) for name in ("one", "two")]
    ended = [run.ended() for run in breath]
    assert 0 in {done.code for done in ended}
    for done, other in zip(ended, reversed(breath), strict=True):
        if done.code:
            assert (done.code, f"pid {other.process.pid}" in done.err) == (1, True), done.err
    nothing_is_twice(here, *config)

    leaving = held(here, "teardown", "--yes", *config, after=3)
    refused = here("provision", *config)
    assert refused.code == 1, refused.err
    assert f"pid {leaving.process.pid}" in refused.err
    assert "teardown" in refused.err
    torn_down(here, empty, goes_on(leaving))


def test_a_state_deleted_while_a_run_goes_on_costs_nothing(here: WorldHere, empty: dict[str, list[str]]) -> None:
    run = held(here, "provision", after=8)
    (here.folder / "state/quickstart.json").unlink()
    ended = goes_on(run)
    assert ended.code == 0, ended.err
    nothing_is_twice(here)
    torn_down(here, empty, here("teardown", "--yes"))


def test_a_state_lost_with_its_folder_and_its_run_costs_nothing(here: WorldHere, empty: dict[str, list[str]]) -> None:
    run = held(here, "provision", after=12)
    shutil.rmtree(here.folder / "state")
    run.process.kill()
    assert goes_on(run).code == -signal.SIGKILL
    done = here("provision")
    assert done.code == 0, done.err
    nothing_is_twice(here)
    torn_down(here, empty, here("teardown", "--yes"))


def test_a_proxy_that_loses_answers_makes_nothing_twice(here: WorldHere, empty: dict[str, list[str]]) -> None:
    (here.folder / "aws.yaml").write_text((here.folder / "eksprov.yaml").read_text().replace("local", "aws", 1))
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    with lossy_proxy(here.url) as proxy:
        through = {**keys, "AWS_ENDPOINT_URL": proxy.url}
        until_it_is_done(here, "provision", "--yes", "--config", "aws.yaml", env=through)
        assert {"CreateVpc", "CreateInternetGateway", "AllocateAddress", "Post /clusters"} <= proxy.lost
        nothing_is_twice(here)
        announce(here.folder / "world", proxy.url)
        done = until_it_is_done(here, "teardown", "--yes")
    announce(here.folder / "world", here.url)
    torn_down(here, empty, done)


def until_it_is_done(here: WorldHere, *command: str, env: Mapping[str, str] | None = None) -> Done:
    """Run it again as long as it fails; each run says why, and gets further."""
    for _ in range(6):
        done = here(*command, env=env)
        assert "Traceback" not in done.err
        if done.code == 0:
            break
    assert done.code == 0, done.err
    return done
